package kernel

// phase is the input pixels of a strided convolution that the same taps reach: derivatives by them are one product, without the
// zeros that other taps would add.
type phase struct {
	pixels   []int32   // of an input image
	off      []int32   // [pixels][taps], in pixels of an output image
	taps     []int     // of the window
	matrices []*Matrix // one per group
}

// phasesOf cuts the input pixels of c by the taps that reach them; all are the offsets of the way back.
func phasesOf(c *Trainable, all []int32) []phase {
	g := c.g
	taps := g.KH * g.KW
	var list []phase
	for y := range min(g.StrideH, g.H) {
		for x := range min(g.StrideW, g.W) {
			var p phase
			for t := range taps { // those that reach any pixel of the phase
				if (y+g.Top-t/g.KW*g.DilationH)%g.StrideH == 0 && (x+g.Left-t%g.KW*g.DilationW)%g.StrideW == 0 {
					p.taps = append(p.taps, t)
				}
			}
			for r := y; r < g.H; r += g.StrideH {
				for q := x; q < g.W; q += g.StrideW {
					pixel := r*g.W + q
					p.pixels = append(p.pixels, int32(pixel))
					for _, t := range p.taps {
						p.off = append(p.off, all[pixel*taps+t])
					}
				}
			}
			p.cut(c)
			list = append(list, p)
		}
	}
	return list
}

// cut takes the rows of the phase's taps from the matrices.
func (p *phase) cut(c *Trainable) {
	if len(p.taps) == 0 {
		return
	}
	k := c.layout.N // derivatives by results are the left-hand side
	part := Part{Taps: len(p.taps), Limits: NoLimits()}
	for _, t := range p.taps {
		for i := range k {
			part.Rows = append(part.Rows, t*k+i)
		}
	}
	for i := range c.layout.K {
		part.Columns = append(part.Columns, i)
	}
	for _, m := range c.backward.matrices {
		p.matrices = append(p.matrices, m.Part(part))
	}
}

// operandByPhases sets dx to the derivatives by the operand.
func (c *Trainable) operandByPhases(t *Team, dy, dx []float32, batch int) {
	image, results := c.g.H*c.g.W*c.in, c.pixels*c.out
	t.run(batch, 1, batch*c.pixels*c.layout.Taps*c.layout.K*c.out, func(w *worker, lo, hi int) {
		for img := lo; img < hi; img++ {
			w.ahead.clear()
			w.ahead.rows(dy, results, img+1, img+2)
			w.ahead.rows(dx, image, img+1, img+2)
			for i := range c.phases {
				c.phases[i].run(w, c, dy[img*results:(img+1)*results], dx[img*image:(img+1)*image])
			}
		}
	})
}

// run computes one image.
func (p *phase) run(w *worker, c *Trainable, dy, dx []float32) {
	n := len(p.pixels)
	if len(p.taps) == 0 {
		for _, pixel := range p.pixels {
			clear(dx[int(pixel)*c.in : (int(pixel)+1)*c.in])
		}
		return
	}
	part := room(&w.dy, n*c.in)
	for i, m := range p.matrices {
		src := source{x: dy, stride: c.out, off: p.off, pixels: n, image: len(dy), first: i * c.layout.N}
		m.block(w, 0, n, 0, len(m.spans), &src, part[i*c.layout.K:], c.in)
	}
	for i, pixel := range p.pixels {
		copy(dx[int(pixel)*c.in:(int(pixel)+1)*c.in], part[i*c.in:])
	}
}
