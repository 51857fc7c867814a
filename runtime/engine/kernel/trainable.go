package kernel

// Trainable is a convolution or matrix product whose weights change from run to run. It computes the gradients with respect to the operand and the
// weights. A matrix product is a convolution of images of one pixel.
type Trainable struct {
	isa      *ISA
	g        Window
	in, out  int
	groups   int
	layout   Layout // of one group's weights
	group    int    // floats between the weights of groups
	pixels   int    // of an output image
	forward  *Conv
	backward *Conv          // from the gradient with respect to the result to the one with respect to the operand
	places   []int64        // of an imagewise one: see Windows.placed, for tiles
	crossed  []int64        // and for the sums of weights' derivatives, where a block is one image
	phases   []phaseProduct // of a strided convolution that is not depthwise
	cross    *crossing
	winograd *winograd // instead of all these from forward on, for some convolutions
}

// TrainableParams describe the weights: element (tap, k, n) of a group is where Layout tells, groups are Group floats apart.
type TrainableParams struct {
	In, Out, Groups int
	Layout          Layout
	Group           int
	Windows         *Windows // of convolutions to share tables with, may be nil
}

// ConvWeights describes a convolution's weights, [out, in/groups, kh, kw].
func ConvWeights(g Window, in, out, groups int) TrainableParams {
	taps, k, n := g.KH*g.KW, in/groups, out/groups
	return TrainableParams{In: in, Out: out, Groups: groups, Layout: ConvLayout(n, k, taps), Group: n * k * taps}
}

// Pixel is the window of a matrix product.
func Pixel() Window {
	return Window{H: 1, W: 1, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}
}

// Memory gives n floats of any value.
type Memory func(n int) []float32

// NewTrainable prepares a convolution, whose packed weights are in memory. They must be set before it runs.
func (u *ISA) NewTrainable(g Window, p TrainableParams, memory Memory) *Trainable {
	oh, ow := g.Out()
	c := &Trainable{isa: u, g: g, in: p.In, out: p.Out, groups: p.Groups, layout: p.Layout, group: p.Group, pixels: oh * ow}
	if u.byWinograd(g, p) {
		c.winograd = newWinograd(c, p.Windows, memory)
		return c
	}
	c.forward = &Conv{g: g, in: p.In, out: p.Out, groups: p.Groups, pixels: oh * ow, isa: u}
	c.backward = &Conv{g: g.flipped(), in: p.Out, out: p.In, groups: p.Groups, pixels: g.H * g.W, isa: u}
	if c.depthwise() || !g.plain() {
		c.forward.off = p.Windows.offsets(g)
		c.backward.off = p.Windows.backOffsets(g)
	}
	if c.strided() {
		c.phases = c.phaseProducts(p.Windows)
	}
	if c.depthwise() {
		c.forward.emptyDepthwise(p)
		c.backward.emptyDepthwise(p)
		return c
	}
	if g.imagewise(p) {
		c.places = p.Windows.placed(c.forward.off, p.Layout.Taps, u.rows, c.in)
		if c.images() == 1 {
			c.crossed = p.Windows.placed(c.forward.off, p.Layout.Taps, crossDepth, c.in)
		}
	}
	for range p.Groups {
		m := u.empty(p.Layout, memory)
		if c.gathered() {
			m.gather()
		}
		c.forward.matrices = append(c.forward.matrices, m)
		c.backward.matrices = append(c.backward.matrices, u.empty(c.wayBack(), memory))
	}
	if c.gathered() {
		c.forward.patch = &patches{off: c.forward.off, taps: p.Layout.Taps, k: p.Layout.K, pixels: oh * ow, image: g.H * g.W * p.In, channels: p.In}
	}
	c.cross = newCrossing(c)
	return c
}

func (c *Trainable) depthwise() bool { return c.params().depthwise() }

func (p TrainableParams) depthwise() bool { return p.Layout.K == 1 && p.Layout.N == 1 && p.Groups > 1 }

func (c *Trainable) params() TrainableParams {
	return TrainableParams{In: c.in, Out: c.out, Groups: c.groups, Layout: c.layout, Group: c.group}
}

// gathered tells that rows of taps are gathered.
func (c *Trainable) gathered() bool { return Gathered(c.layout.Taps, c.layout.K) }

// turned is the layout of the transposed matrices of all taps.
func (l Layout) turned() Layout {
	l.K, l.N, l.KStride, l.NStride = l.N, l.K, l.NStride, l.KStride
	return l
}

// wayBack is the layout of the matrices of the backward pass, with those of a phase's taps side by side.
func (c *Trainable) wayBack() Layout {
	l := c.layout.turned()
	l.order = tapOrder(c.phases, l.Taps)
	return l
}

