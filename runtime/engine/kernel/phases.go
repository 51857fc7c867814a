package kernel

// phase is the input pixels of a strided convolution that the same taps reach: gradients with respect to them are one product, without the
// zeros that other taps would add.
type phase struct {
	pixels []int32 // of an input image
	off    []int32 // [pixels][taps], in pixels of an output image
	taps   []int   // of the window
}

// phaseProduct is what yields gradients with respect to the pixels of a phase.
type phaseProduct struct {
	phase
	places   []int64
	matrices []*Matrix // one per group; nil until they are cut
}

func (c *Trainable) phaseProducts(s *Windows) (list []phaseProduct) {
	for _, p := range s.phasesOf(c.g, c.backward.off) {
		list = append(list, phaseProduct{phase: p, places: s.placed(p.off, len(p.taps), c.isa.rows, c.out)})
	}
	return list
}

// phasesOf cuts the input pixels of a window by the taps that reach them; all are the offsets of the backward pass.
func (s *Windows) phasesOf(g Window, all []int32) []phase {
	build := func() (list []phase) {
		for y := range min(g.StrideH, g.H) {
			for x := range min(g.StrideW, g.W) {
				list = append(list, g.phase(y, x, all))
			}
		}
		return list
	}
	if s == nil {
		return build()
	}
	return table(&s.phases, g, build)
}

// phase is that of pixel (y, x).
func (g Window) phase(y, x int, all []int32) (p phase) {
	taps := g.KH * g.KW
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
	return p
}

// tapOrder lists all taps, those of a phase side by side; it is nil without phases.
func tapOrder(phases []phaseProduct, taps int) []int {
	if phases == nil {
		return nil
	}
	order, seen := make([]int, 0, taps), make([]bool, taps)
	for _, p := range phases {
		order = append(order, p.taps...)
		for _, t := range p.taps {
			seen[t] = true
		}
	}
	for t := range taps { // those that reach nothing, where an image is smaller than a stride
		if !seen[t] {
			order = append(order, t)
		}
	}
	return order
}

// cutPhases takes the rows of each phase's taps from the matrices of the backward pass.
func (c *Trainable) cutPhases() {
	k, row := c.layout.N, 0 // the gradient with respect to the result is the left-hand side
	columns := make([]int, c.layout.K)
	for i := range columns {
		columns[i] = i
	}
	for i := range c.phases {
		p := &c.phases[i]
		p.matrices = make([]*Matrix, 0, c.groups)
		if len(p.taps) == 0 {
			continue
		}
		part := Part{Taps: len(p.taps), Columns: columns, Limits: NoLimits()}
		for range len(p.taps) * k {
			part.Rows = append(part.Rows, row)
			row++
		}
		for _, m := range c.backward.matrices {
			p.matrices = append(p.matrices, m.Part(part))
		}
	}
}

// operandByPhases sets dx to the gradient with respect to the operand.
func (c *Trainable) operandByPhases(t *Team, dy, dx []float32, batch int) {
	image, results := c.g.H*c.g.W*c.in, c.pixels*c.out
	t.run(batch, 1, batch*c.pixels*c.layout.Taps*c.layout.K*c.out, func(w *worker, lo, hi int) {
		for img := lo; img < hi; img++ {
			w.ahead.clear()
			w.ahead.rows(dy, results, img+1, img+2)
			w.ahead.rows(dx, image, img+1, img+2)
			c.phasesOfImage(w, dy[img*results:(img+1)*results], dx[img*image:(img+1)*image])
		}
	})
}

// phasesOfImage is operandByPhases for one image, on one thread.
func (c *Trainable) phasesOfImage(w *worker, dy, dx []float32) {
	for i := range c.phases {
		p := &c.phases[i]
		if len(p.taps) == 0 {
			for _, pixel := range p.pixels {
				clear(dx[int(pixel)*c.in : (int(pixel)+1)*c.in])
			}
			continue
		}
		n := len(p.pixels)
		part := room(&w.patches, n*c.in)
		for g, m := range p.matrices {
			src := source{x: dy, first: g * c.layout.N, places: p.places}
			m.block(w, 0, n, 0, len(m.spans), &src, part[g*c.layout.K:], c.in)
		}
		for k, pixel := range p.pixels {
			copy(dx[int(pixel)*c.in:(int(pixel)+1)*c.in], part[k*c.in:])
		}
	}
}
