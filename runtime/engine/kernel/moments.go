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

// columnSums returns sums over the rows of parts with these ends, s0 of f before s1: f adds those of rows [lo, hi) of a part, at most step of
// them and of one block. They are there until the next call.
func columnSums(t *Team, ends []int, n, work, step, block int, f func(w *worker, c *columns, part, lo, hi int)) []float64 {
	sums := t.exact(len(ends) * 2 * n)
	t.run(len(ends), 1, work, func(w *worker, p0, p1 int) {
		s := room(&w.sums, 2*n)
		for p := p0; p < p1; p++ {
			from := 0
			if p > 0 {
				from = ends[p-1]
			}
			to, since := sums[p*2*n:(p+1)*2*n], 0
			for lo, hi := from, 0; lo < ends[p]; lo = hi {
				hi = min(lo+step, ends[p], (lo/block+1)*block)
				c := &w.columns
				c.s0, c.s1 = &s[0], &s[n]
				f(w, c, from, lo, hi)
				if since += hi - lo; since >= flushRows || hi == ends[p] {
					flush(to, s)
					since = 0
				}
			}
		}
	})
	return sums
}

// flush adds sums in float32 to exact ones and clears them.
func flush(to []float64, s []float32) {
	for i, v := range s {
		to[i] += float64(v)
	}
	clear(s)
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

// Moments sets m to the moments of each of n columns of x.
func (u *ISA) Moments(t *Team, m *Moments, x []float32, n int) { u.observe(t, m, x, n, 2*len(x), nil) }

// observe sets m to the moments of the n columns of y. write, which may be nil, computes rows [lo, hi) of y before they are read. Sums are
// of differences from a part's first row, which keeps them exact where means are large; parts are joined as in "Algorithms for
// Computing the Sample Variance" (Chan, Golub and LeVeque, 1983).
func (u *ISA) observe(t *Team, m *Moments, y []float32, n, work int, write func(w *worker, lo, hi int)) {
	step, rows := stepRows(n), len(y)/n
	if write != nil {
		step = max(64, step&^(u.rows-1))
	}
	u.observeBlocks(t, m, y, n, work, u.parts(rows, n), step, rows, write)
}

// observeBlocks is observe for parts with these ends. Where blocks of rows are smaller than all rows, write computes whole ones, else steps.
func (u *ISA) observeBlocks(t *Team, m *Moments, y []float32, n, work int, ends []int, step, block int, write func(w *worker, lo, hi int)) {
	whole := block < len(y)/n
	sums := columnSums(t, ends, n, work, step, block, func(w *worker, c *columns, part, lo, hi int) {
		s0, s1 := c.s0, c.s1
		switch {
		case write == nil:
		case !whole:
			write(w, lo, hi)
		case lo%block == 0:
			write(w, lo, min(lo+block, len(y)/n))
		}
		c.set(u, lo, hi, n, y)
		c.c, c.s0, c.s1 = &y[part*n], s0, s1
		u.moments(c)
	})
	m.join(y, sums, ends, n)
}

// join makes moments of sums of differences from the first row of each part, and of their squares.
func (m *Moments) join(y []float32, sums []float64, ends []int, n int) {
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
