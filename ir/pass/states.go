package pass

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// zeroStates takes initial states of zeros from recurrent layers, which start with zeros anyway. Exporters make them for the batch of a call:
// the layer's hidden elements could not vary.
func zeroStates(g *ir.Graph) error {
	var made []*ir.Node
	for _, n := range g.Nodes {
		if n.Domain != "" || n.Op != "LSTM" && n.Op != "GRU" && n.Op != "RNN" {
			continue
		}
		if made == nil {
			made = producers(g)
		}
		for k := 5; k < min(len(n.In), 7); k++ {
			if zeros(g, made, n.In[k]) {
				n.In[k] = 0
			}
		}
		for len(n.In) > 0 && n.In[len(n.In)-1] == 0 {
			n.In = n.In[:len(n.In)-1]
		}
	}
	return nil
}

// keepsZeros lists operators that make zeros of zeros, in operand 0, whatever their settings are.
var keepsZeros = []string{"Expand", "Tile", "Reshape", "Slice", "Transpose", "Squeeze", "Unsqueeze", "Gather", "Identity", "Cast", "Split"}

// zeros tells whether a value has no other elements.
func zeros(g *ir.Graph, made []*ir.Node, id ir.ValueID) bool {
	if id == 0 {
		return false
	}
	if t := g.Values[id].Const; t != nil {
		list, err := t.Float32s()
		return err == nil && !slices.ContainsFunc(list, func(v float32) bool { return v != 0 })
	}
	n := made[id]
	switch {
	case n == nil || n.Domain != "":
		return false
	case n.Op == "ConstantOfShape":
		for _, a := range n.Attrs {
			if v, ok := a.Tensor(); ok && a.Name == "value" {
				list, err := (&ir.Tensor{Tensor: v}).Float32s()
				return err == nil && len(list) == 1 && list[0] == 0
			}
		}
		return true
	case n.Op == "Concat":
		return !slices.ContainsFunc(n.In, func(part ir.ValueID) bool { return !zeros(g, made, part) })
	}
	return slices.Contains(keepsZeros, n.Op) && zeros(g, made, n.In[0])
}
