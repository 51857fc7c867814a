package kernel

import "math"

// Matrix is the constant right-hand side of a matrix product, packed for one ISA in panels as wide as its tiles.
type Matrix struct {
	isa     *ISA
	k, taps int // rows: taps groups of k
	n       int
	panels  []float32
	bias    []float32 // as wide as all panels
	zero    []float32
	lo, hi  float32
}

// Layout tells where element (tap, k, n) of a matrix is found.
type Layout struct {
	Taps, K, N                  int
	TapStride, KStride, NStride int
}

// Limits bound the results of an operator: a fused Relu or Clip.
type Limits struct{ Lo, Hi float32 }

// NoLimits leaves results as they are.
func NoLimits() Limits {
	inf := float32(math.Inf(1))
	return Limits{-inf, inf}
}

// Pack makes a Matrix of w. A nil bias is zero.
func (u *ISA) Pack(w []float32, l Layout, bias []float32, lim Limits) *Matrix {
	m := &Matrix{isa: u, k: l.K, taps: l.Taps, n: l.N, zero: make([]float32, l.K), lo: lim.Lo, hi: lim.Hi}
	m.bias = make([]float32, m.width())
	copy(m.bias, bias)
	m.panels = make([]float32, m.width()*l.Taps*l.K)
	m.fill(w, l)
	return m
}

// fill packs w, replacing what the matrix held; its extents stay.
func (m *Matrix) fill(w []float32, l Layout) {
	to := m.panels
	for j := 0; j < l.N; {
		cols := m.columns(j)
		have := min(cols, l.N-j)
		for tap := range l.Taps {
			for k := range l.K {
				from := w[tap*l.TapStride+k*l.KStride+j*l.NStride:]
				if l.NStride == 1 {
					copy(to[:have], from)
				} else {
					for i := range have {
						to[i] = from[i*l.NStride]
					}
				}
				to = to[cols:]
			}
		}
		j += cols
	}
}

// columns returns the width of the panel that starts at column j.
func (m *Matrix) columns(j int) int {
	if m.n-j <= m.isa.width {
		return m.isa.width
	}
	return 2 * m.isa.width
}

// width returns the number of columns with the last panel's padding.
func (m *Matrix) width() int { return (m.n + m.isa.width - 1) / m.isa.width * m.isa.width }

// source tells a product where the rows of its left-hand side are.
type source struct {
	x      []float32
	stride int     // floats between rows, when off is nil
	off    []int32 // [pixels][taps] offsets in an image in bytes, negative outside
	pixels int     // rows of an image
	image  int     // floats of an image
	first  int     // floats before the first column: a group's channels
	patch  *patches
}

// blockBytes is how much of the packed weights is used for all rows before the next: half of a small L2 cache.
const blockBytes = 256 << 10

// Mul sets rows of y (ldy floats apart) to x times m plus its bias. Rows of x are ldx floats apart.
func (m *Matrix) Mul(t *Team, rows int, x []float32, ldx int, y []float32, ldy int) {
	m.mul(t, rows, source{x: x, stride: ldx}, y, ldy)
}

func (m *Matrix) mul(t *Team, rows int, src source, y []float32, ldy int) {
	work := rows * m.n * m.k * m.taps
	tiles := (rows + m.isa.rows - 1) / m.isa.rows
	step := 2 * m.isa.width
	if panels := (m.n + step - 1) / step; tiles < 2*t.Threads() && panels > tiles {
		t.run(m.width(), step, work, func(w *worker, lo, hi int) { m.block(w, 0, rows, lo, hi, &src, y, ldy) })
		return
	}
	t.run(rows, m.isa.rows, work, func(w *worker, lo, hi int) {
		wide := max(step, blockBytes/4/(m.k*m.taps)/step*step)
		for j := 0; j < m.n; j += wide {
			m.block(w, lo, hi, j, min(j+wide, m.width()), &src, y, ldy)
		}
	})
}

// block computes rows [r0, r1) of columns [c0, c1), where c0 starts a panel.
func (m *Matrix) block(w *worker, r0, r1, c0, c1 int, src *source, y []float32, ldy int) {
	t := &w.tile
	t.zero, t.taps, t.k = first(m.zero), int64(m.taps), int64(m.k)
	t.lo, t.hi, t.ldi = m.lo, m.hi, 0
	if need := m.taps * m.isa.rows; len(w.off) < need {
		w.off = make([]int64, need)
	}
	t.off = &w.off[0]
	depth := m.k * m.taps
	for r := r0; r < r1; r += m.isa.rows {
		rows := min(m.isa.rows, r1-r)
		src.place(w, r, rows, m.taps)
		for j := c0; j < c1; {
			cols := m.columns(j)
			t.w, t.init = &m.panels[j*depth], &m.bias[j]
			if have := m.n - j; have >= cols {
				t.c, t.ldc = &y[r*ldy+j], int64(ldy)*4
				m.isa.tile(rows, cols/m.isa.width, t)
			} else {
				t.c, t.ldc = &w.edge[0], int64(cols)*4
				m.isa.tile(rows, cols/m.isa.width, t)
				for i := range rows {
					copy(y[(r+i)*ldy+j:(r+i)*ldy+m.n], w.edge[i*cols:])
				}
			}
			j += cols
		}
	}
}

// place writes the offsets of a tile's rows.
func (s *source) place(w *worker, r, rows, taps int) {
	switch {
	case s.patch != nil:
		s.patch.gather(w, s.x, r, rows)
	case s.off == nil:
		w.tile.x = first(s.x[s.first:])
		for i := range rows {
			w.off[i] = int64((r+i)*s.stride) * 4
		}
	default:
		w.tile.x = first(s.x[s.first:])
		for i := range rows {
			img, pix := (r+i)/s.pixels, (r+i)%s.pixels
			base := int64(img*s.image) * 4
			for t, o := range s.off[pix*taps : pix*taps+taps] {
				if o >= 0 {
					w.off[t*rows+i] = base + int64(o)
				} else {
					w.off[t*rows+i] = -1
				}
			}
		}
	}
}
