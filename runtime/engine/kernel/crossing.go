package kernel

import "unsafe"

// cross is the argument of the micro-kernel for the product of a transposed matrix with another: for rows i and columns j,
//
//	c[i][j] += sum over m of x[off[m]+i] * y[m][j]
//
// Assembly reads it by offset: keep in step with asm/cross.go.
type cross struct {
	x     *float32
	zero  *float32 // read for negative offsets
	off   *int64   // [depth] in bytes
	depth int64
	y     *float32
	ldy   int64 // bytes between rows of y
	c     *float32
	ldc   int64    // bytes between rows of c
	next  *float32 // see ahead
}

// crossing sums the gradient with respect to the weights of a convolution over all pixels of a batch. Pixels are cut in parts that depend on
// extents alone, each with sums of its own, so that results do not depend on the number of threads.
type crossing struct {
	c     *Trainable
	rows  int // of the sums of a group: taps*K
	width int // columns, padded to vectors
	zero  []float32
	sums  []float32 // [parts][groups][rows][width]
	parts int
}

// crossDepth is how many pixels the micro-kernel sums at a time: a panel of y stays in the L1 cache.
const crossDepth = 128

// crossFloats bounds the memory of sums beyond one part.
const crossFloats = 1 << 20

func newCrossing(c *Trainable) *crossing {
	l := c.layout
	x := &crossing{c: c, rows: l.Taps * l.K, width: c.isa.padded(l.N)}
	x.zero = make([]float32, max(c.isa.rows, l.K))
	return x
}

// cut returns in how many parts so many pixels are cut.
func (x *crossing) cut(pixels int) int { return crossParts(pixels, x.size()) }

// crossParts is cut for so many sums of a part.
func crossParts(pixels, sums int) int {
	return max(1, min(pixels/(2*crossDepth), crossFloats/sums, 16))
}

// plan makes room for the sums of so many parts, which are still to be cleared.
func (x *crossing) plan(t *Team, parts int) {
	x.parts = parts
	x.sums = t.floats(x.parts * x.size())
}

// size is that of a part's sums.
func (x *crossing) size() int { return x.c.groups * x.rows * x.width }

// begin clears rows [k0, k1) of every tap's sums of a part, on the thread that adds to them.
func (x *crossing) begin(part, group, k0, k1 int) {
	each := x.tileRows()
	sums := x.sums[(part*x.c.groups+group)*x.rows*x.width:]
	for row := 0; row < x.rows; row += each {
		clear(sums[(row+k0)*x.width : (row+k1)*x.width])
	}
}

// Weights adds the gradient with respect to the weights to dw, given the operand and the gradient with respect to the result.
func (c *Trainable) Weights(t *Team, x, dy, dw []float32, batch int) {
	if c.depthwise() {
		c.depthwiseWeights(t, x, dy, dw, batch)
		return
	}
	if c.winograd != nil {
		c.winograd.backward(t, derivatives{dy: dy}, Operand{X: x}, batch, Gradients{Weights: dw})
		return
	}
	s := c.cross
	pixels := batch * c.pixels
	s.plan(t, s.cut(pixels))
	work := pixels * s.rows * c.out
	chunks := (pixels + crossDepth - 1) / crossDepth
	slices := 1 // of the rows of sums, where parts of pixels are too few
	if s.parts < 8 {
		slices = min(8, (c.layout.K+c.isa.rows-1)/c.isa.rows)
	}
	items := s.parts * c.groups * slices
	t.run(items, 1, work, func(w *worker, lo, hi int) {
		for i := lo; i < hi; i++ {
			part, group, slice := i/(c.groups*slices), i/slices%c.groups, i%slices
			from, to := part*chunks/s.parts, (part+1)*chunks/s.parts
			tiles := (s.tileRows() + c.isa.rows - 1) / c.isa.rows
			k0, k1 := slice*tiles/slices*c.isa.rows, min((slice+1)*tiles/slices*c.isa.rows, s.tileRows())
			s.begin(part, group, k0, k1)
			for chunk := from; chunk < to; chunk++ {
				m0 := chunk * crossDepth
				m1 := min(m0+crossDepth, pixels)
				w.ahead.clear()
				w.ahead.rows(x, c.in, c.reach(m1), c.reach(m1+crossDepth))
				w.ahead.rows(dy, c.out, m1, m1+crossDepth)
				s.chunk(w, part, group, k0, k1, m0, m1, x, dy[m0*c.out:])
			}
		}
	})
	s.collect(t, dw)
}

