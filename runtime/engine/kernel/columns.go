package kernel

// columns is the argument of micro-kernels that walk down the columns of matrices whose rows are ld bytes apart. Vectors a to e have
// an element per column. Assembly reads it by offset: keep in step with asm/columns.go.
type columns struct {
	x, g, out     *float32
	ld            int64
	rows, cols    int64
	a, b, c, d, e *float32
	s0, s1        *float32
	lo, hi        float32
	mask          *int32 // -1 for the columns of the last partial vector, then 0
	more, z       *float32
}

type columnFunc func(c *columns)

// set points to rows [lo, hi) of n columns.
func (c *columns) set(u *ISA, lo, hi, n int, x []float32) {
	*c = columns{ld: int64(n) * 4, rows: int64(hi - lo), cols: int64(n), x: &x[lo*n], mask: &u.maskOf(n)[0]}
	c.g, c.out, c.more, c.z = c.x, c.x, c.x, c.x // pointers that a kernel moves but does not use
	c.a, c.b, c.c, c.d, c.e, c.s0, c.s1 = c.x, c.x, c.x, c.x, c.x, c.x, c.x
}

// stepRows is how many rows of n columns a kernel sums in float32: they stay in the first cache, and lose little.
func stepRows(n int) int { return max(8, min(256, 4096/n)) }

func momentsGo(c *columns) {
	n := int(c.cols)
	shift, s0, s1 := vec(c.c, n), vec(c.s0, n), vec(c.s1, n)
	for r := range c.rows {
		for i, v := range vec(at(c.x, r*c.ld), n) {
			d := v - shift[i]
			s0[i] += d
			s1[i] += d * d
		}
	}
}

func normGo(c *columns) {
	n := int(c.cols)
	for r := range c.rows {
		affineGo(vec(at(c.out, r*c.ld), n), vec(at(c.x, r*c.ld), n), vec(c.a, n), vec(c.b, n), c.lo, c.hi)
	}
}

// gated returns a derivative where the result that it is by is inside the limits, else 0.
func gated(z, g, lo, hi float32) float32 {
	if z > lo && z < hi {
		return g
	}
	return 0
}

func normAddGo(c *columns) {
	n := int(c.cols)
	a, b, of := vec(c.a, n), vec(c.b, n), vec(c.c, n)
	for r := range c.rows {
		y, out := vec(at(c.g, r*c.ld), n), vec(at(c.out, r*c.ld), n)
		for i, v := range vec(at(c.x, r*c.ld), n) {
			out[i] = limit(v*a[i]+b[i]+of[i]*y[i], c.lo, c.hi)
		}
	}
}

func normSumsGo(c *columns) {
	n := int(c.cols)
	a, b, mean, s0, s1 := vec(c.a, n), vec(c.b, n), vec(c.c, n), vec(c.s0, n), vec(c.s1, n)
	for r := range c.rows {
		g := vec(at(c.g, r*c.ld), n)
		for i, v := range vec(at(c.x, r*c.ld), n) {
			d := gated(v*a[i]+b[i], g[i], c.lo, c.hi)
			s0[i] += d
			s1[i] += d * (v - mean[i])
		}
	}
}

func endSumsGo(c *columns) {
	n := int(c.cols)
	mean, s0, s1 := vec(c.c, n), vec(c.s0, n), vec(c.s1, n)
	for r := range c.rows {
		x, g, more, z := vec(at(c.x, r*c.ld), n), vec(at(c.g, r*c.ld), n), vec(at(c.more, r*c.ld), n), vec(at(c.z, r*c.ld), n)
		for i, out := range vec(at(c.out, r*c.ld), n) {
			out = gated(z[i], g[i]+more[i], c.lo, c.hi)
			s0[i] += out
			s1[i] += out * (x[i] - mean[i])
			*at(c.out, r*c.ld+int64(i)*4) = out
		}
	}
}

func normBackGo(c *columns) {
	n := int(c.cols)
	a, b, p, q, s := vec(c.a, n), vec(c.b, n), vec(c.c, n), vec(c.d, n), vec(c.e, n)
	for r := range c.rows {
		g, out := vec(at(c.g, r*c.ld), n), vec(at(c.out, r*c.ld), n)
		for i, v := range vec(at(c.x, r*c.ld), n) {
			out[i] = p[i]*gated(v*a[i]+b[i], g[i], c.lo, c.hi) + q[i]*v + s[i]
		}
	}
}

func gateGo(z, x, y []float32, lo, hi float32) {
	for i := range z {
		z[i] = gated(x[i], y[i], lo, hi)
	}
}

// Gate sets g to dz where z is inside the limits, else to 0: the derivatives of a Relu or Clip. g may be dz.
func (u *ISA) Gate(t *Team, g, dz, z []float32, lim Limits) {
	t.run(len(g), 16, len(g), func(_ *worker, lo, hi int) { u.gateRow(g[lo:hi], dz[lo:hi], z[lo:hi], lim) })
}

// gateRow is Gate for some elements.
func (u *ISA) gateRow(g, dz, z []float32, lim Limits) {
	n := len(g) &^ (u.width - 1)
	if n > 0 {
		u.gate(&g[0], &z[0], &dz[0], n, lim.Lo, lim.Hi)
	}
	gateGo(g[n:], z[n:], dz[n:], lim.Lo, lim.Hi)
}
