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

// offsets lists for every output pixel which pixels of an image its taps are; -1 is padding.
func (g Window) offsets() []int32 {
	oh, ow := g.Out()
	off := make([]int32, 0, oh*ow*g.KH*g.KW)
	for y := range oh {
		for x := range ow {
			for i := range g.KH {
				for j := range g.KW {
					r, c := y*g.StrideH-g.Top+i*g.DilationH, x*g.StrideW-g.Left+j*g.DilationW
					o := -1
					if r >= 0 && r < g.H && c >= 0 && c < g.W {
						o = r*g.W + c
					}
					off = append(off, int32(o))
				}
			}
		}
	}
	return off
}

// Windows are the tables of windows, which all convolutions of one geometry can share. They serve one goroutine at a time. The zero value is ready.
type Windows struct {
	plain, inside, back map[Window][]int32
	lists               map[*int32]tapList // of these tables, by their first element
	phases              map[Window][]phase
	places              map[placing][]int64
	tiles               map[tiling][]int64
}

// offsets returns a table with taps row by row.
func (s *Windows) offsets(g Window) []int32 {
	if s == nil {
		return g.offsets()
	}
	return table(&s.plain, g, g.offsets)
}

// backOffsets returns the table of the backward pass.
func (s *Windows) backOffsets(g Window) []int32 {
	if s == nil {
		return g.backOffsets()
	}
	return table(&s.back, g, g.backOffsets)
}

// tileOffsets returns the table of a tiling.
func (s *Windows) tileOffsets(g tiling) []int64 {
	if s == nil {
		return g.offsets()
	}
	return table(&s.tiles, g, g.offsets)
}

// ordered returns a table with taps in the order of inside.
func (s *Windows) ordered(g Window) []int32 {
	build := func() []int32 {
		off, order := g.offsets(), inside(g.KH*g.KW)
		row := make([]int32, len(order))
		for from := 0; from < len(off); from += len(order) {
			copy(row, off[from:])
			for i, t := range order {
				off[from+i] = row[t]
			}
		}
		return off
	}
	if s == nil {
		return build()
	}
	return table(&s.inside, g, build)
}

func table[K comparable, T any](seen *map[K]T, g K, build func() T) T {
	if *seen == nil {
		*seen = make(map[K]T)
	}
	t, ok := (*seen)[g]
	if !ok {
		t = build()
		(*seen)[g] = t
	}
	return t
}

// tapList is a table of taps without those outside: pixel by pixel, the offset and the number of each.
type tapList struct {
	starts  []int32 // of each pixel, and the end: twice as many entries are before
	entries []int32
}

// listed returns the list of a table of offsets.
func (s *Windows) listed(off []int32, taps int) tapList {
	build := func() (l tapList) {
		l.starts = append(l.starts, 0)
		for from := 0; from < len(off); from += taps {
			for t, o := range off[from : from+taps] {
				if o >= 0 {
					l.entries = append(l.entries, o, int32(t))
				}
			}
			l.starts = append(l.starts, int32(len(l.entries)/2))
		}
		return l
	}
	if s == nil || len(off) == 0 {
		return build()
	}
	return table(&s.lists, &off[0], build)
}

// plain tells that every output pixel is the input pixel of the same index.
func (g Window) plain() bool {
	return g.KH == 1 && g.KW == 1 && g.StrideH == 1 && g.StrideW == 1 && g.Top+g.Left+g.Bottom+g.Right == 0
}

// pointwise tells that every output pixel is one input pixel, and that those of an image are in order.
func (g Window) pointwise() bool { return g.KH == 1 && g.KW == 1 && g.Top+g.Left+g.Bottom+g.Right == 0 }

// Conv is a convolution with constant weights, ready to run on any batch.
type Conv struct {
	g        Window
	in, out  int
	groups   int
	pixels   int // of an output image
	off      []int32
	places   []int64   // of off, where no tile crosses images
	matrices []*Matrix // one per group; nil for a depthwise convolution
	patch    *patches
	isa      *ISA
	dw       *Depthwise
	list     tapList // of off, for a depthwise convolution
	zero     []float32
	mask     []int32
}

// ConvParams are the constants of a convolution. Weight is [out, in/groups, kh, kw]; a nil Bias is zero. Where Matrix or Depthwise
// is given, it has the weights, the bias and the limits.
type ConvParams struct {
	In, Out, Groups int
	Weight, Bias    []float32
	Limits          Limits
	Matrix          *Matrix    // of one group: taps times input channels by output channels
	Depthwise       *Depthwise // of as many groups as channels
	Windows         *Windows   // of convolutions to share tables with, may be nil
}

