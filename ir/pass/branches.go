package pass

import (
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/onnx"
)

// constantBranches replaces an If whose condition is known by the branch that it takes: exporters write one where a Squeeze may have nothing to
// drop, and where a flag of the model was not known to be constant. Some conditions are known only once shapes are.
func constantBranches(g *ir.Graph) error {
	for hasBranches(g) {
		for _, p := range []func(*ir.Graph) error{liftConstants, dropIdentities, foldShapes} {
			if err := p(g); err != nil {
				return err
			}
		}
		found, err := takeBranches(g)
		if err != nil || !found {
			return err
		}
	}
	return nil
}

func hasBranches(g *ir.Graph) bool {
	for _, n := range g.Nodes {
		if n.Op == "If" && n.Domain == "" {
			return true
		}
	}
	return false
}

// takeBranches replaces every If whose condition is a constant, and tells whether there was one.
func takeBranches(g *ir.Graph) (found bool, err error) {
	var nodes []*ir.Node
	for _, n := range g.Nodes {
		truth, known := condition(g, n)
		if !known {
			nodes = append(nodes, n)
			continue
		}
		branch := "else_branch"
		if truth {
			branch = "then_branch"
		}
		inner, yields, err := onnx.Branch(g, n, branch)
		if err != nil {
			return false, err
		}
		if len(yields) != len(n.Out) {
			nodes = append(nodes, n) // malformed, the compiler says so
			continue
		}
		found = true
		nodes = append(nodes, inner...)
		for k, id := range n.Out {
			if id != 0 {
				g.Values[id].Shape = g.Values[yields[k]].Shape // that of the other branch may differ
				nodes = append(nodes, &ir.Node{Op: "Identity", Name: g.Values[id].Name, In: []ir.ValueID{yields[k]}, Out: []ir.ValueID{id}})
			}
		}
	}
	g.Nodes = nodes
	return found, nil
}

// condition is that of an If where it is constant.
func condition(g *ir.Graph, n *ir.Node) (truth, known bool) {
	if n.Op != "If" || n.Domain != "" || len(n.In) == 0 {
		return false, false
	}
	c := g.Values[n.In[0]].Const
	if c == nil || c.NumElements() != 1 {
		return false, false
	}
	list, err := c.Int64s()
	return err == nil && list[0] != 0, err == nil
}
