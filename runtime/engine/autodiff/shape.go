package autodiff

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// makeRename is any operator that leaves a row-major tensor's elements where they are.
func makeRename(p *plan, n node) error {
	xs, ys := p.shape(n.In[0]), p.shape(n.Out[0])
	from, err := p.first(n.In[0])
	if err != nil {
		return err
	}
	if slices.Equal(xs, ys) {
		p.alias(n.Out[0], from.v, from.order)
		return nil
	}
	if xs.Count() != ys.Count() {
		return fmt.Errorf("shape %v cannot become %v", xs, ys)
	}
	x, err := p.want(n.In[0], plain(len(xs)))
	if err != nil {
		return err
	}
	p.alias(n.Out[0], x, plain(len(ys)))
	return nil
}

// makeTranspose renames axes; elements move only where a consumer wants them in another order.
func makeTranspose(p *plan, n node) error {
	from, err := p.first(n.In[0])
	if err != nil {
		return err
	}
	rank := len(p.shape(n.In[0]))
	perm := plain(rank)
	slices.Reverse(perm)
	if a, ok := n.Attr("perm"); ok {
		perm = ints(a.Ints)
	}
	if len(perm) != rank {
		return fmt.Errorf("a permutation of %d axes for a tensor of %d", len(perm), rank)
	}
	p.alias(n.Out[0], from.v, moves(perm, from.order))
	return nil
}

// cut returns the view of n positions of an axis and where it starts.
func cut(s nn.Shape, axis, start, n int) (kernel.Strided, int) {
	v := kernel.Dense(s)
	v.Dims[axis] = n
	return v, start * v.Strides[axis]
}

// share is a part of a larger tensor: copiers there and back.
type share struct {
	v           *variable
	at          int
	into, outof *kernel.Copier // of the larger tensor
}

// shares cuts an axis of a tensor of shape s in parts.
func shares(s nn.Shape, axis int, parts []*variable, extents []int) []share {
	var list []share
	start := 0
	for i, v := range parts {
		view, at := cut(s, axis, start, extents[i])
		dense := kernel.Dense(view.Dims)
		list = append(list, share{v, at, kernel.NewCopier(view, dense), kernel.NewCopier(dense, view)})
		start += extents[i]
	}
	return list
}

func makeConcat(p *plan, n node) error {
	ys := p.shape(n.Out[0])
	axis, err := n.axis(0, len(ys))
	if err != nil {
		return err
	}
	order := plain(len(ys))
	for _, v := range n.In {
		if !p.graph.Values[v].Known() {
			from, err := p.first(v)
			if err != nil {
				return err
			}
			order = from.order
			break
		}
	}
	var in []*variable
	var extents []int
	for _, v := range n.In {
		x, err := p.want(v, order)
		if err != nil {
			return err
		}
		in, extents = append(in, x), append(extents, p.shape(v)[axis])
	}
	z := p.produce(n.Out[0], order, in...)
	list := shares(z.shape, slices.Index(order, axis), in, extents)
	p.emit(in, []*variable{z}, func(t *kernel.Team) {
		for _, s := range list {
			s.into.Run(t, z.data[s.at:], s.v.data)
		}
	}, func(t *kernel.Team) {
		for _, s := range list {
			p.receive(t, s.v, func(g []float32) { s.outof.Run(t, g, z.grad[s.at:]) })
		}
	})
	return nil
}

func makeSplit(p *plan, n node) error {
	from, err := p.first(n.In[0])
	if err != nil {
		return err
	}
	xs, x := p.shape(n.In[0]), from.v
	axis, err := n.axis(0, len(xs))
	if err != nil {
		return err
	}
	var out []*variable
	var extents []int
	for _, v := range n.Out {
		out, extents = append(out, p.produce(v, from.order, x)), append(extents, p.shape(v)[axis])
	}
	list := shares(arrange(xs, from.order), slices.Index(from.order, axis), out, extents)
	p.emit([]*variable{x}, out, func(t *kernel.Team) {
		for _, s := range list {
			s.outof.Run(t, s.v.data, x.data[s.at:])
		}
	}, func(t *kernel.Team) {
		p.receive(t, x, func(g []float32) {
			for _, s := range list {
				s.into.Run(t, g[s.at:], s.v.grad)
			}
		})
	})
	return nil
}

// picks emits a result made of elements of x, which is in memory with shape s: along each axis the positions of a list, all of
// them where it is nil, zero or fill where a position is negative.
func (p *plan) picks(x, z *variable, s nn.Shape, lists [][]int, fill float32) {
	outer := 1
	if len(s) > 0 && lists[0] == nil {
		outer = s[0] // images stay apart
		s, lists = s[1:], lists[1:]
	}
	p.picked(x, z, kernel.NewPicker(s, lists, outer, fill))
}

// picked emits a result made of elements of x.
func (p *plan) picked(x, z *variable, g *kernel.Picker) {
	p.emit([]*variable{x}, []*variable{z},
		func(t *kernel.Team) { g.Run(t, z.data, x.data) },
		func(t *kernel.Team) {
			p.receive(t, x, func(to []float32) { g.Back(t, to, z.grad) })
		})
}

