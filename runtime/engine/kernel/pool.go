package kernel

// Pool is a max or average pooling over channels-last images.
type Pool struct {
	isa      *ISA
	g        Window
	channels int
	average  bool
	off      []int32
	scale    []float32 // of each pixel's sum
	pixels   int
}

// NewPool prepares a pooling. Average pooling divides by the window without its padding, or with it when includePad is set.
func (u *ISA) NewPool(g Window, channels int, average, includePad bool) *Pool {
	oh, ow := g.Out()
	p := &Pool{isa: u, g: g, channels: channels, average: average, off: g.offsets(), pixels: oh * ow}
	taps := g.KH * g.KW
	for pix := range p.pixels {
		n := 0
		for i, o := range p.off[pix*taps : pix*taps+taps] {
			// A tap beyond the far padding, where a window rounded up may reach, never counts.
			r := pix/ow*g.StrideH - g.Top + i/g.KW*g.DilationH
			c := pix%ow*g.StrideW - g.Left + i%g.KW*g.DilationW
			if o >= 0 || includePad && r < g.H+g.Bottom && c < g.W+g.Right {
				n++
			}
		}
		p.scale = append(p.scale, 1/float32(max(n, 1)))
	}
	return p
}

// Run pools the images in x into y.
func (p *Pool) Run(t *Team, x, y []float32, batch int) {
	c, taps := p.channels, p.g.KH*p.g.KW
	combine, scalar := p.isa.max, maxGo
	if p.average {
		combine, scalar = p.isa.add, addGo
	}
	t.Split(batch*p.pixels, batch*p.pixels*taps*c, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			img, pix := x[r/p.pixels*p.g.H*p.g.W*c:], r%p.pixels
			out, empty := y[r*c:(r+1)*c], true
			for _, o := range p.off[pix*taps : pix*taps+taps] {
				if o < 0 {
					continue
				}
				if row := img[int(o)*c:][:c]; empty {
					copy(out, row)
					empty = false
				} else {
					p.isa.vectorRow(combine, scalar, out, out, row)
				}
			}
			if empty {
				clear(out)
			}
			if p.average {
				scaleRow(out, p.scale[pix])
			}
		}
	})
}

func scaleRow(z []float32, by float32) {
	for i := range z {
		z[i] *= by
	}
}

// GlobalPool pools all pixels of each image: their mean, or their maximum.
func (u *ISA) GlobalPool(t *Team, x, y []float32, batch, pixels, channels int, average bool) {
	combine, scalar := u.max, maxGo
	if average {
		combine, scalar = u.add, addGo
	}
	t.Split(batch, len(x), func(lo, hi int) {
		for b := lo; b < hi; b++ {
			out, img := y[b*channels:(b+1)*channels], x[b*pixels*channels:(b+1)*pixels*channels]
			copy(out, img)
			for p := 1; p < pixels; p++ {
				u.vectorRow(combine, scalar, out, out, img[p*channels:(p+1)*channels])
			}
			if average {
				scaleRow(out, 1/float32(pixels))
			}
		}
	})
}
