package view

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// moved are operators that leave numbers as they are.
var moved = []string{"Identity", "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze"}

// End returns the operator that makes probabilities of logits at the end of the first output: "Softmax", "Sigmoid", or "" where none does.
func (p *Package) End() string {
	if p.net == nil || len(p.net.Graph.Outputs) == 0 {
		return ""
	}
	v := p.net.Graph.Outputs[0]
	for _, n := range slices.Backward(p.net.Graph.Nodes) {
		switch {
		case !slices.Contains(n.Out, v):
		case n.Op == "Softmax" || n.Op == "Sigmoid":
			return n.Op
		case !slices.Contains(moved, n.Op):
			return ""
		default:
			v = operand(n)
		}
	}
	return ""
}

func operand(n *ir.Node) ir.ValueID { return n.In[0] }
