package profile

import "github.com/autotailor/autotailor/runtime/nn"

// sliceOperands makes starts, ends, axes and steps for the Slice nodes of g whose own are not known, so that results have their shapes: an
// operator alone does not know the numbers that its network has there, and zeros are no legal steps.
func sliceOperands(g *nn.Graph, w nn.MapWeights) {
	for _, n := range g.Nodes {
		if n.Type != "Slice" || n.Domain != "" || len(n.Out) != 1 {
			continue
		}
		in, out := g.Values[n.In[0]].Shape, g.Values[n.Out[0]].Shape
		if len(in) != len(out) || len(n.In) < 4 { // without axes, the operands are of the first ones
			continue
		}
		var operands [4][]int64 // starts, ends, axes, steps
		for _, axis := range changedFirst(in, out) {
			step := 1
			if m := out[axis]; m > 0 && m < in[axis] {
				if s := (in[axis] + m - 1) / m; (in[axis]+s-1)/s == m {
					step = s
				}
			}
			for k, v := range []int{0, out[axis] * step, axis, step} {
				operands[k] = append(operands[k], int64(v))
			}
		}
		for k, v := range n.In[1:] {
			i := g.Values[v]
			if i.Param == nil || i.Type != nn.Int64 || len(i.Shape) != 1 || i.Shape[0] > len(operands[k]) {
				continue
			}
			w[i.Param.Source()] = nn.FromInt64s(i.Shape, operands[k][:i.Shape[0]])
		}
	}
}

// changedFirst lists the axes, those first whose size changes.
func changedFirst(in, out nn.Shape) []int {
	var changed, kept []int
	for axis := range in {
		if in[axis] != out[axis] {
			changed = append(changed, axis)
		} else {
			kept = append(kept, axis)
		}
	}
	return append(changed, kept...)
}