func makeGather(p *plan, n node) error {
	xs, is := p.shape(n.In[0]), p.shape(n.In[1])
	axis, err := n.axis(0, len(xs))
	if err != nil {
		return err
	}
	if !p.graph.Values[n.In[1]].Known() {
		return p.gatherLive(n, axis)
	}
	index, err := p.integers(n, "indices", 1)
	if err != nil {
		return err
	}
	for k, i := range index {
		if index[k] = wrap(i, xs[axis]); index[k] < 0 || index[k] >= xs[axis] {
			return fmt.Errorf("index %d of an axis of %d", i, xs[axis])
		}
	}
	x, err := p.want(n.In[0], plain(len(xs)))
	if err != nil {
		return err
	}
	lists := make([][]int, len(xs))
	lists[axis] = index
	p.picks(x, p.produce(n.Out[0], plain(len(xs)-1+len(is)), x), xs, lists, 0)
	return nil
}

func makeSlice(p *plan, n node) error {
	from, err := p.first(n.In[0])
	if err != nil {
		return err
	}
	xs := p.shape(n.In[0])
	var given [4][]int
	for i, name := range []string{"starts", "ends", "axes", "steps"} {
		if given[i], err = p.integers(n, name, i+1); err != nil {
			return err
		}
	}
	starts, ends, axes, steps := given[0], given[1], given[2], given[3]
	if len(starts) == 0 || len(starts) != len(ends) || axes != nil && len(axes) != len(starts) || steps != nil && len(steps) != len(starts) {
		return fmt.Errorf("starts %v, ends %v, axes %v and steps %v do not match", starts, ends, axes, steps)
	}
	lists := make([][]int, len(xs))
	for i := range starts {
		axis, step := i, 1
		if axes != nil {
			axis = wrap(axes[i], len(xs))
		}
		if steps != nil {
			step = steps[i]
		}
		if axis < 0 || axis >= len(xs) || step < 1 {
			return fmt.Errorf("axis %d of shape %v with step %d", axis, xs, step)
		}
		size, list := xs[axis], []int{}
		for k := min(max(wrap(starts[i], size), 0), size); k < min(wrap(ends[i], size), size); k += step {
			list = append(list, k)
		}
		lists[axis] = list
	}
	p.picks(from.v, p.produce(n.Out[0], from.order, from.v), arrange(xs, from.order), ordered(lists, from.order), 0)
	return nil
}

// ordered brings lists of axes into memory order.
func ordered(lists [][]int, order []int) [][]int {
	to := make([][]int, len(order))
	for at, axis := range order {
		to[at] = lists[axis]
	}
	return to
}

func makeExpand(p *plan, n node) error {
	ys := p.shape(n.Out[0])
	x, err := p.spread(n.In[0], ys)
	if err != nil {
		return err
	}
	p.alias(n.Out[0], x, plain(len(ys)))
	return nil
}

// spread returns v in plain order, repeated to a shape.
func (p *plan) spread(v nn.Value, to nn.Shape) (*variable, error) {
	xs := p.shape(v)
	x, err := p.want(v, plain(len(xs)))
	if err != nil || slices.Equal(xs, to) {
		return x, err
	}
	full := slices.Concat(make(nn.Shape, len(to)-len(xs)), xs)
	lists := make([][]int, len(to))
	for i := range full {
		if full[i] = max(full[i], 1); full[i] != to[i] {
			lists[i] = make([]int, to[i])
		}
	}
	z := p.variable(to, x.wants)
	p.picks(x, z, full, lists, 0)
	return z, nil
}

func makePad(p *plan, n node) error {
	pads, err := p.integers(n, "pads", 1)
	if err != nil {
		return err
	}
	fill := n.Float("value", 0)
	if n.has(2) {
		v, err := p.want(n.In[2], plain(len(p.shape(n.In[2]))))
		if err != nil {
			return err
		}
		fill = p.values(v)[0]
	}
	from, err := p.first(n.In[0])
	if err != nil {
		return err
	}
	xs := p.shape(n.In[0])
	rank := len(xs)
	if len(pads) != 2*rank || slices.Min(append(slices.Clone(pads), 0)) < 0 || n.has(3) {
		return fmt.Errorf("pads %v of a tensor of rank %d: all axes, not negative", pads, rank)
	}
	if mode := n.Text("mode", ""); mode != "" && mode != "constant" {
		source, err := kernel.Mirror(xs, pads, mode)
		if err != nil {
			return err
		}
		return p.moved(n, pads[0]+pads[rank] == 0, source)
	}
	lists := make([][]int, rank)
	for a := range lists {
		if pads[a]+pads[rank+a] == 0 {
			continue
		}
		for k := -pads[a]; k < xs[a]+pads[rank+a]; k++ {
			at := k
			if k >= xs[a] {
				at = -1
			}
			lists[a] = append(lists[a], at)
		}
	}
	p.picks(from.v, p.produce(n.Out[0], from.order, from.v), arrange(xs, from.order), ordered(lists, from.order), fill)
	return nil
}
