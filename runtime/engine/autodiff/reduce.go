package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// reduce is a sum over axes, a mean, or a maximum, in the order in which the operand is in memory.
func reduce(p *Plan, n Node) error {
	from, err := p.First(n.In[0])
	if err != nil {
		return err
	}
	xs := p.Shape(n.In[0])
	gone, err := p.Reduced(n)
	if err != nil {
		return err
	}
	order := from.Order
	if n.Integer("keepdims", 1) == 0 {
		order = without(from.Order, gone)
	}
	p.mix(len(gone) > 0 && gone[0])
	r := reduction{isa: p.ISA, op: n.Type, memory: Arrange(xs, from.Order), where: make([]bool, len(xs))}
	for at, axis := range from.Order {
		r.where[at] = gone[axis]
	}
	p.Engine.Emit(Step{In: []int{from.Tensor}, Out: []int{p.Produce(n.Out[0], order)}, Bind: r.forward, Back: r.backward})
	return nil
}

// reduction is one of a tensor in memory over the positions where.
type reduction struct {
	isa    *kernel.ISA
	op     string
	memory nn.Shape
	where  []bool
}

// row is how many elements make one, and what their sum is multiplied by.
func (r *reduction) row(s nn.Shape) (elements int, scale float32) {
	elements = 1
	for at, gone := range r.where {
		if gone {
			elements *= s[at]
		}
	}
	if r.op == "ReduceMean" {
		return elements, 1 / float32(elements)
	}
	return elements, 1
}

func (r *reduction) forward(b int) Run {
	s := At(r.memory, b)
	_, scale := r.row(s)
	reducer := r.isa.NewReducer(s, r.where, scale, r.op == "ReduceMax")
	return func(t *kernel.Team, in, out [][]float32) { reducer.Run(t, in[0], out[0]) }
}

func (r *reduction) backward(b int) []Gradient {
	s := At(r.memory, b)
	elements, scale := r.row(s)
	if r.op == "ReduceMax" {
		return r.backToLargest(s, elements)
	}
	back := kernel.NewCopier(kernel.Dense(s), kernel.Spread(s, r.where))
	return []Gradient{func(t *kernel.Team, g []float32, s *State) {
		back.Run(t, g, s.Grad[0])
		kernel.ScaleBy(t, g, scale)
	}}
}

// backToLargest brings the operand in rows and uses the fold's slope.
func (r *reduction) backToLargest(s nn.Shape, elements int) []Gradient {
	f, _ := kernel.FoldOf(r.op, false)
	slope := foldBack(f, elements)
	view := kernel.Dense(s).Permute(kernel.Rows(r.where))
	there, home := piece{0, view}.out(), piece{0, view}.in()
	rows, grads := make([]float32, s.Count()), make([]float32, s.Count())
	return []Gradient{func(t *kernel.Team, g []float32, s *State) {
		there.Run(t, rows, s.In[0])
		slope(t, grads, &State{In: [][]float32{rows}, Out: s.Out, Grad: s.Grad})
		home.Run(t, g, grads)
	}}
}

// Reduced tells which axes a reduction removes.
func (p *Plan) Reduced(n Node) ([]bool, error) {
	axes, err := p.Integers(n, "axes", 1)
	if err != nil {
		return nil, err
	}
	gone := make([]bool, len(p.Shape(n.In[0])))
	if len(axes) == 0 {
		for i := range gone {
			gone[i] = n.Integer("noop_with_empty_axes", 0) == 0
		}
	}
	for _, a := range axes {
		if a, err = within(a, len(gone)); err != nil {
			return nil, err
		}
		gone[a] = true
	}
	return gone, nil
}

// pool has average pools, and those of the largest element.
func pool(average bool) Operator {
	return func(p *Plan, n Node) error {
		xs := p.Shape(n.In[0])
		g, err := kernel.WindowOf(n.Node, xs, n.List("kernel_shape", max(len(xs)-2, 0), 0))
		if err != nil {
			return err
		}
		if len(n.Out) > 1 && n.Out[1] != nn.None {
			return fmt.Errorf("the indices of a pooling are not supported")
		}
		order := ChannelsLast(len(xs))
		x, err := p.Want(n.In[0], order)
		if err != nil {
			return err
		}
		f := p.ISA.NewPool(g, xs[1], average, n.Integer("count_include_pad", 0) != 0)
		p.Engine.Emit(Step{In: []int{x}, Out: []int{p.Produce(n.Out[0], order)}, Bind: func(b int) Run {
			images := At(xs, b)[0]
			return func(t *kernel.Team, in, out [][]float32) { f.Run(t, in[0], out[0], images) }
		}, Back: func(b int) []Gradient {
			images := At(xs, b)[0]
			return []Gradient{func(t *kernel.Team, g []float32, s *State) { f.Back(t, g, s.Grad[0], s.In[0], s.Out[0], images) }}
		}})
		return nil
	}
}

func globalPool(average bool) Operator {
	return func(p *Plan, n Node) error {
		xs := p.Shape(n.In[0])
		if xs[1] < 0 || xs[2:].Count() < 0 {
			return fmt.Errorf("the open batch is in %v, where the embedded engine has channels and space", xs)
		}
		order := ChannelsLast(len(xs))
		x, err := p.Want(n.In[0], order)
		if err != nil {
			return err
		}
		isa, pixels := p.ISA, xs[2:].Count()
		p.Engine.Emit(Step{In: []int{x}, Out: []int{p.Produce(n.Out[0], order)}, Bind: func(b int) Run {
			images := At(xs, b)[0]
			return func(t *kernel.Team, in, out [][]float32) {
				isa.GlobalPool(t, in[0], out[0], images, pixels, xs[1], average)
			}
		}, Back: func(b int) []Gradient {
			images := At(xs, b)[0]
			return []Gradient{func(t *kernel.Team, g []float32, s *State) {
				kernel.GlobalPoolBack(t, g, s.Grad[0], s.In[0], s.Out[0], images, pixels, xs[1], average)
			}}
		}})
		return nil
	}
}
