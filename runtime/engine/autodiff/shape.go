package autodiff

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// rename is any operator that leaves a row-major tensor's elements where they are.
func rename(p *Plan, n Node) error {
	xs, ys := p.Shape(n.In[0]), p.Shape(n.Out[0])
	from, err := p.First(n.In[0])
	if err != nil {
		return err
	}
	if slices.Equal(xs, ys) {
		p.Alias(n.Out[0], from.Tensor, from.Order)
		return nil
	}
	const someBatch = 10007
	if xs.Bind(someBatch).Count() != ys.Bind(someBatch).Count() {
		return fmt.Errorf("shape %v cannot become %v", xs, ys)
	}
	x, err := p.Plainly(n.In[0])
	if err != nil {
		return err
	}
	p.Alias(n.Out[0], x, Plain(len(ys)))
	return nil
}

// transpose renames axes; elements move only where a consumer wants them in another order.
func transpose(p *Plan, n Node) error {
	from, err := p.First(n.In[0])
	if err != nil {
		return err
	}
	rank := len(p.Shape(n.In[0]))
	perm := Plain(rank)
	slices.Reverse(perm)
	if a, ok := n.Attr("perm"); ok {
		perm = Ints(a.Ints)
	}
	if len(perm) != rank {
		return fmt.Errorf("a permutation of %d axes for a tensor of %d", len(perm), rank)
	}
	if rank > 0 {
		p.mix(perm[0] != 0)
	}
	p.Alias(n.Out[0], from.Tensor, moves(perm, from.Order))
	return nil
}

// mix says that images depend on each other, where they do.
func (p *Plan) mix(do bool) {
	if do {
		p.Engine.Mix()
	}
}

// Range is a part of one axis: n elements from start, every step-th. Along the open batch axis Start and N are in images, negative.
type Range struct{ Axis, Start, Step, N int }

// cut returns the view of parts of a dense tensor of shape s at a batch of b, and where it starts.
func cut(s nn.Shape, b int, parts ...Range) (kernel.Strided, int) {
	v, start := kernel.Dense(At(s, b)), 0
	for _, p := range parts {
		if p.N < 0 {
			p.Start, p.N = -p.Start*b, -p.N*b
		}
		start += p.Start * v.Strides[p.Axis]
		v.Dims[p.Axis] = p.N
		v.Strides[p.Axis] *= p.Step
	}
	return v, start
}

// piece is a part of a larger tensor.
type piece struct {
	at   int
	view kernel.Strided
}

// pieces cuts an axis of a tensor of shape s in parts of the given extents.
func pieces(s nn.Shape, b, axis int, extents []int) []piece {
	list, start := make([]piece, len(extents)), 0
	for i, n := range extents {
		list[i].view, list[i].at = cut(s, b, Range{axis, start, 1, n})
		start += n
	}
	return list
}

// out copies a piece from the larger tensor to a dense one, in the other way.
func (c piece) out() *kernel.Copier { return kernel.NewCopier(kernel.Dense(c.view.Dims), c.view) }
func (c piece) in() *kernel.Copier  { return kernel.NewCopier(c.view, kernel.Dense(c.view.Dims)) }

func concat(p *Plan, n Node) error {
	ys := p.Shape(n.Out[0])
	axis, err := n.Axis(0, len(ys))
	if err != nil {
		return err
	}
	order := Plain(len(ys))
	for _, v := range n.In {
		if !p.Known(v) {
			from, err := p.First(v)
			if err != nil {
				return err
			}
			order = from.Order
			break
		}
	}
	p.mix(axis == 0)
	in, extents := make([]int, len(n.In)), make([]int, len(n.In))
	for i, v := range n.In {
		if in[i], err = p.Want(v, order); err != nil {
			return err
		}
		extents[i] = p.Shape(v)[axis]
	}
	out, at, memory := p.Produce(n.Out[0], order), slices.Index(order, axis), Arrange(ys, order)
	p.Engine.Emit(Step{In: in, Out: []int{out}, Bind: func(b int) Run {
		list := pieces(memory, b, at, extents)
		copiers := make([]*kernel.Copier, len(list))
		for i, c := range list {
			copiers[i] = c.in()
		}
		return func(t *kernel.Team, in, out [][]float32) {
			for i, c := range copiers {
				c.Run(t, out[0][list[i].at:], in[i])
			}
		}
	}, Back: func(b int) []Gradient {
		var back []Gradient
		for _, c := range pieces(memory, b, at, extents) {
			copier := c.out()
			back = append(back, func(t *kernel.Team, g []float32, s *State) { copier.Run(t, g, s.Grad[0][c.at:]) })
		}
		return back
	}})
	return nil
}

