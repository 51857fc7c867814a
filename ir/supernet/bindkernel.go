package supernet

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// kernel lets the windows of a block's convolutions shrink to their centre.
func (b *binder) kernel(s *Stage, bl *Block, v Var) {
	c := b.blockChoice(s, bl, Kernel, v)
	side := 0
	if len(bl.kernels) > 0 {
		bl.Lists++
	}
	convs, free := b.windows(bl.kernels)
	for _, i := range bl.kernels {
		side = max(side, b.window(i)[0])
		n := b.graph.Nodes[i]
		c.Like += fmt.Sprint(b.window(i), n.Ints("pads"), n.Ints("dilations"), n.String("auto_pad", "NOTSET"))
	}
	for _, k := range largestFirst(v.List, float64(side)) {
		if int(k) == side || int(k) < side && free && b.croppable(convs, int(k)) {
			c.Candidates = append(c.Candidates, k)
		}
	}
	g, ok := b.add(c, v.List)
	if !ok {
		return
	}
	bl.Choices = append(bl.Choices, int(g))
	for _, i := range convs {
		b.note(b.net.Nodes[i].Transform(b.net, g))
	}
}

// windows adds to nodes the other convolutions that read the same weights, since all are cropped together. free is false if a choice of another block already
// crops them, or if another operator reads the weights.
func (b *binder) windows(nodes []int) (convs []int, free bool) {
	convs = slices.Clone(nodes)
	free = true
	for _, i := range nodes {
		w := b.graph.Nodes[i].In[1]
		for _, v := range b.coupling.Axes(w)[2:] {
			_, bound := b.leaves[b.coupling.Find(v)]
			free = free && !bound && b.coupling.Frozen(v) == nil
		}
		for _, r := range b.readers(w) {
			n := b.graph.Nodes[r]
			free = free && n.Op == "Conv" && n.Domain == "" && n.In[1] == w
			if !slices.Contains(convs, r) {
				convs = append(convs, r)
			}
		}
	}
	return convs, free
}

// window returns the extents of a convolution's window.
func (b *binder) window(i int) []int { return b.plain.sizes[b.graph.Nodes[i].In[1]][2:] }

// square tells whether a convolution's window is as long along each axis: a choice of kernel says one side for all of them. Others, such as 1 x 11,
// stay as they are.
func (b *binder) square(i int) bool {
	w := b.window(i)
	return slices.Min(w) == slices.Max(w)
}

// croppable tells whether all windows can be cropped to side k, keeping their centre and leaving the padding legal.
func (b *binder) croppable(nodes []int, k int) bool {
	for _, i := range nodes {
		n := b.graph.Nodes[i]
		pads := n.Ints("pads")
		for a, full := range b.window(i) {
			cut := full - min(k, full)
			if cut%2 != 0 || n.String("auto_pad", "NOTSET") != "NOTSET" && cut != 0 {
				return false
			}
			less := dilation(n, a) * cut / 2
			if cut > 0 && (pads == nil || int(pads[a]) < less || int(pads[a+len(pads)/2]) < less) {
				return false
			}
		}
	}
	return len(nodes) > 0
}

func dilation(n *ir.Node, a int) int {
	if d := n.Ints("dilations"); d != nil {
		return int(d[a])
	}
	return 1
}

// crop binds the window axes of one convolution and the padding that goes with them.
func (b *binder) crop(o *Op, g dim.Choice, sides []float64) {
	n := o.Node
	window := b.window(o.Index)
	pads := n.Ints("pads")
	if slices.Min(sides) >= float64(slices.Max(window)) {
		return // smaller than all candidates already
	}
	shape := make([]dim.Dim, len(window))
	padding := make([]dim.Dim, 2*len(window))
	for a, full := range window {
		ks := make([]int, len(sides))
		for j, k := range sides {
			ks[j] = min(int(k), full)
		}
		shape[a] = dim.Var(g, ks)
		for _, at := range []int{a, a + len(window)} {
			pad := 0
			if pads != nil {
				pad = int(pads[at])
			}
			padding[at] = dim.Map(func(k int) int { return pad - dilation(n, a)*(full-k)/2 }, shape[a])
		}
		b.leaves[b.coupling.Find(b.coupling.Axes(n.In[1])[2+a])] = shape[a]
	}
	o.override("kernel_shape", shape)
	o.override("pads", padding)
}
