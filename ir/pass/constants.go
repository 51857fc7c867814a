package pass

import (
	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/ir"
)

// liftConstants turns Constant nodes into constant values.
func liftConstants(g *ir.Graph) error {
	filter(g, func(n *ir.Node) bool {
		if n.Op != "Constant" || n.Domain != "" || len(n.Out) != 1 {
			return true
		}
		t, ok := onnx.Constant(n.Attrs)
		if !ok {
			return true
		}
		v := g.Values[n.Out[0]]
		setConstant(v, &ir.Tensor{Tensor: t, Name: constantName(v, t)})
		return false
	})
	return nil
}

// constantName is the name by which the weights of the model's file have what a Constant node makes, see onnx.Named. A tensor that is small enough
// to stand in generated code has none.
func constantName(v *ir.Value, t onnx.Tensor) string {
	if len(t.Shape) > 1 || t.NumElements() > maxComputed || t.Type == ir.Float32 && t.NumElements() > 1 {
		return v.Name
	}
	return ""
}

// maxComputed is the number of elements up to which a constant may stand in generated code.
const maxComputed = 16

// dropIdentities removes Identity nodes and Dropout in inference. An Identity of a constant becomes a value of its own that shares the tensor.
func dropIdentities(g *ir.Graph) error {
	outputs := map[ir.ValueID]bool{}
	for _, id := range g.Outputs {
		outputs[id] = true
	}
	uses, others := users(g), substitutes{}
	filter(g, func(n *ir.Node) bool {
		others.read(n)
		if n.Domain != "" || n.Op != "Identity" && n.Op != "Dropout" || len(n.In) == 0 {
			return true
		}
		in, out := n.In[0], n.Out[0]
		if n.Op == "Dropout" && len(n.Out) > 1 && uses[n.Out[1]] > 0 || outputs[out] {
			return true
		}
		if src := g.Values[in]; src.Const != nil {
			v := g.Values[out]
			v.Const, v.Type, v.Shape = src.Const, src.Type, src.Shape
			return false
		}
		others[out] = in
		return false
	})
	return nil
}

// boundsToAttributes makes constant bounds of Clip the attributes min and max of the canonical node.
func boundsToAttributes(g *ir.Graph) error {
	for _, n := range g.Nodes {
		if n.Op != "Clip" || n.Domain != "" || len(n.In) < 2 {
			continue
		}
		attrs := append([]ir.Attr{}, n.Attrs...)
		known := true
		for k, name := range []string{"min", "max"} {
			id := n.Input(k + 1)
			if id == 0 {
				continue
			}
			bound, ok := scalar(g.Values[id].Const)
			if known = known && ok; ok {
				attrs = append(attrs, ir.Attr{Name: name, Kind: ir.AttrFloat, Float: bound})
			}
		}
		if known {
			n.Attrs, n.In = attrs, n.In[:1]
		}
	}
	return nil
}

func scalar(t *ir.Tensor) (float32, bool) {
	if t == nil || t.NumElements() != 1 {
		return 0, false
	}
	v, err := t.Float32s()
	if err != nil {
		return 0, false
	}
	return v[0], true
}

// dropDead removes nodes whose results nobody reads.
func dropDead(g *ir.Graph) error {
	need := make([]bool, len(g.Values))
	for _, id := range g.Outputs {
		need[id] = true
	}
	keep := map[*ir.Node]bool{}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := g.Nodes[i]
		for _, id := range n.Out {
			keep[n] = keep[n] || id != 0 && need[id]
		}
		if keep[n] {
			for _, id := range n.In {
				need[id] = true
			}
		}
	}
	filter(g, func(n *ir.Node) bool { return keep[n] })
	return nil
}
