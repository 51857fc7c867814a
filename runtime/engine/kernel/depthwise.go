package kernel

import (
	"cmp"
	"slices"
)

// Depthwise is the weights of a depthwise convolution. Taps stand in the order of inside, so that those of a smaller window in the
// middle come first.
type Depthwise struct {
	taps, channels int
	stride         int       // floats between taps
	w              []float32 // [taps][channels]
	bias           []float32
	scale, shift   []float32 // what results are multiplied by before shift is added; nil for neither
	limits         Limits
}

// PackDepthwise packs weights [channels, 1, kh, kw]. A nil bias is zero.
func PackDepthwise(w []float32, channels, taps int, bias []float32, lim Limits) *Depthwise {
	d := &Depthwise{taps: taps, channels: channels, stride: channels, w: make([]float32, taps*channels), bias: make([]float32, channels), limits: lim}
	copy(d.bias, bias)
	for i, t := range inside(taps) {
		for ch := range channels {
			d.w[i*channels+ch] = w[ch*taps+t]
		}
	}
	return d
}

// Part returns a view of the first channels and of the taps of a smaller square window in the middle. A nil scale is 1.
func (d *Depthwise) Part(taps, channels int, scale, bias []float32, lim Limits) *Depthwise {
	out := &Depthwise{taps: taps, channels: channels, stride: d.stride, w: d.w, bias: bias, limits: lim}
	if scale != nil {
		out.scale, out.shift, out.bias = scale, bias, make([]float32, channels)
	}
	return out
}

// inside lists the taps of a window: those of a square one, of odd side, ring by ring from the middle.
func inside(taps int) []int {
	order := make([]int, taps)
	for i := range order {
		order[i] = i
	}
	side := 1
	for side*side < taps {
		side += 2
	}
	if side*side != taps {
		return order
	}
	ring := func(t int) int { return max(abs(t/side-side/2), abs(t%side-side/2)) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ring(a), ring(b)) })
	return order
}

func abs(n int) int { return max(n, -n) }

func (c *Conv) prepareDepthwise(p ConvParams) {
	off := p.Windows.ordered(c.g)
	c.list = p.Windows.listed(off, c.g.KH*c.g.KW)
	if c.dw = p.Depthwise; c.dw == nil {
		c.dw = PackDepthwise(p.Weight, p.In, c.g.KH*c.g.KW, p.Bias, p.Limits)
	}
	c.mask = c.isa.maskOf(p.In)
}

// scaledBytes is how much is computed before it is scaled: what stays in a small first cache.
const scaledBytes = 16 << 10

func (c *Conv) runDepthwise(t *Team, x, y []float32, batch int) {
	t.run(batch*c.pixels, 1, batch*c.pixels*c.dw.taps*c.in, func(w *worker, lo, hi int) { c.depthwiseRows(w, x, y, lo, hi) })
}

// depthwiseRows computes output pixels [lo, hi).
func (c *Conv) depthwiseRows(w *worker, x, y []float32, lo, hi int) {
	image, longest := c.g.H*c.g.W*c.in, c.pixels
	if c.dw.scale != nil {
		longest = max(1, scaledBytes/4/c.in)
	}
	d := &w.row
	d.w, d.bias, d.mask = first(c.dw.w), first(c.dw.bias), &c.mask[0]
	d.channels, d.stride = int64(c.in), int64(c.dw.stride)*4
	lim := c.dw.limits
	if c.dw.scale != nil {
		lim = NoLimits()
	}
	d.lo, d.hi = lim.Lo, lim.Hi
	for lo < hi {
		img, pix := lo/c.pixels, lo%c.pixels
		n := min(c.pixels-pix, hi-lo, longest)
		d.x, d.starts = first(x[img*image:]), &c.list.starts[pix]
		d.entries = nil
		if at := 2 * int(c.list.starts[pix]); at < len(c.list.entries) {
			d.entries = &c.list.entries[at]
		}
		d.pixels, d.out = int64(n), &y[lo*c.in]
		c.isa.depthwise(d)
		if c.dw.scale != nil {
			for i := lo; i < lo+n; i++ {
				row := y[i*c.in : (i+1)*c.in]
				c.isa.affineRow(row, row, c.dw.scale, c.dw.shift, c.dw.limits)
			}
		}
		lo += n
	}
}
