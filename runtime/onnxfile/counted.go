package onnxfile

import (
	"slices"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/nn"
)

// counting are the operators that make as many results as their operands' numbers say: what a network says of their shapes is the most that there can be.
var counting = []string{"NonZero", "NonMaxSuppression", "Compress", "Unique"}

// counted tells which values have as many elements as a counting operator finds, or may have.
func counted(g *nn.Graph) map[nn.Value]bool {
	out := map[nn.Value]bool{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Domain == "" && slices.Contains(counting, n.Type) || slices.ContainsFunc(n.In, func(v nn.Value) bool { return out[v] }) {
			for _, v := range n.Out {
				out[v] = true
			}
		}
	}
	return out
}

// result describes an output of the network. Extents that are known at run time only are left open: programs that make room for results by what the
// file says would fail.
func (b *writer) result(v nn.Value, counted bool) *onnxpb.ValueInfoProto {
	i := b.info(v)
	if counted {
		for _, d := range i.GetType().GetTensorType().GetShape().GetDim() {
			d.Value = nil
		}
	}
	return i
}
