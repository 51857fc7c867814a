package kernel

import "math"

// Matrix is the constant right-hand side of a matrix product, packed for one ISA in panels as wide as its tiles. Views of it
// have some of its rows and columns, see Part.
type Matrix struct {
	isa     *ISA
	taps, n int // offsets of a row of the left-hand side; columns
	panels  []float32
	depth   int // rows of a panel
	whole   int // columns of all panels
	runs    []run
	spans   []span
	init    []float32 // what sums start with, as spans say
	zero    []float32
	scale   []float32 // what results are multiplied by before shift is added; nil for neither
	shift   []float32
	limits  Limits
}

// run is some rows of a panel that follow each other, and the elements of the left-hand side that they meet.
type run struct {
	row    int // of the panel
	tap, x int // first offset, and how many elements after it
	taps   int
	k      int // rows for each tap
}

// span is the columns [skip, skip+have) of one panel, which are columns of the result from to on.
type span struct {
	column     int // of the whole, where the panel starts
	cols, vecs int // of the panel
	skip, have int
	to         int
	init       int
}

// Layout tells where element (tap, k, n) of a matrix is found.
type Layout struct {
	Taps, K, N                  int
	TapStride, KStride, NStride int
	order                       []int // in which taps are packed; nil where they are as they stand
}

// tap returns where the elements of the tap that is packed as the i-th begin.
func (l Layout) tap(i int) int {
	if l.order != nil {
		i = l.order[i]
	}
	return i * l.TapStride
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
	m := u.form(l, bias, lim)
	m.panels = make([]float32, m.width()*m.depth)
	m.fill(w, l)
	return m
}

// form makes a Matrix without elements.
func (u *ISA) form(l Layout, bias []float32, lim Limits) *Matrix {
	m := &Matrix{isa: u, taps: l.Taps, n: l.N, whole: l.N, depth: l.Taps * l.K, zero: make([]float32, l.K), limits: lim}
	m.runs = []run{{taps: l.Taps, k: l.K}}
	m.spans = make([]span, 0, (l.N+2*u.width-1)/(2*u.width))
	for j := 0; j < l.N; j += m.columns(j) {
		m.spans = append(m.spans, span{column: j, cols: m.columns(j), vecs: m.columns(j) / m.isa.width, have: min(m.columns(j), l.N-j), to: j, init: j})
	}
	m.init = make([]float32, m.width())
	copy(m.init, bias)
	return m
}

// fill packs w, replacing what the matrix held; its extents stay.
func (m *Matrix) fill(w []float32, l Layout) { m.fillPanels(w, l, 0, len(m.spans)) }

// fillPanels packs some panels.
func (m *Matrix) fillPanels(w []float32, l Layout, lo, hi int) {
	to := m.panels[lo*2*m.isa.width*m.depth:]
	for range hi - lo {
		j := lo * 2 * m.isa.width
		lo++
		cols := m.columns(j)
		have := min(cols, l.N-j)
		if l.KStride == 1 && l.Taps == 1 {
			fillColumns(w[j*l.NStride:], to, l, cols, have)
		} else {
			fillRows(w[j*l.NStride:], to, l, cols, have)
		}
		to = to[cols*m.depth:]
	}
}

// fillRows packs a panel row by row; taps, which follow each other in the weights of a convolution, change faster than channels.
func fillRows(w, to []float32, l Layout, cols, have int) {
	for k := range l.K {
		for tap := range l.Taps {
			from, row := w[l.tap(tap)+k*l.KStride:], to[(tap*l.K+k)*cols:][:have]
			if l.NStride == 1 {
				copy(row, from)
				continue
			}
			at := 0
			for i := range row {
				row[i] = from[at]
				at += l.NStride
			}
		}
	}
}

// fillColumns packs a panel, where elements that follow each other are those of a column, in blocks that stay in the cache.
func fillColumns(w, to []float32, l Layout, cols, have int) {
	const block = 16
	for k0 := 0; k0 < l.K; k0 += block {
		k1 := min(k0+block, l.K)
		for i := range have {
			at := k0*cols + i
			for _, v := range w[i*l.NStride+k0 : i*l.NStride+k1] {
				to[at] = v
				at += cols
			}
		}
	}
}

// columns returns the width of the panel that starts at column j.
func (m *Matrix) columns(j int) int {
	if m.whole-j <= m.isa.width {
		return m.isa.width
	}
	return 2 * m.isa.width
}

// width returns the number of columns with the last panel's padding.
func (m *Matrix) width() int { return m.isa.padded(m.whole) }

// padded rounds up to whole vectors.
func (u *ISA) padded(n int) int { return (n + u.width - 1) / u.width * u.width }

// source tells a product where the rows of its left-hand side are.
type source struct {
	x      []float32
	stride int     // floats between rows, or pixels when there is off
	off    []int32 // [pixels][taps] input pixels of an image, negative outside
	pixels int     // rows of an image
	image  int     // floats of an image
	first  int     // floats before the first column: a group's channels
	patch  *patches
	places []int64 // of the pixels of an image, see Windows.placed: instead of off for a single image, or for tiles of all rows. The matrix has one run
	tall   int     // rows of a tile of places, where there is off: a divisor of pixels, so that no tile crosses images
}