func split(p *Plan, n Node) error {
	from, err := p.First(n.In[0])
	if err != nil {
		return err
	}
	xs := p.Shape(n.In[0])
	axis, err := n.Axis(0, len(xs))
	if err != nil {
		return err
	}
	p.mix(axis == 0)
	memory, at := Arrange(xs, from.Order), slices.Index(from.Order, axis)
	var out, extents, used []int
	for i, v := range n.Out {
		extents = append(extents, p.Shape(v)[axis])
		if v != nn.None && p.Users[v] > 0 {
			out, used = append(out, p.Produce(v, from.Order)), append(used, i)
		}
	}
	p.Engine.Emit(Step{In: []int{from.Tensor}, Out: out, Bind: func(b int) Run {
		list := pieces(memory, b, at, extents)
		copiers := make([]*kernel.Copier, len(used))
		for k, i := range used {
			copiers[k] = list[i].out()
		}
		return func(t *kernel.Team, in, out [][]float32) {
			for k, c := range copiers {
				c.Run(t, out[k], in[0][list[used[k]].at:])
			}
		}
	}, Back: func(b int) []Gradient {
		list := pieces(memory, b, at, extents)
		copiers := make([]*kernel.Copier, len(used))
		for k, i := range used {
			copiers[k] = list[i].in()
		}
		return []Gradient{func(t *kernel.Team, g []float32, s *State) {
			if len(used) < len(extents) {
				clear(g)
			}
			for k, c := range copiers {
				c.Run(t, g[list[used[k]].at:], s.Grad[k])
			}
		}}
	}})
	return nil
}

func expand(p *Plan, n Node) error {
	xs, ys := p.Shape(n.In[0]), p.Shape(n.Out[0])
	x, err := p.Plainly(n.In[0])
	switch {
	case err != nil:
		return err
	case slices.Equal(xs, ys):
		p.Alias(n.Out[0], x, Plain(len(ys)))
	default:
		p.repeat(x, p.ProducePlain(n.Out[0]), xs, ys)
	}
	return nil
}

// spread returns v in plain order, repeated to a shape.
func (p *Plan) spread(v nn.Value, to nn.Shape) (int, error) {
	xs := p.Shape(v)
	x, err := p.Plainly(v)
	if err != nil || slices.Equal(xs, to) {
		return x, err
	}
	z := p.Scratch(to)
	p.repeat(x, z, xs, to)
	return z, nil
}

// repeat fills tensor z, of shape to, with repetitions of tensor x, of shape xs.
func (p *Plan) repeat(x, z int, xs, to nn.Shape) {
	p.Engine.Emit(Step{In: []int{x}, Out: []int{z}, Bind: func(b int) Run {
		return copyTo(kernel.NewCopier(kernel.Dense(At(to, b)), kernel.Repeat(At(xs, b), At(to, b))))
	}, Back: func(b int) []Gradient {
		from, to := At(xs, b), At(to, b)
		full, lists := slices.Concat(make(nn.Shape, len(to)-len(from)), from), make([][]int, len(to))
		for i := range full {
			if i < len(to)-len(from) {
				full[i] = 1
			}
			if full[i] != to[i] {
				lists[i] = make([]int, to[i]) // position 0, again and again
			}
		}
		return pickedFrom(full, lists)
	}})
}

