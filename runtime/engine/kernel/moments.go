package kernel

// Moments are mean and biased variance of columns.
type Moments struct{ Mean, Variance []float64 }

// clear makes all of n columns zero.
func (m *Moments) clear(n int) {
	if len(m.Mean) != n {
		m.Mean, m.Variance = make([]float64, n), make([]float64, n)
		return
	}
	clear(m.Mean)
	clear(m.Variance)
}

// flushRows is how many rows are summed in float32 at most.
const flushRows = 256

// parts cuts so many rows of n columns in parts, in multiples of a tile's rows: their ends. It depends on extents alone.
func (u *ISA) parts(rows, n int) []int {
	tiles := (rows + u.rows - 1) / u.rows
	count := max(1, min(16, rows/flushRows, rows*n/4096))
	ends := make([]int, count)
	for p := range ends {
		ends[p] = min(rows, (p+1)*tiles/count*u.rows)
	}
	return ends
}

// columnSums returns sums over rows, s0 of f before s1: f adds those of rows [lo, hi) of a part. They are there until the next call.
func (u *ISA) columnSums(t *Team, rows, n, work, step int, f func(w *worker, c *columns, part, lo, hi int)) (ends []int, sums []float64) {
	ends = u.parts(rows, n)
	sums = t.exact(len(ends) * 2 * n)
	t.run(len(ends), 1, work, func(w *worker, p0, p1 int) {
		if len(w.sums) < 2*n {
			w.sums = make([]float32, 2*n)
		}
		s := w.sums[:2*n]
		for p := p0; p < p1; p++ {
			from := 0
			if p > 0 {
				from = ends[p-1]
			}
			to, since := sums[p*2*n:(p+1)*2*n], 0
			clear(s)
			for lo := from; lo < ends[p]; lo += step {
				hi := min(lo+step, ends[p])
				c := &w.columns
				c.s0, c.s1 = &s[0], &s[n]
				f(w, c, from, lo, hi)
				if since += hi - lo; since >= flushRows || hi == ends[p] {
					for i, v := range s {
						to[i] += float64(v)
					}
					clear(s)
					since = 0
				}
			}
		}
	})
	return ends, sums
}

// total adds the sums of all parts.
func total(sums []float64, n int) []float64 {
	for p := 2 * n; p < len(sums); p += 2 * n {
		for i, v := range sums[p : p+2*n] {
			sums[i] += v
		}
	}
	return sums[:2*n]
}

// observe sets m to the moments of the n columns of y. write, which may be nil, computes rows [lo, hi) of y before they are read. Sums are
// of differences from a part's first row, which keeps them exact where means are large; parts are joined as in "Algorithms for
// Computing the Sample Variance" (Chan, Golub and LeVeque, 1983).
func (u *ISA) observe(t *Team, m *Moments, y []float32, n, work int, write func(w *worker, lo, hi int)) {
	rows := len(y) / n
	step := stepRows(n)
	if write != nil {
		step = max(64, step&^(u.rows-1))
	}
	ends, sums := u.columnSums(t, rows, n, work, step, func(w *worker, c *columns, part, lo, hi int) {
		if write != nil {
			write(w, lo, hi)
		}
		s0, s1 := c.s0, c.s1
		c.set(u, lo, hi, n, y)
		c.c, c.s0, c.s1 = &y[part*n], s0, s1
		u.moments(c)
	})
	m.clear(n)
	for i := range n {
		count, from := 0.0, 0
		for p, end := range ends {
			size := float64(end - from)
			d := sums[p*2*n+i] / size
			mean, square := float64(y[from*n+i])+d, sums[p*2*n+n+i]-d*d*size
			off := mean - m.Mean[i]
			m.Mean[i] += off * size / (count + size)
			m.Variance[i] += square + off*off*count*size/(count+size)
			count, from = count+size, end
		}
		m.Variance[i] = max(0, m.Variance[i]/count)
	}
}

// ForwardMoments is Forward, and the moments of the results' columns.
func (c *Trainable) ForwardMoments(t *Team, x, y []float32, batch int, m *Moments) {
	work := batch * c.pixels * c.layout.Taps * c.layout.K * c.out
	c.isa.observe(t, m, y[:batch*c.pixels*c.out], c.out, work, func(w *worker, lo, hi int) { c.forward.rows(w, x, y, lo, hi) })
}

// Deferred is derivatives by the operand of a BatchNorm that are computed where they are used.
type Deferred struct {
	norm    *BatchNorm
	x, dz   []float32
	p, q, s []float32
}

// rows computes derivatives by rows [lo, hi) of the operand.
func (d *Deferred) rows(w *worker, lo, hi int, to []float32) {
	n, u := d.norm.n, d.norm.isa
	step := stepRows(n)
	for from := lo; lo < hi; lo += step {
		k := &w.columns
		k.set(u, lo, min(lo+step, hi), n, d.x)
		d.norm.limit(k)
		k.g, k.out = &d.dz[lo*n], &to[(lo-from)*n]
		k.c, k.d, k.e = &d.p[0], &d.q[0], &d.s[0]
		u.normBack(k)
	}
}

// Joins tells whether BackwardOf takes derivatives that are computed where they are used: those by a pixel's results make all those
// by its operand, and there are enough pixels for all threads.
func (c *Trainable) Joins(batch int) bool {
	if c.depthwise() || !c.g.plain() || c.groups > 1 || c.gathered() {
		return false
	}
	return c.cross.cut(batch*c.pixels) >= 4
}

// BackwardOf sets dx and adds to dw, either of which may be nil, the derivatives by operand and weights.
func (c *Trainable) BackwardOf(t *Team, d *Deferred, x, dx, dw []float32, batch int) {
	s, pixels := c.cross, batch*c.pixels
	s.plan(t, pixels)
	chunks := (pixels + crossDepth - 1) / crossDepth
	back := c.backward.matrices[0]
	t.run(s.parts, 1, 2*pixels*s.rows*c.out, func(w *worker, lo, hi int) {
		if len(w.dy) < crossDepth*c.out {
			w.dy = make([]float32, crossDepth*c.out)
		}
		for part := lo; part < hi; part++ {
			for chunk := part * chunks / s.parts; chunk < (part+1)*chunks/s.parts; chunk++ {
				m0 := chunk * crossDepth
				m1 := min(m0+crossDepth, pixels)
				d.rows(w, m0, m1, w.dy)
				if dw != nil {
					s.chunk(w, part, 0, 0, c.in, m0, m1, x, w.dy)
				}
				if dx != nil {
					src := source{x: w.dy, stride: c.out}
					back.block(w, 0, m1-m0, 0, len(back.spans), &src, dx[m0*c.in:], c.in)
				}
			}
		}
	})
	if dw != nil {
		s.collect(t, dw)
	}
}
