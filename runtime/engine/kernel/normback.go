package kernel

import "math"

// ColumnSums sets s to the sums of the columns of x.
func (u *ISA) ColumnSums(t *Team, s, x []float32) {
	n := len(s)
	zero := make([]float32, n)
	rows := len(x) / n
	sums := columnSums(t, u.parts(rows, n), n, len(x), stepRows(n), rows, func(_ *worker, c *columns, _, lo, hi int) {
		s0, s1 := c.s0, c.s1
		c.set(u, lo, hi, n, x)
		c.c, c.s0, c.s1 = &zero[0], s0, s1
		u.moments(c)
	})
	narrowed(s, total(sums, n)[:n])
}

// reduceRows sums over rows in parts that depend on their number alone: f adds the sums of rows [lo, hi) to k times n places.
func reduceRows(t *Team, rows, k, n int, f func(w *worker, lo, hi int, to []float64)) []float64 {
	parts := max(1, min(16, rows*n/4096))
	sums := make([]float64, parts*k*n)
	t.run(parts, 1, k*rows*n, func(w *worker, lo, hi int) {
		for p := lo; p < hi; p++ {
			f(w, p*rows/parts, (p+1)*rows/parts, sums[p*k*n:(p+1)*k*n])
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
	isa     *ISA
	n       int
	epsilon float64
	lim     Limits
	mean    []float64
	inv     []float64 // 1 / standard deviation
	a, b    []float32 // z = x*a + b
	center  []float32 // mean
	sumG    []float64 // of gradients with respect to results inside the limits
	sumGX   []float64 // of those times the normalised operand
}

// NewBatchNorm prepares a normalisation of n columns.
func (u *ISA) NewBatchNorm(n int, epsilon float32, lim Limits) *BatchNorm {
	f, d := make([]float32, 3*n), make([]float64, 4*n)
	return &BatchNorm{
		isa: u, n: n, epsilon: float64(epsilon), lim: lim,
		mean: d[:n], inv: d[n : 2*n], sumG: d[2*n : 3*n], sumGX: d[3*n:], a: f[:n], b: f[n : 2*n], center: f[2*n:],
	}
}

// Forward computes z of rows x, whose moments are computed where m is nil.
func (c *BatchNorm) Forward(t *Team, z, x, scale, bias []float32, m *Moments) {
	c.Prepare(t, x, scale, bias, m)
	c.isa.Scale(t, z, x, c.a, c.b, c.lim)
}

// Prepare is Forward for an Operand, which computes z where it is used.
func (c *BatchNorm) Prepare(t *Team, x, scale, bias []float32, m *Moments) {
	if m == nil {
		m = new(Moments)
		c.isa.Moments(t, m, x, c.n)
	}
	for i, mean := range m.Mean {
		c.mean[i], c.center[i] = mean, float32(mean)
		c.inv[i] = 1 / math.Sqrt(m.Variance[i]+c.epsilon)
		s := float64(scale[i]) * c.inv[i]
		c.a[i], c.b[i] = float32(s), float32(float64(bias[i])-s*mean)
	}
}

// Addition is a sum, within limits, of the results of a normalisation without limits and something else.
type Addition struct {
	isa     *ISA
	n       int
	x, y, z []float32
	a, b, c []float32 // z = a*x + b + c*y
	lim     Limits
}

// Add prepares z, which may be y, as the sum of the results for rows x and y, or what other yields for rows y. Prepare comes before.
func (c *BatchNorm) Add(z, x, y []float32, other *BatchNorm, lim Limits) *Addition {
	f := make([]float32, 2*c.n)
	s := &Addition{isa: c.isa, n: c.n, x: x, y: y, z: z, a: c.a, b: f[:c.n], c: f[c.n:], lim: lim}
	copy(s.b, c.b)
	if other == nil {
		for i := range s.c {
			s.c[i] = 1
		}
		return s
	}
	copy(s.c, other.a)
	for i, b := range other.b {
		s.b[i] += b
	}
	return s
}

// Run computes all rows.
func (s *Addition) Run(t *Team) { t.run(len(s.z)/s.n, stepRows(s.n), 2*len(s.z), s.rows) }

// rows computes rows [lo, hi).
func (s *Addition) rows(w *worker, lo, hi int) {
	n, k := s.n, &w.columns
	for ; lo < hi; lo += stepRows(n) {
		k.set(s.isa, lo, min(lo+stepRows(n), hi), n, s.x)
		k.g, k.out, k.a, k.b, k.c, k.lo, k.hi = &s.y[lo*n], &s.z[lo*n], &s.a[0], &s.b[0], &s.c[0], s.lim.Lo, s.lim.Hi
		s.isa.normAdd(k)
	}
}

// limit tells a kernel which results are inside the limits.
func (c *BatchNorm) limit(k *columns) {
	k.a, k.b, k.lo, k.hi = &c.a[0], &c.b[0], c.lim.Lo, c.lim.Hi
}

// Sums prepares the derivatives, given those by z.
func (c *BatchNorm) Sums(t *Team, x, dz []float32) {
	n, rows := c.n, len(x)/c.n
	sums := columnSums(t, c.isa.parts(rows, n), n, 3*len(x), stepRows(n), rows, func(_ *worker, k *columns, _, lo, hi int) {
		c.addSums(k, x, dz, lo, hi, k.s0, k.s1)
	})
	c.take(total(sums, n))
}

// addSums adds rows [lo, hi) of dz, and of those times x less its mean, to sums.
func (c *BatchNorm) addSums(k *columns, x, dz []float32, lo, hi int, sumG, sumGX *float32) {
	k.set(c.isa, lo, hi, c.n, x)
	c.limit(k)
	k.g, k.c, k.s0, k.s1 = &dz[lo*c.n], &c.center[0], sumG, sumGX
	c.isa.normSums(k)
}

// take keeps the sums that addSums made.
func (c *BatchNorm) take(sums []float64) {
	copy(c.sumG, sums)
	for i, s := range sums[c.n:] {
		c.sumGX[i] = (s - c.sumG[i]*(c.mean[i]-float64(c.center[i]))) * c.inv[i]
	}
}

// Scale sets g to the gradient with respect to the scale.
func (c *BatchNorm) Scale(g []float32) { narrowed(g, c.sumGX) }

// Bias sets g to the gradient with respect to the bias.
func (c *BatchNorm) Bias(g []float32) { narrowed(g, c.sumG) }

func narrowed(to []float32, from []float64) {
	for i := range to {
		to[i] = float32(from[i])
	}
}

// Operand sets dx, which may be dz, to the gradient with respect to x.
func (c *BatchNorm) Operand(t *Team, dx, x, dz, scale []float32) {
	d := c.Defer(x, dz, scale)
	t.run(len(x)/c.n, stepRows(c.n), 3*len(x), func(w *worker, lo, hi int) { d.rows(w, lo, hi, dx[lo*c.n:]) })
}