// blockBytes is how much of the packed weights is used for all rows before the next: half of a small L2 cache.
const blockBytes = 256 << 10

// Mul sets rows of y (ldy floats apart) to x times m plus its bias. Rows of x are ldx floats apart.
func (m *Matrix) Mul(t *Team, rows int, x []float32, ldx int, y []float32, ldy int) {
	m.mul(t, rows, source{x: x, stride: ldx}, y, ldy)
}

func (m *Matrix) mul(t *Team, rows int, src source, y []float32, ldy int) {
	depth := 0
	for _, r := range m.runs {
		depth += r.taps * r.k
	}
	work := rows * m.n * depth
	tiles := (rows + m.isa.rows - 1) / m.isa.rows
	if tiles < 2*t.Threads() && len(m.spans) > tiles {
		t.run(len(m.spans), 1, work, func(w *worker, lo, hi int) { m.block(w, 0, rows, lo, hi, &src, y, ldy) })
		return
	}
	t.run(rows, m.isa.rows, work, func(w *worker, lo, hi int) {
		wide := max(1, blockBytes/4/depth/(2*m.isa.width))
		for s := 0; s < len(m.spans); s += wide {
			m.block(w, lo, hi, s, min(s+wide, len(m.spans)), &src, y, ldy)
		}
	})
}

// block computes rows [r0, r1) of spans [s0, s1).
func (m *Matrix) block(w *worker, r0, r1, s0, s1 int, src *source, y []float32, ldy int) {
	w.tile.zero = first(m.zero)
	if need := m.taps * m.isa.rows; len(w.off) < need {
		w.off = make([]int64, need)
	}
	if len(m.runs) == 1 {
		m.set(w, m.runs[0])
	}
	from, to := m.spans[s0].to, m.spans[s1-1].to+m.spans[s1-1].have
	for r := r0; r < r1; r += m.isa.rows {
		rows := min(m.isa.rows, r1-r)
		src.place(w, r, rows, m.taps)
		for i := s0; i < s1; i++ {
			s := &m.spans[i]
			if s.have == s.cols {
				m.tile(w, rows, s, &y[r*ldy+s.to], ldy)
				continue
			}
			m.tile(w, rows, s, &w.edge[0], s.cols)
			for i := range rows {
				copy(y[(r+i)*ldy+s.to:][:s.have], w.edge[i*s.cols+s.skip:])
			}
		}
		if m.scale != nil {
			for i := range rows {
				row := y[(r+i)*ldy+from : (r+i)*ldy+to]
				m.isa.affineRow(row, row, m.scale[from:to], m.shift[from:to], m.limits)
			}
		}
	}
}

// set writes what all tiles of a run that is the last have in common.
func (m *Matrix) set(w *worker, r run) {
	t, lim := &w.tile, m.limits
	if m.scale != nil {
		lim = NoLimits()
	}
	t.lo, t.hi = lim.Lo, lim.Hi
	t.taps, t.k = int64(r.taps), int64(r.k)
	t.off, t.ldi = &w.off[0], 0
}

// tile computes one span of some rows. Where all rows of the panel are one run, which is all of training and most of inference, block has set what
// tiles have in common.
func (m *Matrix) tile(w *worker, rows int, s *span, c *float32, ldc int) {
	t := &w.tile
	t.c, t.ldc, t.init = c, int64(ldc)*4, &m.init[s.init]
	if len(m.runs) > 1 {
		m.tileOfRuns(w, rows, s)
		return
	}
	t.w = &m.panels[s.column*m.depth+m.runs[0].row*s.cols]
	t.next = w.ahead.take(int(t.k*t.taps), t.w)
	m.isa.tile(rows, s.vecs, t)
}

// tileOfRuns computes sums that go from run to run in the result.
func (m *Matrix) tileOfRuns(w *worker, rows int, s *span) {
	t, x := &w.tile, w.tile.x
	for i, r := range m.runs {
		m.set(w, r)
		if i > 0 {
			t.init, t.ldi = t.c, t.ldc
		}
		if i < len(m.runs)-1 {
			lim := NoLimits()
			t.lo, t.hi = lim.Lo, lim.Hi
		}
		t.x, t.off = at(x, int64(r.x)*4), &w.off[r.tap*rows]
		t.w = &m.panels[s.column*m.depth+r.row*s.cols]
		t.next = t.w
		m.isa.tile(rows, s.vecs, t)
	}
	t.x = x
}

// place writes the offsets of a tile's rows.
func (s *source) place(w *worker, r, rows, taps int) {
	switch {
	case s.places != nil && s.off == nil:
		w.tile.x, w.tile.off = first(s.x[s.first:]), &s.places[r*taps]
	case s.places != nil && rows == s.tall && r%s.tall == 0:
		img, pix := r/s.pixels, r%s.pixels
		w.tile.x, w.tile.off = first(s.x[img*s.image+s.first:]), &s.places[pix*taps]
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
					w.off[t*rows+i] = base + int64(o)*int64(s.stride)*4
				} else {
					w.off[t*rows+i] = -1
				}
			}
		}
	}
}
