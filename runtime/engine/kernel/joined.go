package kernel

// Deferred is the gradient with respect to the operand x of a BatchNorm, p*dz + q*x + s. It is computed where it is used.
type Deferred struct {
	norm    *BatchNorm
	x, dz   []float32
	p, q, s []float32
}

// Defer prepares the gradient with respect to x, which BackwardOf computes where it uses it. It is called after Sums.
func (c *BatchNorm) Defer(x, dz, scale []float32) *Deferred {
	n := c.n
	rows := float64(len(x) / n)
	f := make([]float32, 3*n)
	d := &Deferred{norm: c, x: x, dz: dz, p: f[:n], q: f[n : 2*n], s: f[2*n:]}
	for i := range n {
		k := float64(scale[i]) * c.inv[i]
		slope := -k * c.inv[i] * c.sumGX[i] / rows
		d.p[i], d.q[i], d.s[i] = float32(k), float32(slope), float32(-k*c.sumG[i]/rows-slope*c.mean[i])
	}
	return d
}

// rows computes rows [lo, hi) of the gradient with respect to the operand.
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

// GradSums is BatchNorm.Sums while derivatives dz by the results are computed, part by part, before they leave the cache.
type GradSums struct {
	norm  *BatchNorm
	x     []float32 // operand of the BatchNorm
	parts []float64 // [parts][2n]
	And   *GradSums // of the same derivatives, for another BatchNorm; may be nil
}

// SumsOf prepares the sums over rows x that were normalised.
func (c *BatchNorm) SumsOf(x []float32) *GradSums { return &GradSums{norm: c, x: x} }

// begin makes room for the sums of so many parts; a nil GradSums needs none.
func (s *GradSums) begin(t *Team, parts int) {
	size := 0
	for a := s; a != nil; a = a.And {
		size += parts * 2 * a.norm.n
	}
	all := t.exact(size)
	for a := s; a != nil; a = a.And {
		a.parts, all = all[:parts*2*a.norm.n], all[parts*2*a.norm.n:]
	}
}

// rows adds rows [lo, hi) of dz to the sums of a part.
func (s *GradSums) rows(w *worker, part, lo, hi int, dz []float32) {
	for ; s != nil; s = s.And {
		s.walk(w, part, lo, hi, func(k *columns, lo, hi int, s0, s1 *float32) { s.norm.addSums(k, s.x, dz, lo, hi, s0, s1) })
	}
}

// walk has f add to the sums of a part, some rows of [lo, hi) at a time.
func (s *GradSums) walk(w *worker, part, lo, hi int, f func(k *columns, lo, hi int, s0, s1 *float32)) {
	n := s.norm.n
	sums, to := room(&w.sums, 2*n), s.parts[part*2*n:(part+1)*2*n]
	for lo < hi {
		end := min(lo+flushRows, hi)
		for ; lo < end; lo += stepRows(n) {
			f(&w.columns, lo, min(lo+stepRows(n), end), &sums[0], &sums[n])
		}
		lo = end
		flush(to, sums)
	}
}

// end leaves the sums with the BatchNorm.
func (s *GradSums) end() {
	for ; s != nil; s = s.And {
		s.norm.take(total(s.parts, s.norm.n))
	}
}

// Operand is rows of x, which are normalised where they are used if there is a BatchNorm that was prepared for them: its results are never all
// in memory.
type Operand struct {
	X    []float32
	Norm *BatchNorm
	Sum  *Addition // computes X, which nobody has read; nil where X is there
}

// rows returns rows [lo, hi) of n elements, until the worker's next call.
func (o Operand) rows(w *worker, n, lo, hi int) []float32 {
	if o.Norm == nil {
		return o.X[lo*n : hi*n]
	}
	to := room(&w.operand, (hi-lo)*n)
	o.Norm.isa.scaleRows(w, lo, hi, to, o.X, o.Norm.a, o.Norm.b, o.Norm.lim)
	return to
}

// Joins tells whether a product can work with the normalisations around it: take an Operand with one, and in BackwardOf derivatives that are
// computed where they are used. Those by a pixel's results, or an image's, make all those by its operand, and there are enough for all threads.
func (u *ISA) Joins(g Window, p TrainableParams, batch int) bool {
	oh, ow := g.Out()
	l, image := p.Layout, max(g.H*g.W*p.In, oh*ow*p.Out)
	parts := crossParts(batch*oh*ow, l.Taps*l.K*u.padded(l.N))
	switch {
	case p.depthwise():
		return batch >= 4 && image <= joinedFloats
	case u.byWinograd(g, p):
		return true
	case g.imagewise(p):
		return min(batch, parts) >= 4 && image <= joinedFloats
	}
	return p.Groups == 1 && !Gathered(l.Taps, l.K) && parts >= 4
}

// joinedFloats bounds an image: half of a second cache.
const joinedFloats = 1 << 17