// tileRows is the number of rows that share one table of offsets: those of a tap, or all when taps are gathered.
func (x *crossing) tileRows() int {
	if x.c.gathered() {
		return x.rows
	}
	return x.c.layout.K
}

// chunk adds the products of pixels [m0, m1), which dy starts at, to rows [k0, k1) of every tap's sums of a part.
func (x *crossing) chunk(w *worker, part, group, k0, k1, m0, m1 int, in, dy []float32) {
	taps := x.place(w, group, m0, m1-m0, in)
	x.add(w, part, group, k0, k1, m1-m0, taps, w.off, dy)
}

// rowsChunk is chunk for all rows of the sums of a product of pixels, whose operands in starts at.
func (x *crossing) rowsChunk(w *worker, part, depth int, in, dy []float32) {
	if len(w.off) < depth {
		w.off = make([]int64, crossDepth)
	}
	w.cross.x = first(in)
	for i := range depth {
		w.off[i] = int64(i*x.c.in) * 4
	}
	x.add(w, part, 0, 0, x.c.in, depth, 1, w.off, dy)
}

// add adds products, given the places of so many pixels for every tap.
func (x *crossing) add(w *worker, part, group, k0, k1, depth, taps int, places []int64, dy []float32) {
	c, u := x.c, x.c.isa
	sums := x.sums[(part*c.groups+group)*x.rows*x.width:]
	a := &w.cross
	a.zero, a.depth = first(x.zero), int64(depth)
	a.ldc = int64(x.width) * 4
	base := w.cross.x
	for j := 0; j < x.width; {
		cols := min(2*u.width, x.width-j)
		a.y, a.ldy = x.panel(w, group, j, cols, depth, dy)
		for tap := range taps {
			a.off = &places[tap*depth]
			for k := k0; k < k1; k += u.rows {
				a.x = at(base, int64(k)*4)
				a.c = &sums[(tap*x.tileRows()+k)*x.width+j]
				a.next = w.ahead.take(depth, a.y)
				u.cross(min(u.rows, k1-k), cols/u.width, a)
			}
		}
		j += cols
	}
	a.x = base
}

// panel returns columns of dy, copied with zeros where there are not enough.
func (x *crossing) panel(w *worker, group, j, cols, depth int, dy []float32) (*float32, int64) {
	c, n := x.c, x.c.layout.N
	from := group*n + j
	if j+cols <= n {
		return &dy[from], int64(c.out) * 4
	}
	if need := crossDepth * 2 * c.isa.width; len(w.panel) < need {
		w.panel = make([]float32, need)
	}
	for m := range depth {
		to := w.panel[m*cols : (m+1)*cols]
		clear(to[copy(to, dy[from+m*c.out:from+m*c.out+n-j]):])
	}
	return &w.panel[0], int64(cols) * 4
}

// place writes the offsets of pixels for every tap and returns how many taps there are.
func (x *crossing) place(w *worker, group, m0, depth int, in []float32) int {
	c, l := x.c, x.c.layout
	if need := max(l.Taps, 1) * depth; len(w.off) < need {
		w.off = make([]int64, max(need, crossDepth*l.Taps))
	}
	if c.gathered() {
		c.forward.patch.all(w, in, group*l.K, m0, depth)
		return 1
	}
	w.cross.x = first(in[group*l.K:])
	if c.forward.off == nil {
		for i := range depth {
			w.off[i] = int64((m0+i)*c.in) * 4
		}
		return 1
	}
	image := int64(c.g.H*c.g.W*c.in) * 4
	img, pix := m0/c.pixels, m0%c.pixels
	for i := range depth {
		for t, o := range c.forward.off[pix*l.Taps : (pix+1)*l.Taps] {
			at := int64(-1)
			if o >= 0 {
				at = int64(img)*image + int64(o)*int64(c.in)*4
			}
			w.off[t*depth+i] = at
		}
		if pix++; pix == c.pixels {
			img, pix = img+1, 0
		}
	}
	return l.Taps
}

// all gathers the taps of many rows.
func (p *patches) all(w *worker, x []float32, firstChannel, r, rows int) {
	depth := p.taps * p.k
	if len(w.patches) < rows*depth {
		w.patches = make([]float32, crossDepth*depth)
	}
	q := *p
	q.first = firstChannel
	for i := range rows {
		q.row(w.patches[i*depth:(i+1)*depth], x, r+i)
		w.off[i] = int64(i*depth) * 4
	}
	w.cross.x = &w.patches[0]
}