// pickedFrom is the gradient with respect to a tensor of a shape of which a result has, along each axis, the positions of a list, all of them
// where it is nil.
func pickedFrom(s nn.Shape, lists [][]int) []Gradient {
	outer := 1
	if len(s) > 0 && lists[0] == nil {
		outer, s, lists = s[0], s[1:], lists[1:] // images stay apart
	}
	picker := kernel.NewPicker(s, lists, outer, 0)
	return []Gradient{func(t *kernel.Team, g []float32, s *State) { picker.Back(t, g, s.Grad[0]) }}
}

func pad(p *Plan, n Node) error {
	pads, err := p.Integers(n, "pads", 1)
	if err != nil {
		return err
	}
	value, err := p.Optional(n, 2)
	if err != nil {
		return err
	}
	fill := n.Float("value", 0)
	if len(value) == 1 {
		fill = value[0]
	}
	from, err := p.First(n.In[0])
	if err != nil {
		return err
	}
	xs, rank := p.Shape(n.In[0]), len(p.Shape(n.In[0]))
	if len(pads) != 2*rank || n.Has(3) {
		return fmt.Errorf("pads %v of a tensor of rank %d: all axes", pads, rank)
	}
	if rank > 0 && slices.Min(pads) < 0 {
		return p.crop(n, pads, fill)
	}
	if rank > 0 && pads[0]+pads[rank] != 0 {
		if xs[0] < 0 {
			return fmt.Errorf("pads %v of the open batch axis", pads)
		}
		p.Engine.Mix()
	}
	if mode := n.Text("mode", ""); mode != "" && mode != "constant" {
		return p.mirror(n, pads, mode)
	}
	memory, to := Arrange(xs, from.Order), Arrange(p.Shape(n.Out[0]), from.Order)
	inner := func(b int) piece { // where the operand is in the result
		src, dst, start := kernel.Dense(At(memory, b)), kernel.Dense(At(to, b)), 0
		for at, axis := range from.Order {
			start += pads[axis] * dst.Strides[at]
		}
		return piece{start, kernel.Strided{Dims: src.Dims, Strides: dst.Strides}}
	}
	p.Engine.Emit(Step{In: []int{from.Tensor}, Out: []int{p.Produce(n.Out[0], from.Order)}, Bind: func(b int) Run {
		c := inner(b)
		copier := c.in()
		return func(t *kernel.Team, in, out [][]float32) {
			for i := range out[0] {
				out[0][i] = fill
			}
			copier.Run(t, out[0][min(c.at, len(out[0])):], in[0])
		}
	}, Back: func(b int) []Gradient {
		c := inner(b)
		copier := c.out()
		return []Gradient{func(t *kernel.Team, g []float32, s *State) { copier.Run(t, g, s.Grad[0][min(c.at, len(s.Grad[0])):]) }}
	}})
	return nil
}

// crop is a Pad that takes positions away at some ends, as the shift in time of RWKV does, and may add zeros at others.
func (p *Plan) crop(n Node, pads []int, fill float32) error {
	rank := len(pads) / 2
	if mode := n.Text("mode", ""); fill != 0 || mode != "" && mode != "constant" {
		return fmt.Errorf("pads %v: negative ones are possible with zeros beside them", pads)
	}
	return p.moved(n, pads[0] == 0 && pads[rank] == 0, func(x, _ nn.Shape) kernel.Source {
		return func(at, from []int) bool {
			for k, i := range at {
				if from[k] = i - pads[k]; from[k] < 0 || from[k] >= x[k] {
					return false
				}
			}
			return true
		}
	})
}

// mirror is a Pad that repeats elements.
func (p *Plan) mirror(n Node, pads []int, mode string) error {
	if _, err := kernel.Mirror(nil, pads, mode); err != nil {
		return err
	}
	return p.moved(n, pads[0]+pads[len(pads)/2] == 0, func(x, _ nn.Shape) kernel.Source {
		from, _ := kernel.Mirror(x, pads, mode)
		return from
	})
}
