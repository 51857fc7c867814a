package supernet

import (
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// Record returns the SubNet of g as a graph.
func (n *Net) Record(g space.Genes) (*nn.Graph, error) {
	return nn.Record(func(b nn.Builder) { n.Build(g, b) })
}