// empty is a Matrix whose elements are still to be filled in.
func (u *ISA) empty(l Layout, memory Memory) *Matrix {
	m := u.form(l, nil, NoLimits())
	m.panels = memory(m.width() * m.depth)
	return m
}

// emptyDepthwise makes room for the weights of a depthwise convolution.
func (c *Conv) emptyDepthwise(p TrainableParams) {
	taps, channels := c.g.KH*c.g.KW, p.In
	c.list = p.Windows.listed(c.off, taps)
	c.dw = &Depthwise{taps: taps, channels: channels, stride: channels, w: make([]float32, taps*channels), bias: make([]float32, channels), limits: NoLimits()}
	c.zero, c.mask = make([]float32, channels), c.isa.maskOf(channels)
}

// masks are those of partial vectors of up to 16 elements: -1 for an element, 0 for none.
var masks = [32]int32{-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}

// maskOf is -1 for the elements of the last partial vector of n, then 0.
func (u *ISA) maskOf(n int) []int32 { return masks[16-n%u.width:] }

// packWork is how many multiply-accumulates take as long as packing one element.
const packWork = 16

// SetWeights takes weights for the runs that follow; a nil bias is zero.
func (c *Trainable) SetWeights(t *Team, w, bias []float32) {
	if c.winograd != nil {
		c.winograd.setWeights(t, w, bias)
		return
	}
	if c.depthwise() {
		for _, to := range []*Conv{c.forward, c.backward} {
			for ch := range c.in {
				for tap := range c.layout.Taps {
					to.dw.w[tap*c.in+ch] = w[ch*c.group+tap*c.layout.TapStride]
				}
			}
		}
		clear(c.forward.dw.bias)
		copy(c.forward.dw.bias, bias)
		return
	}
	n, l, wayBack := c.layout.N, c.layout, c.wayBack()
	for i := range c.groups {
		there, back := c.forward.matrices[i], c.backward.matrices[i]
		first := len(there.spans)
		t.Split(first+len(back.spans), packWork*2*l.Taps*l.K*n, func(lo, hi int) {
			if lo < first {
				there.fillPanels(w[i*c.group:], l, lo, min(hi, first))
			}
			if hi > first {
				back.fillPanels(w[i*c.group:], wayBack, max(lo, first)-first, hi-first)
			}
		})
		clear(there.init)
		if bias != nil {
			copy(there.init, bias[i*n:i*n+n])
		}
	}
}

// Forward convolves the images in x into y.
func (c *Trainable) Forward(t *Team, x, y []float32, batch int) {
	if c.winograd != nil {
		c.winograd.run(t, Operand{X: x}, y, batch)
		return
	}
	c.forward.Run(t, x, y, batch)
}

// Operand sets dx to the gradient with respect to the operand, given the gradient with respect to the result.
func (c *Trainable) Operand(t *Team, dy, dx []float32, batch int) {
	switch {
	case c.winograd != nil:
		c.winograd.backward(t, derivatives{dy: dy}, Operand{}, batch, Gradients{Operand: dx})
	case c.strided():
		c.prepare() // BackwardOf does without
		c.operandByPhases(t, dy, dx, batch)
	default:
		c.backward.Run(t, dy, dx, batch)
	}
}

// strided tells whether not all taps reach the same pixels of the operand.
func (c *Trainable) strided() bool {
	return c.winograd == nil && !c.depthwise() && (c.g.StrideH > 1 || c.g.StrideW > 1)
}

// prepare makes what Operand needs besides the weights.
func (c *Trainable) prepare() {
	if c.strided() && c.phases[0].matrices == nil {
		c.cutPhases()
	}
}

// flipped is the geometry of the backward pass as far as Conv.Run needs it: the size of its input images.
func (g Window) flipped() Window {
	oh, ow := g.Out()
	back := g
	back.H, back.W = oh, ow
	return back
}

// backOffsets lists for every input pixel where the output pixels that its taps reach are, in pixels; -1 where there is none.
func (g Window) backOffsets() []int32 {
	oh, ow := g.Out()
	taps := g.KH * g.KW
	off := make([]int32, g.H*g.W*taps)
	for i := range off {
		off[i] = -1
	}
	for y := range oh {
		for x := range ow {
			for i := range g.KH {
				for j := range g.KW {
					r, c := y*g.StrideH-g.Top+i*g.DilationH, x*g.StrideW-g.Left+j*g.DilationW
					if r >= 0 && r < g.H && c >= 0 && c < g.W {
						off[(r*g.W+c)*taps+i*g.KW+j] = int32(y*ow + x)
					}
				}
			}
		}
	}
	return off
}
