package nn

import (
	"slices"
)

// TransposedPads returns how many positions a ConvTranspose of x to y crops from its result at both ends of each spatial axis. They follow from its attributes or from the
// shape of the result.
func TransposedPads(n *Node, x, y, window Shape) [][2]int {
	rank := len(x)
	strides, dilations, extra := n.List("strides", rank, 1), n.List("dilations", rank, 1), n.List("output_padding", rank, 0)
	given, auto := n.List("pads", 2*rank, 0), n.Text("auto_pad", "NOTSET")
	_, shaped := n.Attr("output_shape")
	pads := make([][2]int, rank)
	for a := range pads {
		if auto == "NOTSET" && !shaped {
			pads[a] = [2]int{given[a], given[rank+a]}
			continue
		}
		total := max(0, strides[a]*(x[a]-1)+extra[a]+(window[a]-1)*dilations[a]+1-y[a])
		pads[a] = [2]int{total - total/2, total / 2}
		if auto == "SAME_UPPER" {
			slices.Reverse(pads[a][:])
		}
	}
	return pads
}
