package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

// layerNorm normalises rows of elements that are neighbours, and scales and shifts each element of a row by a parameter of its own.
func layerNorm(p *Plan, n Node) error {
	xs := p.Shape(n.In[0])
	axis, err := n.Axis(-1, len(xs))
	if err != nil {
		return err
	}
	if len(n.Out) > 1 {
		return fmt.Errorf("mean and deviation as further outputs are not supported")
	}
	p.mix(axis == 0)
	in := make([]int, 0, len(n.In))
	for i, v := range n.In {
		if i > 0 && !n.Has(i) {
			continue
		}
		if s := p.Shape(v); i > 0 && s.Count() != xs[axis:].Count() {
			return fmt.Errorf("a parameter of shape %v for rows of %v", s, xs[axis:])
		}
		x, err := p.Plainly(v)
		if err != nil {
			return err
		}
		in = append(in, x)
	}
	isa, epsilon := p.ISA, n.Float("epsilon", 1e-5)
	p.Engine.Emit(Step{In: in, Out: []int{p.ProducePlain(n.Out[0])}, Both: func(b int) (Run, []Gradient) {
		s := At(xs, b)
		run, back := normalised(isa.NewLayerNorm(s[axis:].Count(), s[:axis].Count(), epsilon))
		return run, back[:len(in)]
	}})
	return nil
}

// normalised runs a normalisation whose operands are rows, their scale, and perhaps a bias. Both parameters' gradients come from the same sums, which
// the first that is wanted makes.
func normalised(c *kernel.LayerNorms) (Run, []Gradient) {
	summed := false
	sums := func(t *kernel.Team, s *State) {
		if !summed {
			c.Sums(t, s.In[0], s.Grad[0])
		}
		summed = true
	}
	run := func(t *kernel.Team, in, out [][]float32) {
		summed = false
		var bias []float32
		if len(in) > 2 {
			bias = in[2]
		}
		c.Forward(t, out[0], in[0], in[1], bias)
	}
	return run, []Gradient{
		func(t *kernel.Team, g []float32, s *State) { c.Operand(t, g, s.In[0], s.Grad[0], s.In[1]) },
		func(t *kernel.Team, g []float32, s *State) {
			sums(t, s)
			c.Scale(g)
		},
		func(t *kernel.Team, g []float32, s *State) {
			sums(t, s)
			c.Bias(g)
		},
	}
}
