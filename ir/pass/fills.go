package pass

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// plainFills makes a single number of a ConstantOfShape that operators read that work element by element, where another operand has the shape of
// the result: masks are such, and the number follows whatever becomes of that shape. So is one whose result only meets operands of that shape, such as
// the first state of a recurrence that is unrolled.
func plainFills(g *ir.Graph) error {
	if !slices.ContainsFunc(g.Nodes, func(n *ir.Node) bool { return is(n, "ConstantOfShape") }) {
		return nil
	}
	vals, made, readers := extents(g), producers(g), readersOf(g)
	shape := func(id ir.ValueID) []dim.Dim { return vals[id].Shape }
	numbers := map[ir.ValueID]ir.ValueID{}
	for _, n := range g.Nodes {
		if n.Domain != "" || !broadcasts[n.Op] {
			continue
		}
		for k, id := range n.In {
			f := made[id]
			if !is(f, "ConstantOfShape") {
				continue
			}
			whole := shapedBy(shape(n.Out[0]), n, k, shape)
			if !whole && !absorbed(g, readers, n.Out[0], shape) {
				continue
			}
			if numbers[id] == 0 {
				numbers[id] = fillValue(g, f)
			}
			if numbers[id] > 0 {
				n.In[k] = numbers[id]
				if !whole { // the result is smaller than it was
					vals[n.Out[0]].Shape = nil
				}
			}
		}
	}
	return nil
}

// broadcasts are operators whose operands are brought to one shape.
var broadcasts = map[string]bool{"Add": true, "Sub": true, "Mul": true, "Div": true, "Where": true, "And": true, "Or": true, "Max": true, "Min": true}

// shapedBy tells whether an operand other than k has a shape.
func shapedBy(shape []dim.Dim, n *ir.Node, k int, of func(ir.ValueID) []dim.Dim) bool {
	for j, id := range n.In {
		if j != k && id != n.In[k] && shape != nil && slices.EqualFunc(of(id), shape, dim.Dim.Equal) {
			return true
		}
	}
	return false
}

// absorbed tells whether all that reads a value brings it to the shape of another operand.
func absorbed(g *ir.Graph, readers [][]*ir.Node, id ir.ValueID, of func(ir.ValueID) []dim.Dim) bool {
	for _, n := range readers[id] {
		if n.Domain != "" || !broadcasts[n.Op] || !shapedBy(of(n.Out[0]), n, slices.Index(n.In, id), of) {
			return false
		}
	}
	return len(readers[id]) > 0 && !isOutput(g, id)
}

// fillValue is the number of a ConstantOfShape: 0 when it states none; -1 for one that is no float or integer.
func fillValue(g *ir.Graph, f *ir.Node) ir.ValueID {
	t := ir.FromFloat32s([]int{1}, []float32{0})
	for _, a := range f.Attrs {
		if v, ok := a.Tensor(); ok && a.Name == "value" {
			t = &ir.Tensor{Tensor: v}
		}
	}
	if raw, err := t.Bytes(); err != nil || raw == nil || t.NumElements() != 1 {
		return -1
	}
	t.Shape, t.Name = []int{}, ""
	return constantValue(g, f.Name+"_fill", t)
}
