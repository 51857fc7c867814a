package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

// sampling reads an operand at the places that another one has.
func sampling(p *Plan, n Node) error {
	if len(n.In) != 2 {
		return fmt.Errorf("it has %d operands; want an operand and places", len(n.In))
	}
	xs, gs := p.Shape(n.In[0]), p.Shape(n.In[1])
	of := func(b int) (*kernel.Sampler, error) { return kernel.SamplerOf(n.Node, At(xs, b), At(gs, b)) }
	if _, err := of(1); err != nil {
		return err
	}
	x, err := p.Plainly(n.In[0])
	if err != nil {
		return err
	}
	places, err := p.Plainly(n.In[1])
	if err != nil {
		return err
	}
	p.Engine.Emit(Step{In: []int{x, places}, Out: []int{p.ProducePlain(n.Out[0])}, Bind: func(b int) Run {
		s, _ := of(b)
		return func(t *kernel.Team, in, out [][]float32) { s.Sample(t, out[0], in[0], in[1]) }
	}, Back: func(b int) []Gradient {
		sampler, _ := of(b)
		return []Gradient{
			func(_ *kernel.Team, g []float32, s *State) { sampler.Image(g, s.Grad[0], s.In[1]) },
			func(t *kernel.Team, g []float32, s *State) { sampler.Grid(t, g, s.Grad[0], s.In[0], s.In[1]) },
		}
	}})
	return nil
}
