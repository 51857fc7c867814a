package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/nn"
)

// IntegersOf implements Engine.
func (p *plan) IntegersOf(v nn.Value) ([]int, error) {
	if c := p.Graph.Values[v].Const; c != nil && c.Type == nn.Int64 {
		return Ints(c.Int64s()), nil
	}
	data, err := p.FloatsOf(v)
	to := make([]int, len(data))
	for i, x := range data {
		to[i] = int(x)
	}
	return to, err
}

// FloatsOf implements Engine.
func (p *plan) FloatsOf(v nn.Value) ([]float32, error) {
	if !p.Known(v) {
		return nil, fmt.Errorf("operand %q must be a constant", p.Graph.Values[v].Name)
	}
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