// ForwardMoments is Forward, and the moments of the results' columns. Only a product that joins takes a normalised operand.
func (c *Trainable) ForwardMoments(t *Team, x Operand, y []float32, batch int, m *Moments) {
	work, u := batch*c.pixels*c.layout.Taps*c.layout.K*c.out, c.isa
	y = y[:batch*c.pixels*c.out]
	lookAhead := func(w *worker, lo, hi int) { // to as many rows more
		w.ahead.clear()
		x.lookAhead(w, c.in, c.reach(hi), c.reach(2*hi-lo))
		w.ahead.rows(y, c.out, hi, 2*hi-lo)
	}
	if x.Sum != nil && !c.g.plain() {
		x.Sum.Run(t)
		x.Sum = nil
	}
	switch {
	case c.winograd != nil:
		c.winograd.runMoments(t, x, y, batch, m)
	case x.Sum != nil: // what is added is used while it is in the cache
		u.observe(t, m, y, c.out, work, func(w *worker, lo, hi int) {
			x.Sum.rows(w, lo, hi)
			lookAhead(w, lo, hi)
			c.forward.rows(w, x.X, y, lo, hi)
		})
	case x.Norm == nil:
		u.observe(t, m, y, c.out, work, func(w *worker, lo, hi int) {
			lookAhead(w, lo, hi)
			c.forward.rows(w, x.X, y, lo, hi)
		})
	case c.depthwise() || c.g.imagewise(c.params()):
		block := c.images() * c.pixels
		u.observeBlocks(t, m, y, c.out, work, c.blockEnds(batch, block, 16), stepRows(c.out), block, func(w *worker, lo, hi int) {
			in := x.rows(w, c.in, c.reach(lo), c.reach(hi))
			lookAhead(w, lo, hi)
			c.imagesForward(w, in, y[lo*c.out:hi*c.out])
		})
	default:
		there := c.forward.matrices[0]
		u.observe(t, m, y, c.out, work, func(w *worker, lo, hi int) {
			src := source{x: c.operandRows(w, x, lo, hi), stride: c.in}
			lookAhead(w, lo, hi)
			there.block(w, 0, hi-lo, 0, len(there.spans), &src, y[lo*c.out:], c.out)
		})
	}
}

// Gradients is what BackwardOf computes: the gradients with respect to the operand and the weights. Either may be nil.
type Gradients struct {
	Operand []float32
	Add     bool      // to what Operand has, instead of setting it
	Weights []float32 // are added to
	// If this is the last addition to the gradient with respect to the operand:
	Inside *Limits   // all of them are 0 where the operand, which is in memory, is not inside the limits; may be nil
	Sums   *GradSums // of all of them, where they are those by the result of a BatchNorm too; may be nil
}

// last finishes rows [lo, hi), of n elements each, of the gradient with respect to the operand, while they are in the cache.
func (g *Gradients) last(u *ISA, w *worker, part, lo, hi, n int, x Operand) {
	if g.Inside != nil {
		rows := g.Operand[lo*n : hi*n]
		u.gateRow(rows, rows, x.X[lo*n:hi*n], *g.Inside)
	}
	g.Sums.rows(w, part, lo, hi, g.Operand)
}

// ends tells whether finish can finish derivatives where it adds more to them.
func (g *Gradients) ends() bool {
	return g.Inside != nil && g.Sums != nil && g.Sums.norm.lim == NoLimits()
}

// finish adds more to rows [lo, hi), of n elements each, of the gradient with respect to the operand. In the same pass it finishes them, as last does.
func (g *Gradients) finish(u *ISA, w *worker, part, lo, hi, n int, x Operand, more []float32) {
	g.Sums.walk(w, part, lo, hi, func(k *columns, from, to int, s0, s1 *float32) {
		k.set(u, from, to, n, g.Sums.x)
		k.g, k.out, k.more, k.z = &g.Operand[from*n], &g.Operand[from*n], &more[(from-lo)*n], &x.X[from*n]
		k.lo, k.hi, k.c, k.s0, k.s1 = g.Inside.Lo, g.Inside.Hi, &g.Sums.norm.center[0], s0, s1
		u.endSums(k)
	})
	g.Sums.And.rows(w, part, lo, hi, g.Operand)
}

// BackwardOf computes derivatives, given those by the result.
func (c *Trainable) BackwardOf(t *Team, d *Deferred, x Operand, batch int, g Gradients) {
	if c.depthwise() {
		c.depthwiseBackwardOf(t, d, x, batch, g)
		return
	}
	if c.winograd != nil {
		c.winograd.backward(t, derivatives{deferred: d}, x, batch, g)
		return
	}
	if c.g.imagewise(c.params()) {
		c.imagesBackwardOf(t, d, x, batch, g)
		return
	}
	s, pixels := c.cross, batch*c.pixels
	s.plan(t, s.cut(pixels))
	g.Sums.begin(t, s.parts)
	chunks := (pixels + crossDepth - 1) / crossDepth
	back := c.backward.matrices[0]
	t.run(s.parts, 1, 2*pixels*s.rows*c.out, func(w *worker, lo, hi int) {
		dy := room(&w.dy, crossDepth*c.out)
		for part := lo; part < hi; part++ {
			s.begin(part, 0, 0, c.in)
			for chunk := part * chunks / s.parts; chunk < (part+1)*chunks/s.parts; chunk++ {
				m0 := chunk * crossDepth
				m1 := min(m0+crossDepth, pixels)
				d.rows(w, m0, m1, dy)
				c.lookAhead(w, d, x, &g, m1, min(2*m1-m0, pixels))
				if g.Weights != nil {
					s.rowsChunk(w, part, m1-m0, c.operandRows(w, x, m0, m1), dy)
				}
				write := func(to []float32) {
					src := source{x: dy, stride: c.out}
					back.block(w, 0, m1-m0, 0, len(back.spans), &src, to, c.in)
				}
				if c.forward.off != nil {
					c.scatter(w, g, x, part, m0, m1, write)
				} else {
					c.operand(w, g, x, part, m0, m1, write)
				}
			}
		}
	})
	if g.Weights != nil {
		s.collect(t, g.Weights)
	}
	g.Sums.end()
}

