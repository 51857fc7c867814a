package supernet

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/op"
)

// pads is the rule for windows with padding. Some frameworks compute the padding so that strided windows fit a map of even extents. Then there is
// more padding at one end, and a map of odd extents would need other padding.
func (k baked) pads(n *ir.Node) string {
	pads, strides := n.Ints("pads"), n.Ints("strides")
	for i, stride := range strides {
		if stride > 1 && len(pads) == 2*len(strides) && pads[i] != pads[i+len(strides)] {
			if why := k.step(n.In[0], i+2, int(stride)); why != "" {
				return why
			}
		}
	}
	return ""
}

// pooled is the rule pads for a pooling. Its windows may be shares of the map.
func (k baked) pooled(n *ir.Node) string {
	if why := k.pads(n); why != "" {
		return why
	}
	return k.tiles(n)
}

// step says why windows with this stride do not fit an axis that is padded more at one end, "" if they do.
func (k baked) step(id ir.ValueID, a, stride int) string {
	before, after, moved := k.extents(id, a)
	if moved && (before-after)%stride != 0 {
		return fmt.Sprintf("it pads the ends of an axis differently, which suits %d positions and may not suit %d", before, after)
	}
	return ""
}

// pad is the rule for padding by a Pad operator. If anything but windows reads the result, the map was padded to a multiple of some number.
func (k baked) pad(n *ir.Node) string {
	list := k.numbers(n, 1)
	if len(n.In) == 1 { // before opset 11
		list = n.Ints("pads")
	}
	rank := len(k.plain.sizes[n.In[0]])
	if len(list) == 2*rank && !slices.ContainsFunc(list, func(v int64) bool { return v != 0 }) {
		return k.padsNothing(n)
	}
	for a := range rank {
		if len(list) != 2*rank || list[a] == list[a+rank] {
			continue
		}
		before, _, moved := k.extents(n.In[0], a)
		if !moved {
			continue
		}
		for _, u := range k.flow.Users(n.Out[0]) {
			window := k.flow.Node(u)
			if !slices.Contains([]string{"Conv", "MaxPool", "AveragePool", "ConvTranspose"}, window.Op) {
				return fmt.Sprintf("it pads an axis of %d by %d and %d", before, list[a], list[a+rank])
			}
			if s := window.Ints("strides"); a >= 2 && a-2 < len(s) {
				if why := k.step(n.In[0], a, int(s[a-2])); why != "" {
					return why
				}
			}
		}
	}
	return ""
}

// padsNothing is the rule for a Pad by zero positions. The network may compute how many positions a map lacks for strided windows: a map of another size may
// lack some.
func (k baked) padsNothing(n *ir.Node) string {
	for _, window := range k.windows(n) {
		kernel := window.Ints("kernel_shape")
		for a, stride := range window.Ints("strides") {
			before, after, moved := k.extents(n.In[0], a+2)
			if a >= len(kernel) || !moved {
				continue
			}
			if lacks := ((after+int(stride)-1)/int(stride)-1)*int(stride) + int(kernel[a]) - after; lacks > 0 {
				return fmt.Sprintf("it pads nothing, which suits windows on %d positions and may not suit %d", before, after)
			}
		}
	}
	return ""
}

// windows lists the operators that read a Pad, also through the Pad that belongs to a pooling. A pooling to which this Pad itself belongs is left out.
func (k baked) windows(n *ir.Node) []*ir.Node {
	var out []*ir.Node
	for _, u := range k.flow.Users(n.Out[0]) {
		window := k.flow.Node(u)
		if op.OwnPad(k.graph, n, window) {
			continue
		}
		if out = append(out, window); window.Op == "Pad" {
			for _, next := range k.flow.Users(window.Out[0]) {
				out = append(out, k.flow.Node(next))
			}
		}
	}
	return out
}
