package autodiff

import (
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

func slice(p *Plan, n Node) error {
	from, err := p.First(n.In[0])
	if err != nil {
		return err
	}
	xs := p.Shape(n.In[0])
	parts, err := p.Ranges(n, xs)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(parts, func(c Range) bool { return c.Step < 0 }) {
		return p.backwards(n, parts)
	}
	memory := Arrange(xs, from.Order)
	for i, c := range parts {
		p.mix(c.Axis == 0)
		parts[i].Axis = slices.Index(from.Order, c.Axis)
	}
	p.Engine.Emit(Step{In: []int{from.Tensor}, Out: []int{p.Produce(n.Out[0], from.Order)}, Bind: func(b int) Run {
		view, at := cut(memory, b, parts...)
		copier := piece{at, view}.out()
		return func(t *kernel.Team, in, out [][]float32) { copier.Run(t, out[0], in[0][min(at, len(in[0])):]) }
	}, Back: func(b int) []Gradient {
		lists := make([][]int, len(memory))
		for _, c := range parts {
			lists[c.Axis] = []int{}
			for k := range c.N {
				lists[c.Axis] = append(lists[c.Axis], c.Start+k*c.Step)
			}
		}
		return pickedFrom(At(memory, b), lists)
	}})
	return nil
}

// backwards is a Slice that goes backwards along some axes.
func (p *Plan) backwards(n Node, parts []Range) error {
	whole := !slices.ContainsFunc(parts, func(c Range) bool { return c.Axis == 0 })
	return p.moved(n, whole, func(_, _ nn.Shape) kernel.Source {
		return func(at, from []int) bool {
			copy(from, at)
			for _, c := range parts {
				from[c.Axis] = c.Start + at[c.Axis]*c.Step
			}
			return true
		}
	})
}

// Ranges reads the ranges of a Slice.
func (p *Plan) Ranges(n Node, x nn.Shape) ([]Range, error) {
	var lists [4][]int
	for i, name := range []string{"starts", "ends", "axes", "steps"} {
		var err error
		if lists[i], err = p.Integers(n, name, i+1); err != nil {
			return nil, err
		}
	}
	starts, ends, axes, steps := lists[0], lists[1], lists[2], lists[3]
	if len(starts) == 0 || len(starts) != len(ends) || axes != nil && len(axes) != len(starts) || steps != nil && len(steps) != len(starts) {
		return nil, fmt.Errorf("starts %v, ends %v, axes %v and steps %v do not match", starts, ends, axes, steps)
	}
	var parts []Range
	for i := range starts {
		c := Range{Axis: i, Step: 1}
		if axes != nil {
			c.Axis = Wrap(axes[i], len(x))
		}
		if steps != nil {
			c.Step = steps[i]
		}
		if c.Axis < 0 || c.Axis >= len(x) || x[c.Axis] < 0 || c.Step == 0 || slices.ContainsFunc(parts, func(o Range) bool { return o.Axis == c.Axis }) {
			return nil, fmt.Errorf("axis %d of shape %v with step %d", c.Axis, x, c.Step)
		}
		c.between(starts[i], ends[i], x[c.Axis])
		parts = append(parts, c)
	}
	return parts, nil
}

// between counts the positions of a range of an axis. Backwards the range ends before its end, too: that may be before the first position.
func (c *Range) between(start, end, size int) {
	start, end = Wrap(start, size), Wrap(end, size)
	if c.Step > 0 {
		c.Start = min(max(start, 0), size)
		c.N = max(0, (min(max(end, 0), size)-c.Start+c.Step-1)/c.Step)
		return
	}
	c.Start = min(max(start, -1), size-1)
	c.N = max(0, (min(max(end, -1), size-1)-c.Start+c.Step+1)/c.Step)
}

func gather(p *Plan, n Node) error {
	xs, is := p.Shape(n.In[0]), p.Shape(n.In[1])
	axis, err := n.Axis(0, len(xs))
	if err != nil {
		return err
	}
	if !p.Known(n.In[1]) {
		return p.gatherLive(n, axis)
	}
	index, err := p.Integers(n, "indices", 1)
	if err != nil {
		return err
	}
	if index, err = positions(index, xs[axis]); err != nil {
		return err
	}
	p.mix(axis == 0 && !p.Known(n.In[0]))
	from, err := p.First(n.In[0])
	if err != nil {
		return err
	}
	order := from.Order
	switch {
	case len(is) > 1:
		if from.Tensor, err = p.Plainly(n.In[0]); err != nil {
			return err
		}
		from.Order, order = Plain(len(xs)), Plain(len(xs)-1+len(is))
	case len(is) == 0:
		gone := make([]bool, len(xs))
		gone[axis] = true
		order = without(from.Order, gone)
	}
	memory, at := Arrange(xs, from.Order), slices.Index(from.Order, axis)
	p.Engine.Emit(Step{In: []int{from.Tensor}, Out: []int{p.Produce(n.Out[0], order)}, Once: true, Bind: func(b int) Run {
		return runs(memory, b, at, index)
	}, Back: func(b int) []Gradient {
		lists := make([][]int, len(xs))
		lists[at] = index
		return pickedFrom(At(memory, b), lists)
	}})
	return nil
}

// runs copies positions of an axis. Those that follow each other are one copy.
func runs(memory nn.Shape, b, axis int, index []int) Run {
	y := slices.Clone(memory)
	y[axis] = len(index)
	type move struct {
		from, to int
		copier   *kernel.Copier
	}
	var list []move
	for i := 0; i < len(index); {
		run := 1
		for i+run < len(index) && index[i+run] == index[i]+run {
			run++
		}
		src, from := cut(memory, b, Range{axis, index[i], 1, run})
		dst, to := cut(y, b, Range{axis, i, 1, run})
		list = append(list, move{from, to, kernel.NewCopier(dst, src)})
		i += run
	}
	return func(t *kernel.Team, in, out [][]float32) {
		for _, m := range list {
			m.copier.Run(t, out[0][m.to:], in[0][m.from:])
		}
	}
}

// positions counts indices of an axis of n positions from its start.
func positions(index []int, n int) ([]int, error) {
	if n < 0 {
		return nil, fmt.Errorf("positions of the open batch axis cannot be gathered")
	}
	out := make([]int, len(index))
	for k, i := range index {
		if out[k] = Wrap(i, n); out[k] < 0 || out[k] >= n {
			return nil, fmt.Errorf("index %d of an axis of %d", i, n)
		}
	}
	return out, nil
}

// gatherLive picks by indices that are computed or inputs: embeddings of tokens. An index outside of the axis gives NaN.
func (p *Plan) gatherLive(n Node, axis int) error {
	xs := p.Shape(n.In[0])
	x, err := p.Plainly(n.In[0])
	if err != nil {
		return err
	}
	index, err := p.Plainly(n.In[1])
	if err != nil {
		return err
	}
	p.mix(axis > 0 || !p.Known(n.In[0]))
	each := func(b int) func(index []float32, do func(from, to, inner int)) { // from is negative outside of the axis
		s := At(xs, b)
		outer, length, inner := s[:axis].Count(), s[axis], s[axis+1:].Count()
		return func(index []float32, do func(from, to, inner int)) {
			for o := range outer {
				for i, v := range index {
					from, at := -1, Wrap(int(v), length)
					if at >= 0 && at < length {
						from = (o*length + at) * inner
					}
					do(from, (o*len(index)+i)*inner, inner)
				}
			}
		}
	}
	p.Engine.Emit(Step{In: []int{x, index}, Out: []int{p.ProducePlain(n.Out[0])}, Bind: func(b int) Run {
		each := each(b)
		return func(_ *kernel.Team, in, out [][]float32) {
			each(in[1], func(from, to, inner int) {
				for i := range inner {
					if out[0][to+i] = nan; from >= 0 {
						out[0][to+i] = in[0][from+i]
					}
				}
			})
		}
	}, Back: func(b int) []Gradient {
		each := each(b)
		return []Gradient{func(_ *kernel.Team, g []float32, s *State) {
			clear(g)
			each(s.In[1], func(from, to, inner int) {
				for i := range inner {
					if from >= 0 {
						g[from+i] += s.Grad[0][to+i]
					}
				}
			})
		}, nil}
	}})
	return nil
}

var nan = float32(math.NaN())
