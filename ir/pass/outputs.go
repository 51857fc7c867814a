package pass

import "github.com/autotailor/autotailor/ir"

// ownOutputs gives each output of the graph a value of its own that a node makes: by an Identity where an output is an input, a constant or an
// output before it.
func ownOutputs(g *ir.Graph) error {
	taken, names := map[ir.ValueID]bool{}, map[string]bool{}
	for _, id := range g.Inputs {
		taken[id] = true
	}
	for _, v := range g.Values {
		names[v.Name] = true
	}
	for k, id := range g.Outputs {
		v := g.Values[id]
		if !taken[id] && v.Const == nil {
			taken[id] = true
			continue
		}
		name := v.Name
		for names[name] {
			name += "_output"
		}
		names[name] = true
		out := addValue(g, v, name)
		g.Values[out].Shape = v.Shape
		g.Nodes = append(g.Nodes, &ir.Node{Op: "Identity", Name: name, In: []ir.ValueID{id}, Out: []ir.ValueID{out}})
		g.Outputs[k] = out
	}
	return nil
}
