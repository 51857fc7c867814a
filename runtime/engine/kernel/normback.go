package kernel

import "math"

// ColumnSums sets s to the sums of the columns of x.
func (u *ISA) ColumnSums(t *Team, s, x []float32) {
	n := len(s)
	sums := reduceRows(t, len(x)/n, 1, n, func(lo, hi int, to []float64) {
		for r := lo; r < hi; r++ {
			for i, v := range x[r*n : (r+1)*n] {
				to[i] += float64(v)
			}
		}
	})
	for i := range s {
		s[i] = float32(sums[i])
	}
}

// reduceRows sums over rows in parts that depend on their number alone: f adds the sums of rows [lo, hi) to k times n places.
func reduceRows(t *Team, rows, k, n int, f func(lo, hi int, to []float64)) []float64 {
	parts := max(1, min(16, rows*n/4096))
	sums := make([]float64, parts*k*n)
	t.run(parts, 1, 2*k*rows*n, func(_ *worker, lo, hi int) {
		for p := lo; p < hi; p++ {
			f(p*rows/parts, (p+1)*rows/parts, sums[p*k*n:(p+1)*k*n])
		}
	})
	for p := 1; p < parts; p++ {
		for i, v := range sums[p*k*n : (p+1)*k*n] {
			sums[i] += v
		}
	}
	return sums[:k*n]
}

// BatchNorm normalises columns by the batch's statistics ("Batch Normalization", Ioffe and Szegedy 2015), within limits, and has the
// derivatives.
type BatchNorm struct {
	isa       *ISA
	n         int
	epsilon   float64
	lim       Limits
	mean      []float64
	inv       []float64 // 1 / standard deviation
	a, b      []float32 // z = x*a + b
	sumDz     []float64
	sumDzXhat []float64
}

// NewBatchNorm prepares a normalisation of n columns.
func (u *ISA) NewBatchNorm(n int, epsilon float32, lim Limits) *BatchNorm {
	return &BatchNorm{isa: u, n: n, epsilon: float64(epsilon), lim: lim, inv: make([]float64, n), a: make([]float32, n), b: make([]float32, n)}
}

// Forward computes z of rows x.
func (c *BatchNorm) Forward(t *Team, z, x, scale, bias []float32) {
	var variance []float64
	c.mean, variance = ColumnMoments(t, x, c.n)
	for i, v := range variance {
		c.inv[i] = 1 / math.Sqrt(v+c.epsilon)
		s := float64(scale[i]) * c.inv[i]
		c.a[i], c.b[i] = float32(s), float32(float64(bias[i])-s*c.mean[i])
	}
	c.isa.Scale(t, z, x, c.a, c.b, c.lim)
}

// inside tells whether a result is not at a limit.
func (c *BatchNorm) inside(z float32) bool { return z > c.lim.Lo && z < c.lim.Hi }

// Sums prepares the derivatives, given those by z.
func (c *BatchNorm) Sums(t *Team, x, z, dz []float32) {
	n := c.n
	sums := reduceRows(t, len(x)/n, 2, n, func(lo, hi int, to []float64) {
		for r := lo; r < hi; r++ {
			for i, d := range dz[r*n : (r+1)*n] {
				if c.inside(z[r*n+i]) {
					to[i] += float64(d)
					to[n+i] += float64(d) * (float64(x[r*n+i]) - c.mean[i]) * c.inv[i]
				}
			}
		}
	})
	c.sumDz, c.sumDzXhat = sums[:n], sums[n:]
}

// Scale sets g to the derivatives by the scale.
func (c *BatchNorm) Scale(g []float32) { narrowed(g, c.sumDzXhat) }

// Bias sets g to the derivatives by the bias.
func (c *BatchNorm) Bias(g []float32) { narrowed(g, c.sumDz) }

func narrowed(to []float32, from []float64) {
	for i := range to {
		to[i] = float32(from[i])
	}
}

// Operand sets dx to the derivatives by x.
func (c *BatchNorm) Operand(t *Team, dx, x, z, dz, scale []float32) {
	n := c.n
	rows := len(x) / n
	p, q, s := make([]float32, n), make([]float32, n), make([]float32, n) // dx = p*dz + q*x + s
	for i := range n {
		k := float64(scale[i]) * c.inv[i]
		slope := -k * c.inv[i] * c.sumDzXhat[i] / float64(rows)
		p[i], q[i], s[i] = float32(k), float32(slope), float32(-k*c.sumDz[i]/float64(rows)-slope*c.mean[i])
	}
	t.Split(rows, 2*len(x), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			for i, d := range dz[r*n : (r+1)*n] {
				k := r*n + i
				v := q[i]*x[k] + s[i]
				if c.inside(z[k]) {
					v += p[i] * d
				}
				dx[k] = v
			}
		}
	})
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
	LayerNorm(t, z, x, scale, bias, c.n, c.epsilon)
	t.Split(len(c.mean), 2*len(x), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			mean, variance := moments(x[r*c.n : (r+1)*c.n])
			c.mean[r], c.inv[r] = float32(mean), float32(1/math.Sqrt(variance+float64(c.epsilon)))
		}
	})
}

// Sums prepares the derivatives by the parameters.
func (c *LayerNorms) Sums(t *Team, x, dz []float32) {
	n := c.n
	c.sums = reduceRows(t, len(c.mean), 2, n, func(lo, hi int, to []float64) {
		for r := lo; r < hi; r++ {
			for i, d := range dz[r*n : (r+1)*n] {
				to[i] += float64(d)
				to[n+i] += float64(d * (x[r*n+i] - c.mean[r]) * c.inv[r])
			}
		}
	})
}

// Scale sets g to the derivatives by the scale.
func (c *LayerNorms) Scale(g []float32) { narrowed(g, c.sums[c.n:]) }

// Bias sets g to the derivatives by the bias.
func (c *LayerNorms) Bias(g []float32) { narrowed(g, c.sums[:c.n]) }

// Operand sets dx to the derivatives by x.
func (c *LayerNorms) Operand(t *Team, dx, x, dz, scale []float32) {
	n := c.n
	t.Split(len(c.mean), 4*len(x), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			d, v, to := dz[r*n:(r+1)*n], x[r*n:(r+1)*n], dx[r*n:(r+1)*n]
			m, inv := c.mean[r], c.inv[r]
			var sum, sumX float64
			for i, g := range d {
				s := g * scale[i]
				sum += float64(s)
				sumX += float64(s * (v[i] - m) * inv)
			}
			a, b := float32(sum/float64(n)), float32(sumX/float64(n))
			for i, g := range d {
				to[i] = inv * (g*scale[i] - a - (v[i]-m)*inv*b)
			}
		}
	})
}
