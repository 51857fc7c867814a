package kernel

// Window is the geometry of a convolution or pooling over channels-last images.
type Window struct {
	H, W                     int // input
	KH, KW                   int
	StrideH, StrideW         int
	Top, Left, Bottom, Right int // padding
	DilationH, DilationW     int
	Ceil                     bool // round the output size up
}

// Out returns the size of the output.
func (g Window) Out() (h, w int) {
	return g.extent(g.H, g.Top, g.Bottom, g.KH, g.StrideH, g.DilationH), g.extent(g.W, g.Left, g.Right, g.KW, g.StrideW, g.DilationW)
}

func (g Window) extent(in, before, after, k, stride, dilation int) int {
	room := in + before + after - dilation*(k-1) - 1
	if room < 0 {
		return 0
	}
	n := room/stride + 1
	// A window rounded up must start inside the input or its leading padding (PyTorch, ONNX opset 19).
	if g.Ceil && room%stride != 0 && n*stride < in+before {
		n++
	}
	return n
}

// offsets lists for every output pixel where its taps are in an image of so many channels, in bytes; -1 is padding.
func (g Window) offsets(channels int) []int32 {
	oh, ow := g.Out()
	off := make([]int32, 0, oh*ow*g.KH*g.KW)
	for y := range oh {
		for x := range ow {
			for i := range g.KH {
				for j := range g.KW {
					r, c := y*g.StrideH-g.Top+i*g.DilationH, x*g.StrideW-g.Left+j*g.DilationW
					o := -1
					if r >= 0 && r < g.H && c >= 0 && c < g.W {
						o = (r*g.W + c) * channels * 4
					}
					off = append(off, int32(o))
				}
			}
		}
	}
	return off
}

// plain tells that every output pixel is the input pixel of the same index.
func (g Window) plain() bool {
	return g.KH == 1 && g.KW == 1 && g.StrideH == 1 && g.StrideW == 1 && g.Top+g.Left+g.Bottom+g.Right == 0
}

// Conv is a convolution with constant weights, ready to run on any batch.
type Conv struct {
	g        Window
	in, out  int
	groups   int
	pixels   int // of an output image
	off      []int32
	matrices []*Matrix // one per group; nil for a depthwise convolution
	patch    *patches
	isa      *ISA
	dw, bias []float32 // depthwise: [taps][channels], [channels]
	zero     []float32
	mask     []int32
	limits   Limits
}

// ConvParams are the constants of a convolution. Weight is [out, in/groups, kh, kw]; a nil Bias is zero.
type ConvParams struct {
	In, Out, Groups int
	Weight, Bias    []float32
	Limits          Limits
}

// thin is the number of input channels below which rows are gathered, since a tap alone would be too short a run.
const thin = 8

// NewConv prepares a convolution.
func (u *ISA) NewConv(g Window, p ConvParams) *Conv {
	oh, ow := g.Out()
	c := &Conv{g: g, in: p.In, out: p.Out, groups: p.Groups, pixels: oh * ow, isa: u, limits: p.Limits}
	taps, k, n := g.KH*g.KW, p.In/p.Groups, p.Out/p.Groups
	if k == 1 && n == 1 && p.Groups > 1 {
		c.prepareDepthwise(p)
		return c
	}
	layout := Layout{Taps: taps, K: k, N: n, TapStride: 1, KStride: taps, NStride: k * taps}
	gathered := k < thin && taps > 1
	if gathered {
		layout = Layout{Taps: 1, K: k * taps, N: n, KStride: 1, NStride: k * taps}
	}
	for i := range p.Groups {
		w, bias := p.Weight[i*n*k*taps:], p.Bias
		if bias != nil {
			bias = bias[i*n : i*n+n]
		}
		if gathered {
			w = tapMajor(w[:n*k*taps], n, k, taps)
		}
		c.matrices = append(c.matrices, u.Pack(w, layout, bias, p.Limits))
	}
	if !g.plain() {
		c.off = g.offsets(p.In)
	}
	if gathered {
		c.patch = &patches{off: c.off, taps: taps, k: k, pixels: c.pixels, image: g.H * g.W * p.In}
	}
	return c
}

