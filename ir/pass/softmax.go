package pass

import (
	"fmt"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// modernSoftmax gives Softmax and LogSoftmax of opsets below 13 the meaning of today. There they normalised over all axes from
// axis on, which stays as it is for the last one; otherwise the operand is flattened and takes its shape again.
func modernSoftmax(g *ir.Graph) error {
	if g.Opsets[""] >= 13 {
		return nil
	}
	ranks, known := inferredRanks(g), extents(g)
	var nodes []*ir.Node
	for _, n := range g.Nodes {
		if n.Domain != "" || n.Op != "Softmax" && n.Op != "LogSoftmax" && n.Op != "Hardmax" || len(n.In) == 0 {
			nodes = append(nodes, n)
			continue
		}
		rank, axis := ranks[n.In[0]], int(n.Int("axis", 1))
		if axis < 0 {
			axis += rank
		}
		switch {
		case rank == 0:
			return fmt.Errorf("node %q (%s): the rank of its operand is not known; convert the model to opset 13 or newer", n.Name, n.Op)
		case axis == rank-1:
			nodes = append(nodes, n)
		default:
			split, err := flattened(g, n, axis, known[n.In[0]].Shape)
			if err != nil {
				return err
			}
			nodes = append(nodes, split...)
		}
		n.Set(ir.Attr{Name: "axis", Kind: ir.AttrInt, Int: -1})
	}
	g.Nodes = nodes
	return nil
}

// flattened puts n between a Flatten and a Reshape back to the operand's shape: the model's own, else what was inferred.
func flattened(g *ir.Graph, n *ir.Node, axis int, inferred []dim.Dim) ([]*ir.Node, error) {
	x := g.Values[n.In[0]]
	var shape []int64
	for _, d := range x.Shape {
		shape = append(shape, int64(d.Size))
	}
	if t := target(inferred, nil, n.Op); shape == nil && t != nil {
		shape, _ = t.Int64s()
	}
	open := 0
	for _, d := range shape {
		if d < 0 {
			open++
		}
	}
	if shape == nil {
		return nil, fmt.Errorf("node %q (%s): the shape of its operand is not known; convert the model to opset 13 or newer", n.Name, n.Op)
	}
	if open > 1 {
		return nil, fmt.Errorf("node %q (%s): more than one extent of its operand is open; convert the model to opset 13 or newer", n.Name, n.Op)
	}
	flat := addValue(g, x, x.Name+"_flat")
	soft := addValue(g, x, g.Values[n.Out[0]].Name+"_flat")
	back := constantValue(g, x.Name+"_shape", ir.FromInt64s([]int{len(shape)}, shape))
	before := &ir.Node{Op: "Flatten", Name: n.Name + "_flatten", In: []ir.ValueID{n.In[0]}, Out: []ir.ValueID{flat}, Scope: n.Scope,
		Attrs: []ir.Attr{{Name: "axis", Kind: ir.AttrInt, Int: int64(axis)}}}
	after := &ir.Node{Op: "Reshape", Name: n.Name + "_reshape", In: []ir.ValueID{soft, back}, Out: []ir.ValueID{n.Out[0]}, Scope: n.Scope}
	n.In, n.Out = []ir.ValueID{flat}, []ir.ValueID{soft}
	return []*ir.Node{before, n, after}, nil
}
