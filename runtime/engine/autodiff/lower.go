package autodiff

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// number makes v a tensor of the Plan.
func (p *plan) number(v *variable) int {
	p.tensors = append(p.tensors, v)
	return len(p.tensors) - 1
}

// Constant implements Engine.
func (p *plan) Constant(v nn.Value) (int, error) {
	c, err := p.known(v)
	if err != nil {
		return 0, err
	}
	return p.number(c), nil
}

// Memory implements Engine. Emit finds out whether gradients with respect to the tensor are wanted.
func (p *plan) Memory(s nn.Shape, _ nn.Value) int { return p.number(p.variable(s, false)) }

// Mix implements Engine. A plan has one batch size, so it does not matter which images depend on each other.
func (p *plan) Mix() {}

// Emit implements Engine.
func (p *plan) Emit(s Step) {
	in, out := p.variables(s.In), p.variables(s.Out)
	run, back := s.Bound(p.batch, slices.ContainsFunc(in, func(x *variable) bool { return x.wants }))
	state := &State{In: make([][]float32, len(in)), Out: make([][]float32, len(out)), Grad: make([][]float32, len(out))}
	for i, g := range back {
		for _, z := range out {
			z.wants = z.wants || g != nil && in[i].wants
		}
	}
	p.emit(in, out, func(t *kernel.Team) {
		read(state, in, out)
		run(t, state.In, state.Out)
	}, func(t *kernel.Team) {
		read(state, in, out)
		for i, gradient := range back {
			if gradient != nil {
				p.receive(t, in[i], func(g []float32) { gradient(t, g, state) })
			}
		}
	})
	if s.InPlace {
		p.steps[len(p.steps)-1].inPlace = 1
	}
}

// read takes what variables hold now: fused steps move data and gradients from one to another.
func read(s *State, in, out []*variable) {
	for i, x := range in {
		s.In[i] = x.data
	}
	for i, z := range out {
		s.Out[i], s.Grad[i] = z.data, z.grad
	}
}

func (p *plan) variables(numbers []int) []*variable {
	list := make([]*variable, len(numbers))
	for i, n := range numbers {
		list[i] = p.tensors[n]
	}
	return list
}

// want returns v in the given order.
func (p *plan) want(v nn.Value, order []int) (*variable, error) {
	n, err := p.Want(v, order)
	if err != nil {
		return nil, err
	}
	return p.tensors[n], nil
}

// variable makes a tensor in memory.
func (p *plan) variable(s nn.Shape, wants bool) *variable {
	n := s.Count()
	return &variable{shape: s, data: p.memory.floats(n)[:n], wants: wants}
}

// produce makes the variable of a value that a step will write in the given order; from are the operands.
func (p *plan) produce(v nn.Value, order []int, from ...*variable) *variable {
	to := p.virtual(v, order, from...)
	n := to.shape.Count()
	to.data = p.memory.floats(n)[:n]
	return to
}

// virtual is produce without memory.
func (p *plan) virtual(v nn.Value, order []int, from ...*variable) *variable {
	to := &variable{shape: Arrange(p.Shape(v), order), wants: slices.ContainsFunc(from, func(x *variable) bool { return x.wants })}
	p.Alias(v, p.number(to), order)
	return to
}