// thin is the number of input channels below which rows are gathered, since a tap alone would be too short a run.
const thin = 8

// Gathered tells whether convolutions of so many input channels a group see all taps as one row.
func Gathered(taps, channels int) bool { return channels < thin && taps > 1 }

// IsDepthwise tells whether each channel is a group of its own.
func (p ConvParams) IsDepthwise() bool { return p.Groups > 1 && p.In == p.Groups && p.Out == p.Groups }

// ConvLayout is that of the weights [out, in, kh, kw] of one group: rows are taps, and input channels in each.
func ConvLayout(out, in, taps int) Layout {
	return Layout{Taps: taps, K: in, N: out, TapStride: 1, KStride: taps, NStride: in * taps}
}

// NewConv prepares a convolution.
func (u *ISA) NewConv(g Window, p ConvParams) *Conv {
	oh, ow := g.Out()
	c := &Conv{g: g, in: p.In, out: p.Out, groups: p.Groups, pixels: oh * ow, isa: u}
	if p.IsDepthwise() {
		c.prepareDepthwise(p)
		return c
	}
	taps, k, n := g.KH*g.KW, p.In/p.Groups, p.Out/p.Groups
	for i := range p.Groups {
		if p.Matrix != nil {
			c.matrices = []*Matrix{p.Matrix}
			break
		}
		bias := p.Bias
		if bias != nil {
			bias = bias[i*n : i*n+n]
		}
		m := u.Pack(p.Weight[i*n*k*taps:], ConvLayout(n, k, taps), bias, p.Limits)
		if Gathered(taps, k) {
			m.gather()
		}
		c.matrices = append(c.matrices, m)
	}
	if !g.plain() {
		c.off = p.Windows.offsets(g)
	}
	if Gathered(taps, k) {
		c.patch = &patches{off: c.off, taps: taps, k: k, pixels: c.pixels, image: g.H * g.W * p.In, channels: p.In}
	}
	if c.off != nil && c.patch == nil && c.pixels%u.rows == 0 && len(c.matrices[0].runs) == 1 {
		c.places = p.Windows.placed(c.off, taps, u.rows, p.In)
	}
	return c
}

// Run convolves the images in x into y.
func (c *Conv) Run(t *Team, x, y []float32, batch int) {
	if c.matrices == nil {
		c.runDepthwise(t, x, y, batch)
		return
	}
	for i, m := range c.matrices {
		m.mul(t, batch*c.pixels, c.source(i, x), y[i*c.out/c.groups:], c.out)
	}
}

// source tells where the rows of a group are.
func (c *Conv) source(group int, x []float32) source {
	k := c.in / c.groups
	src := source{x: x, stride: c.in, off: c.off, places: c.places, tall: c.isa.rows, pixels: c.pixels, image: c.g.H * c.g.W * c.in, first: group * k}
	if c.patch != nil {
		p := *c.patch
		p.first = group * k
		src.patch = &p
	}
	return src
}

// rows computes output pixels [lo, hi) on one thread.
func (c *Conv) rows(w *worker, x, y []float32, lo, hi int) {
	if c.matrices == nil {
		c.depthwiseRows(w, x, y, lo, hi)
		return
	}
	for i, m := range c.matrices {
		src := c.source(i, x)
		m.block(w, lo, hi, 0, len(m.spans), &src, y[i*c.out/c.groups:], c.out)
	}
}

// patches gathers the taps of a few rows side by side: im2col, one tile at a time.
type patches struct {
	off           []int32
	taps, k       int
	pixels, image int
	channels      int // of the input, all groups
	first         int
}

func (p *patches) gather(w *worker, x []float32, r, rows int) {
	depth := p.taps * p.k
	if len(w.patch) < rows*depth {
		w.patch = make([]float32, 8*depth)
	}
	w.tile.x = &w.patch[0]
	for i := range rows {
		p.row(w.patch[i*depth:(i+1)*depth], x, r+i)
		w.off[i] = int64(i*depth) * 4
	}
}

// row gathers the taps of one output pixel.
func (p *patches) row(to, x []float32, r int) {
	img, pix := r/p.pixels, r%p.pixels
	from := x[img*p.image+p.first:]
	off := p.off[pix*p.taps : (pix+1)*p.taps]
	if p.k == 1 {
		for t, o := range off {
			to[t] = 0
			if o >= 0 {
				to[t] = from[int(o)*p.channels]
			}
		}
		return
	}
	for t, o := range off {
		cell := to[t*p.k : (t+1)*p.k]
		if o < 0 {
			clear(cell)
			continue
		}
		at := int(o) * p.channels
		for j := range cell {
			cell[j] = from[at+j]
		}
	}
}
