package supernet

import (
	"fmt"
	"math"
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

// count is a number that a sum over positions is divided by, or multiplied with the inverse of, when it is how many there are.
func (k baked) count(n *ir.Node) string {
	for i := range 2 {
		v := k.graph.Values[n.Input(1-i)]
		if v == nil || v.Const == nil || v.Const.NumElements() != 1 {
			continue
		}
		c, err := v.Const.Float32s()
		at := k.flow.Producer(n.Input(i))
		if err != nil || at < 0 || c[0] == 0 {
			continue
		}
		value := float64(c[0])
		if n.Op == "Mul" {
			value = 1 / value
		}
		if summed := k.summed(k.flow.Node(at)); summed > 1 && near(value, float64(summed)) {
			return fmt.Sprintf("it divides a sum over %d positions by their number", summed)
		}
		for _, a := range k.movedAxes(n.Input(i)) {
			if size := k.plain.sizes[n.Input(i)][a]; k.area(n.Input(i), a) && near(value, float64(size)) && !k.biasesScores(n.Out[0]) {
				return fmt.Sprintf("it divides by %d, the positions of its map", size)
			}
		}
	}
	return ""
}

// area tells whether an axis lists the positions of a map: no other number of a network is likely to be the same, but for the roots that
// attention divides its scores by.
func (k baked) area(id ir.ValueID, a int) bool {
	axes := k.coupling.Axes(id)
	return a < len(axes) && len(k.coupling.Factors(axes[a])) > 1
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-4*b }

// summed is how many positions an operator adds up whose number moves, 0 when it does not.
func (k baked) summed(n *ir.Node) int {
	x := n.Input(0)
	if x == 0 {
		return 0
	}
	count, moves := 1, false
	add := func(a int) {
		before, _, moved := k.extents(x, a)
		if before > 0 {
			count *= before
		}
		moves = moves || moved
	}
	switch n.Op {
	case "ReduceSum":
		axes := n.Ints("axes")
		if list := k.numbers(n, 1); list != nil {
			axes = list
		}
		for _, a := range axes {
			add(int(a))
		}
	case "MatMul":
		add(-1)
	}
	if !moves {
		return 0
	}
	return count
}
