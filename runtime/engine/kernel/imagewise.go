package kernel

// A convolution that is not of single pixels, nor depthwise, nor by Winograd's algorithm, such as a strided one of 3x3, joins the normalisations around it
// image by image: a normalised image, and gradients with respect to one, stay in the second cache.

// imagewise tells that a convolution joins in this way, if it does.
func (g Window) imagewise(p TrainableParams) bool {
	return p.Groups == 1 && !Gathered(p.Layout.Taps, p.Layout.K) && (!g.pointwise() || g.Ceil)
}

// images is how many there are in a block: enough pixels for the sums of weights' derivatives.
func (c *Trainable) images() int {
	if c.depthwise() {
		return 1
	}
	return max(1, crossDepth/max(1, c.pixels)) // a window larger than its image has no pixels
}

// blockEnds cuts the results of a batch in parts of whole blocks.
func (c *Trainable) blockEnds(batch, block, parts int) []int {
	blocks := (batch*c.pixels + block - 1) / block
	ends := make([]int, min(parts, blocks))
	for p := range ends {
		ends[p] = min((p+1)*blocks/len(ends)*block, batch*c.pixels)
	}
	return ends
}

// imagesForward sets y to the results of some images, on one thread. The convolution may be depthwise.
func (c *Trainable) imagesForward(w *worker, x, y []float32) {
	if c.depthwise() {
		c.forward.rows(w, x, y, 0, len(y)/c.out)
		return
	}
	image, there := c.g.H*c.g.W*c.in, c.forward.matrices[0]
	for ; len(y) > 0; x, y = x[image:], y[c.pixels*c.out:] {
		src := source{x: x, places: c.places}
		there.block(w, 0, c.pixels, 0, len(there.spans), &src, y, c.out)
	}
}

// imagesBackwardOf is BackwardOf for an imagewise convolution.
func (c *Trainable) imagesBackwardOf(t *Team, d *Deferred, x Operand, batch int, g Gradients) {
	c.prepare()
	s, block := c.cross, c.images()*c.pixels
	ends := c.blockEnds(batch, block, s.cut(batch*c.pixels))
	s.plan(t, len(ends))
	g.Sums.begin(t, len(ends))
	t.run(len(ends), 1, 2*batch*c.pixels*s.rows*c.out, func(w *worker, p0, p1 int) {
		dy := room(&w.dy, block*c.out)
		for part := p0; part < p1; part++ {
			s.begin(part, 0, 0, c.in)
			m0 := 0
			if part > 0 {
				m0 = ends[part-1]
			}
			for ; m0 < ends[part]; m0 += block {
				m1 := min(m0+block, ends[part])
				lo, hi := c.reach(m0), c.reach(m1)
				d.rows(w, m0, m1, dy)
				c.lookAhead(w, d, x, &g, m1, m1+block)
				if g.Weights != nil {
					in := x.rows(w, c.in, lo, hi)
					w.cross.x = first(in)
					for m := 0; m < m1-m0; m += crossDepth {
						depth := min(crossDepth, m1-m0-m)
						if c.crossed == nil {
							s.chunk(w, part, 0, 0, c.in, m, m+depth, in, dy[m*c.out:])
						} else {
							s.add(w, part, 0, 0, c.in, depth, c.layout.Taps, c.crossed[m*c.layout.Taps:], dy[m*c.out:])
						}
					}
				}
				c.operand(w, g, x, part, lo, hi, func(to []float32) { c.operandImages(w, dy[:(m1-m0)*c.out], to) })
			}
		}
	})
	if g.Weights != nil {
		s.collect(t, g.Weights)
	}
	g.Sums.end()
}

// operandImages sets dx to the gradient with respect to the operand, of some images, on one thread.
func (c *Trainable) operandImages(w *worker, dy, dx []float32) {
	image, results := c.g.H*c.g.W*c.in, c.pixels*c.out
	if !c.strided() {
		c.backward.rows(w, dy, dx, 0, len(dx)/c.in)
		return
	}
	for ; len(dy) > 0; dy, dx = dy[results:], dx[image:] {
		c.phasesOfImage(w, dy[:results], dx[:image])
	}
}