// collect adds all parts' sums to dw, part after part.
func (x *crossing) collect(t *Team, dw []float32) {
	c, l := x.c, x.c.layout
	part := x.size()
	t.Split(c.groups*x.rows, x.parts*part, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			group, row := i/x.rows, i%x.rows
			tap, k := row/l.K, row%l.K
			total := x.sums[i*x.width : (i+1)*x.width]
			for p := 1; p < x.parts; p++ {
				c.isa.vectorRow(c.isa.add, addGo, total, total, x.sums[p*part+i*x.width:][:x.width])
			}
			to := dw[group*c.group+tap*l.TapStride+k*l.KStride:]
			for n := range l.N {
				to[n*l.NStride] += total[n]
			}
		}
	})
}

// tapSums is the argument of the micro-kernel for the gradient with respect to the taps of a depthwise convolution: for taps t and channels i,
//
//	sums[t][i] += sum over pixels p of x[off[p][t]][i] * g[p][i]
//
// Assembly reads it by offset: keep in step with asm/tapsums.go.
type tapSums struct {
	x        *float32
	zero     *float32 // read for negative offsets
	off      *int32   // in pixels of x, those of the next pixel step bytes further
	step     int64
	pixels   int64
	g        *float32
	sums     *float32
	channels int64
	mask     *int32
}

// mostTaps is how many taps the micro-kernel takes at a time.
const mostTaps = 9

// depthwiseWeights sums products of pixels for every tap and channel.
func (c *Trainable) depthwiseWeights(t *Team, x, dy, dw []float32, batch int) {
	taps, ch := c.layout.Taps, c.in
	parts := c.imageParts(batch)
	sums := t.zeros(parts * taps * ch)
	image := c.g.H * c.g.W * ch
	t.run(parts, 1, batch*c.pixels*taps*ch, func(w *worker, lo, hi int) {
		for part := lo; part < hi; part++ {
			for img := part * batch / parts; img < (part+1)*batch/parts; img++ {
				c.tapStrips(w, x[img*image:], dy[img*c.pixels*ch:], sums[part*taps*ch:])
			}
		}
	})
	c.collectTaps(sums, parts, dw)
}

// imageParts is in how many parts a batch is cut, each with sums of its own.
func (c *Trainable) imageParts(batch int) int { return min(batch, 16) }

// collectTaps adds all parts' sums to dw, part after part.
func (c *Trainable) collectTaps(sums []float32, parts int, dw []float32) {
	taps, ch := c.layout.Taps, c.in
	for tap := range taps {
		for i := range ch {
			var total float32
			for part := range parts {
				total += sums[(part*taps+tap)*ch+i]
			}
			dw[i*c.group+tap*c.layout.TapStride] += total
		}
	}
}

// tapStrips sums one image, in strips of pixels that stay in the first cache.
func (c *Trainable) tapStrips(w *worker, x, dy, sums []float32) {
	taps, ch := c.layout.Taps, c.in
	a := &w.taps
	*a = tapSums{x: &x[0], zero: first(c.forward.zero), step: int64(taps) * 4, channels: int64(ch), mask: &c.forward.mask[0]}
	strip := max(16, 4096/ch)
	for p := 0; p < c.pixels; p += strip {
		a.pixels, a.g = int64(min(strip, c.pixels-p)), &dy[p*ch]
		for tap := 0; tap < taps; tap += mostTaps {
			a.off, a.sums = &c.forward.off[p*taps+tap], &sums[tap*ch]
			c.isa.tapSums(min(mostTaps, taps-tap), a)
		}
	}
}

func tapSumsGo(taps int, a *tapSums) {
	n := int(a.channels)
	for p := range int(a.pixels) {
		g := vec(at(a.g, int64(p*n)*4), n)
		off := unsafe.Slice((*int32)(unsafe.Add(unsafe.Pointer(a.off), int64(p)*a.step)), taps)
		for tap, o := range off {
			if o < 0 {
				continue // a product with zero
			}
			x, to := vec(at(a.x, int64(int(o)*n)*4), n), vec(at(a.sums, int64(tap*n)*4), n)
			for i, v := range g {
				to[i] += v * x[i]
			}
		}
	}
}

func crossGo(rows, vecs int, a *cross) {
	columns := vecs * goWidth
	off := unsafeInts(a.off, int(a.depth))
	for i := range rows {
		to := vec(at(a.c, int64(i)*a.ldc), columns)
		for m, o := range off {
			x := a.zero
			if o >= 0 {
				x = at(a.x, o)
			}
			v := vec(x, rows)[i]
			for j, y := range vec(at(a.y, int64(m)*a.ldy), columns) {
				to[j] += v * y
			}
		}
	}
}
