package supernet

import (
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// Record returns the SubNet of g as a graph.
func (n *Net) Record(g space.Genes) (*nn.Graph, error) {
	graph, err := nn.Record(func(b nn.Builder) { n.Build(g, b) })
	if err == nil {
		graph.Opset = n.Source.Opset
	}
	return graph, err
}

// Alone returns operator id as a network of its own.
func (n *Net) Alone(id ID) (*nn.Graph, error) {
	graph, err := n.Ops[id].Graph()
	if err == nil {
		graph.Opset = n.Source.Opset
	}
	return graph, err
}
