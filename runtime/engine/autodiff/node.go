package autodiff

import (
	"github.com/autotailor/autotailor/runtime/engine/lower"
	"github.com/autotailor/autotailor/runtime/nn"
)

// node is a node of the graph and its index.
type node = lower.Node

// IntegersOf implements lower.Engine.
func (p *plan) IntegersOf(v nn.Value) ([]int, error) {
	if c := p.Graph.Values[v].Const; c != nil && c.Type == nn.Int64 {
		return lower.Ints(c.Int64s()), nil
	}
	data, err := p.FloatsOf(v)
	to := make([]int, len(data))
	for i, x := range data {
		to[i] = int(x)
	}
	return to, err
}

// FloatsOf implements lower.Engine.
func (p *plan) FloatsOf(v nn.Value) ([]float32, error) {
	known, err := p.known(v)
	if err != nil {
		return nil, err
	}
	return p.values(known), nil
}

// values returns a known variable's elements now.
func (p *plan) values(v *variable) []float32 {
	for _, b := range p.bound {
		if b.v == v {
			b.read()
		}
	}
	return v.data
}
