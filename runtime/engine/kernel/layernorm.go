package kernel

import "math"

// LayerNorm normalises each row of n elements; bias may be nil.
func (u *ISA) LayerNorm(t *Team, z, x, scale, bias []float32, n int, epsilon float32) {
	u.layerNorm(t, z, x, scale, bias, n, epsilon, func(int, *normRow) {})
}

// layerNorm also hands each row's mean and 1 / deviation to seen.
func (u *ISA) layerNorm(t *Team, z, x, scale, bias []float32, n int, epsilon float32, seen func(r int, l *normRow)) {
	if len(x) == 0 {
		return
	}
	if bias == nil {
		bias = make([]float32, n)
	}
	t.run(len(z)/n, 1, 2*len(z), func(w *worker, lo, hi int) {
		l := &w.normRow
		*l = normRow{n: int64(n), scale: &scale[0], bias: &bias[0], mask: &u.maskOf(n)[0]}
		for r := lo; r < hi; r++ {
			l.x, l.out = &x[r*n], &z[r*n]
			u.standardise(l, epsilon)
			u.rowNorm(l)
			seen(r, l)
		}
	})
}

// standardise sets l's mean and 1 / deviation to those of x. The first sum, of differences from an element, finds the mean; the second, from
// there, is exact also where the mean is large against the deviation.
func (u *ISA) standardise(l *normRow, epsilon float32) {
	n := float32(l.n)
	l.mean = *l.x
	u.rowMoments(l)
	l.mean += l.s0 / n
	u.rowMoments(l)
	off := l.s0 / n
	l.mean += off
	variance := max(0, float64(l.s1/n-off*off))
	l.inv = float32(1 / math.Sqrt(variance+float64(epsilon)))
}

// LayerNorms normalises rows and has the derivatives.
type LayerNorms struct {
	isa       *ISA
	n         int
	epsilon   float32
	mean, inv []float32 // by row
	sums      []float64
}

// NewLayerNorm prepares a normalisation of so many rows of n elements.
func (u *ISA) NewLayerNorm(n, rows int, epsilon float32) *LayerNorms {
	return &LayerNorms{isa: u, n: n, epsilon: epsilon, mean: make([]float32, rows), inv: make([]float32, rows)}
}

// Forward computes z; bias may be nil.
func (c *LayerNorms) Forward(t *Team, z, x, scale, bias []float32) {
	c.isa.layerNorm(t, z, x, scale, bias, c.n, c.epsilon, func(r int, l *normRow) { c.mean[r], c.inv[r] = l.mean, l.inv })
}

// at points l to a row.
func (c *LayerNorms) at(l *normRow, r int, x, dz []float32) {
	l.x, l.g, l.n, l.mask = &x[r*c.n], &dz[r*c.n], int64(c.n), &c.isa.maskOf(c.n)[0]
	l.mean, l.inv = c.mean[r], c.inv[r]
}

// Sums prepares the gradient with respect to the parameters.
func (c *LayerNorms) Sums(t *Team, x, dz []float32) {
	n := c.n
	c.sums = reduceRows(t, len(c.mean), 2, n, func(w *worker, lo, hi int, to []float64) {
		s, l := room(&w.sums, 2*n), &w.normRow
		l.bias, l.scale = &s[0], &s[n]
		for r := lo; r < hi; r++ {
			c.at(l, r, x, dz)
			c.isa.rowSums(l)
			if (r-lo)%flushRows == flushRows-1 || r == hi-1 {
				flush(to, s)
			}
		}
	})
}

// Scale sets g to the gradient with respect to the scale.
func (c *LayerNorms) Scale(g []float32) { narrowed(g, c.sums[c.n:]) }

// Bias sets g to the gradient with respect to the bias.
func (c *LayerNorms) Bias(g []float32) { narrowed(g, c.sums[:c.n]) }

// Operand sets dx to the gradient with respect to x.
func (c *LayerNorms) Operand(t *Team, dx, x, dz, scale []float32) {
	t.run(len(c.mean), 1, 2*len(x), func(w *worker, lo, hi int) {
		l := &w.normRow
		l.scale = &scale[0]
		for r := lo; r < hi; r++ {
			c.at(l, r, x, dz)
			l.out = &dx[r*c.n]
			c.isa.rowDots(l)
			l.a, l.b = l.s0/float32(c.n), l.s1*l.inv*l.inv/float32(c.n)
			c.isa.rowBack(l)
		}
	})
}
