package view

import (
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
)

// End says how logits come from the numbers of the first output, "" where these are no probabilities.
func (p *Package) End() string {
	if p.net == nil || len(p.net.Graph.Outputs) == 0 {
		return ""
	}
	return string(operators.End(p.net.Graph.Outputs[0], func(v ir.ValueID) (string, ir.ValueID) {
		for _, n := range slices.Backward(p.net.Graph.Nodes) {
			if slices.Contains(n.Out, v) && n.Domain == "" && len(n.In) > 0 {
				return n.Op, n.In[0]
			}
		}
		return "", v
	}))
}