// lookAhead announces what BackwardOf needs for rows [m0, m1) of the result.
func (c *Trainable) lookAhead(w *worker, d *Deferred, x Operand, g *Gradients, m0, m1 int) {
	lo, hi := c.reach(m0), c.reach(m1)
	w.ahead.clear()
	d.lookAhead(w, c.out, m0, m1)
	x.lookAhead(w, c.in, lo, hi)
	g.lookAhead(w, c.in, lo, hi)
}

// depthwiseBackwardOf goes image by image.
func (c *Trainable) depthwiseBackwardOf(t *Team, d *Deferred, x Operand, batch int, g Gradients) {
	parts, taps := c.imageParts(batch), t.zeros(c.imageParts(batch)*c.layout.Taps*c.in)
	g.Sums.begin(t, parts)
	image := c.g.H * c.g.W
	t.run(parts, 1, 2*batch*c.pixels*c.layout.Taps*c.in, func(w *worker, lo, hi int) {
		dy := room(&w.dy, c.pixels*c.out)
		for part := lo; part < hi; part++ {
			for img := part * batch / parts; img < (part+1)*batch/parts; img++ {
				d.rows(w, img*c.pixels, (img+1)*c.pixels, dy)
				if g.Weights != nil {
					c.tapStrips(w, x.rows(w, c.in, img*image, (img+1)*image), dy, taps[part*c.layout.Taps*c.in:])
				}
				c.operand(w, g, x, part, img*image, (img+1)*image, func(to []float32) { c.backward.depthwiseRows(w, dy, to, 0, image) })
			}
		}
	})
	if g.Weights != nil {
		c.collectTaps(taps, parts, g.Weights)
	}
	g.Sums.end()
}

// input returns of which row of the operand row m of the result of a convolution of single pixels is. The first of an image is of the first.
func (c *Trainable) input(m int) int {
	return m/c.pixels*c.g.H*c.g.W + int(c.forward.off[m%c.pixels])
}

// operandRows returns the rows of the operand of which rows [lo, hi) of the result of a convolution of single pixels are.
func (c *Trainable) operandRows(w *worker, x Operand, lo, hi int) []float32 {
	if c.forward.off == nil {
		return x.rows(w, c.in, lo, hi)
	}
	to := room(&w.operand, (hi-lo)*c.in)
	for m := lo; m < hi; m++ {
		copy(to[(m-lo)*c.in:(m-lo+1)*c.in], x.X[c.input(m)*c.in:])
	}
	if x.Norm != nil {
		c.isa.scaleRows(w, 0, hi-lo, to, to, x.Norm.a, x.Norm.b, x.Norm.lim)
	}
	return to
}

// scatter is operand for rows [m0, m1) of the result of a convolution of some pixels: it finishes these and the pixels up to the next ones.
func (c *Trainable) scatter(w *worker, g Gradients, x Operand, part, m0, m1 int, write func(to []float32)) {
	if g.Operand == nil {
		return
	}
	lo, hi, u := c.input(m0), c.input(m1), c.isa
	more := room(&w.operand, (m1-m0)*c.in)
	write(more)
	if !g.Add {
		clear(g.Operand[lo*c.in : hi*c.in])
	}
	for m := m0; m < m1; m++ {
		row, by := g.Operand[c.input(m)*c.in:][:c.in], more[(m-m0)*c.in:][:c.in]
		if g.Add {
			u.vectorRow(u.add, addGo, row, row, by)
		} else {
			copy(row, by)
		}
	}
	g.last(u, w, part, lo, hi, c.in, x)
}

// operand calls write for rows [lo, hi) of the gradient with respect to the operand x, and finishes these rows.
func (c *Trainable) operand(w *worker, g Gradients, x Operand, part, lo, hi int, write func(to []float32)) {
	if g.Operand == nil {
		return
	}
	rows := g.Operand[lo*c.in : hi*c.in]
	if g.Add {
		more := room(&w.operand, len(rows))
		write(more)
		if g.ends() {
			g.finish(c.isa, w, part, lo, hi, c.in, x, more)
			return
		}
		c.isa.vectorRow(c.isa.add, addGo, rows, rows, more)
	} else {
		write(rows)
	}
	g.last(c.isa, w, part, lo, hi, c.in, x)
}
