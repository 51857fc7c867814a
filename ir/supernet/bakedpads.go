package supernet

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/op"
)

// pads are computed by some frameworks so that a map of even extents stays in step with windows that skip positions: then they are more at one
// end, and would be others for a map of odd extents.
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

// pooled is pads of a pooling, whose windows may be shares of the map.
func (k baked) pooled(n *ir.Node) string {
	if why := k.pads(n); why != "" {
		return why
	}
	return k.tiles(n)
}

// step tells why an axis that is padded at one end more than at the other does not keep in step, "" when it does.
func (k baked) step(id ir.ValueID, a, stride int) string {
	before, after, moved := k.extents(id, a)
	if moved && (before-after)%stride != 0 {
		return fmt.Sprintf("it pads the ends of an axis differently, which suits %d positions and may not suit %d", before, after)
	}
	return ""
}

// pad is pads by an operator of its own. What does not lead to windows alone was padded to a multiple of something.
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

// padsNothing is a Pad that may be there because a network computes how much a map lacks for windows that skip positions: a map of another size may lack
// some.
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

// windows lists what reads a Pad, also behind the Pad of the pooling itself, but for a pooling whose own the Pad is.
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