// tapMajor turns [n, k, taps] into [n, taps, k].
func tapMajor(w []float32, n, k, taps int) []float32 {
	to := make([]float32, len(w))
	for i := range n {
		for j := range k {
			for t := range taps {
				to[(i*taps+t)*k+j] = w[(i*k+j)*taps+t]
			}
		}
	}
	return to
}

// Run convolves the images in x into y.
func (c *Conv) Run(t *Team, x, y []float32, batch int) {
	if c.matrices == nil {
		c.runDepthwise(t, x, y, batch)
		return
	}
	k, n := c.in/c.groups, c.out/c.groups
	for i, m := range c.matrices {
		src := source{x: x, stride: c.in, off: c.off, pixels: c.pixels, image: c.g.H * c.g.W * c.in, first: i * k}
		if c.patch != nil {
			p := *c.patch
			p.first = i * k
			src.patch = &p
		}
		m.mul(t, batch*c.pixels, src, y[i*n:], c.out)
	}
}

// patches gathers the taps of a few rows side by side: im2col, one tile at a time.
type patches struct {
	off           []int32
	taps, k       int
	pixels, image int
	first         int
}

func (p *patches) gather(w *worker, x []float32, r, rows int) {
	depth := p.taps * p.k
	if len(w.patch) < rows*depth {
		w.patch = make([]float32, 8*depth)
	}
	w.tile.x = &w.patch[0]
	for i := range rows {
		img, pix := (r+i)/p.pixels, (r+i)%p.pixels
		from := x[img*p.image+p.first:]
		to := w.patch[i*depth : (i+1)*depth]
		off := p.off[pix*p.taps : (pix+1)*p.taps]
		w.off[i] = int64(i*depth) * 4
		if p.k == 1 {
			for t, o := range off {
				to[t] = 0
				if o >= 0 {
					to[t] = from[o>>2]
				}
			}
			continue
		}
		for t, o := range off {
			cell := to[t*p.k : (t+1)*p.k]
			if o < 0 {
				clear(cell)
				continue
			}
			at := int(o) / 4
			for j := range cell {
				cell[j] = from[at+j]
			}
		}
	}
}

func (c *Conv) prepareDepthwise(p ConvParams) {
	taps := c.g.KH * c.g.KW
	c.off = c.g.offsets(p.In)
	c.dw = make([]float32, taps*p.In)
	for ch := range p.In {
		for t := range taps {
			c.dw[t*p.In+ch] = p.Weight[ch*taps+t]
		}
	}
	c.bias = make([]float32, p.In)
	copy(c.bias, p.Bias)
	c.zero = make([]float32, p.In)
	c.mask = make([]int32, c.isa.width)
	for i := range p.In % c.isa.width {
		c.mask[i] = -1
	}
}

func (c *Conv) runDepthwise(t *Team, x, y []float32, batch int) {
	taps := c.g.KH * c.g.KW
	image := c.g.H * c.g.W * c.in
	t.run(batch*c.pixels, 1, batch*c.pixels*taps*c.in, func(w *worker, lo, hi int) {
		d := &w.row
		d.zero, d.w, d.bias, d.mask = first(c.zero), first(c.dw), first(c.bias), &c.mask[0]
		d.taps, d.channels = int64(taps), int64(c.in)
		d.lo, d.hi = c.limits.Lo, c.limits.Hi
		for lo < hi {
			img, pix := lo/c.pixels, lo%c.pixels
			n := min(c.pixels-pix, hi-lo)
			d.x, d.off = first(x[img*image:]), &c.off[pix*taps]
			d.pixels, d.out = int64(n), &y[lo*c.in]
			c.isa.depthwise(d)
			lo += n
		}
	})
}
