package embedded

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// lowerRename is any operator that leaves a row-major tensor's elements where they are.
func lowerRename(c *compiler, n node) error {
	x, y := c.shape(n.In[0]), c.shape(n.Out[0])
	if from, err := c.first(n.In[0]); err == nil && slices.Equal(x, y) {
		c.alias(n.Out[0], from.buffer, from.order)
		return nil
	}
	in, err := c.want(n.In[0], plain(len(x)))
	if err != nil {
		return err
	}
	if a, b := size(at(x, 7)), size(at(y, 7)); a != b {
		return fmt.Errorf("shape %v cannot become %v", x, y)
	}
	c.alias(n.Out[0], in, plain(len(y)))
	return nil
}

// lowerTranspose renames axes; elements move only where a consumer wants them in another order.
func lowerTranspose(c *compiler, n node) error {
	from, err := c.first(n.In[0])
	if err != nil {
		return err
	}
	rank := len(c.shape(n.In[0]))
	perm := make([]int, rank)
	for i := range perm {
		perm[i] = rank - 1 - i
	}
	perm = n.list2("perm", perm)
	if len(perm) != rank {
		return fmt.Errorf("a permutation of %d axes for a tensor of %d", len(perm), rank)
	}
	order := make([]int, rank)
	for p, axis := range from.order {
		order[p] = slices.Index(perm, axis)
	}
	c.whole = c.whole || perm[0] != 0
	c.alias(n.Out[0], from.buffer, order)
	return nil
}

// list2 returns an integer list, or otherwise when absent.
func (n node) list2(name string, otherwise []int) []int {
	if a, ok := n.Attr(name); ok {
		return ints(a.Ints)
	}
	return otherwise
}

// part is a range of one axis: n elements from start, every step-th. Along the open batch axis start and n are in images, negative.
type part struct{ axis, start, step, n int }

// at is p for a batch of b.
func (p part) at(b int) part {
	if p.n < 0 {
		p.start, p.n = -p.start*b, -p.n*b
	}
	return p
}

// copyPart emits a copy of part p of buffer in to part q of buffer out; shapes are in memory order.
func (c *compiler) copyPart(n node, in int, x nn.Shape, p part, out int, y nn.Shape, q part) {
	c.emit(n, []int{in}, []int{out}, func(b int) kernelFunc {
		src, from := cut(at(x, b), p.at(b))
		dst, to := cut(at(y, b), q.at(b))
		copier := kernel.NewCopier(dst, src)
		return func(t *kernel.Team, in, out [][]float32) { copier.Run(t, out[0][to:], in[0][from:]) }
	})
}

// cut returns the view of a part and where it starts.
func cut(s nn.Shape, p part) (kernel.Strided, int) {
	v := kernel.Dense(s)
	start := p.start * v.Strides[p.axis]
	v.Dims[p.axis] = p.n
	v.Strides[p.axis] *= p.step
	return v, start
}

func lowerConcat(c *compiler, n node) error {
	y := c.shape(n.Out[0])
	axis := n.axis(0, len(y))
	order := plain(len(y))
	for _, v := range n.In {
		if !c.isConstant(v) {
			from, err := c.first(v)
			if err != nil {
				return err
			}
			order = from.order
			break
		}
	}
	c.whole = c.whole || axis == 0
	memory, p := arrange(y, order), slices.Index(order, axis)
	bufs := make([]int, len(n.In))
	for i, v := range n.In {
		b, err := c.want(v, order)
		if err != nil {
			return err
		}
		bufs[i] = b
	}
	out, start := c.produce(n.Out[0], order), 0
	for i, v := range n.In {
		x := arrange(c.shape(v), order)
		c.copyPart(n, bufs[i], x, part{p, 0, 1, x[p]}, out, memory, part{p, start, 1, x[p]})
		start += x[p]
	}
	return nil
}

func lowerSplit(c *compiler, n node) error {
	from, err := c.first(n.In[0])
	if err != nil {
		return err
	}
	x := c.shape(n.In[0])
	axis := n.axis(0, len(x))
	c.whole = c.whole || axis == 0
	memory, p, start := arrange(x, from.order), slices.Index(from.order, axis), 0
	for _, v := range n.Out {
		y := arrange(c.shape(v), from.order)
		if c.users[v] > 0 {
			c.copyPart(n, from.buffer, memory, part{p, start, 1, y[p]}, c.produce(v, from.order), y, part{p, 0, 1, y[p]})
		}
		start += y[p]
	}
	return nil
}

func lowerSlice(c *compiler, n node) error {
	from, err := c.first(n.In[0])
	if err != nil {
		return err
	}
	x := c.shape(n.In[0])
	parts, err := c.slices(n, x)
	if err != nil {
		return err
	}
	in, memory := from.buffer, arrange(x, from.order)
	for i, p := range parts {
		c.whole = c.whole || p.axis == 0
		p.axis = slices.Index(from.order, p.axis)
		y := slices.Clone(memory)
		y[p.axis] = p.n
		out := 0
		if i == len(parts)-1 {
			out = c.produce(n.Out[0], from.order)
		} else {
			out = c.scratch(y)
		}
		c.copyPart(n, in, memory, p, out, y, part{p.axis, 0, 1, p.n})
		in, memory = out, y
	}
	return nil
}

// slices reads the ranges of a Slice.
func (c *compiler) slices(n node, x nn.Shape) ([]part, error) {
	var lists [4][]int
	for i, name := range []string{"starts", "ends", "axes", "steps"} {
		var err error
		if lists[i], err = c.integers(n, name, i+1); err != nil {
			return nil, err
		}
	}
	starts, ends, axes, steps := lists[0], lists[1], lists[2], lists[3]
	if len(starts) == 0 || len(starts) != len(ends) || axes != nil && len(axes) != len(starts) || steps != nil && len(steps) != len(starts) {
		return nil, fmt.Errorf("starts %v, ends %v, axes %v and steps %v do not match", starts, ends, axes, steps)
	}
	var parts []part
	for i := range starts {
		p := part{axis: i, step: 1}
		if axes != nil {
			p.axis = wrap(axes[i], len(x))
		}
		if steps != nil {
			p.step = steps[i]
		}
		if p.axis < 0 || p.axis >= len(x) || x[p.axis] < 0 || p.step < 1 {
			return nil, fmt.Errorf("axis %d of shape %v with step %d", p.axis, x, p.step)
		}
		size := x[p.axis]
		p.start = min(max(wrap(starts[i], size), 0), size)
		p.n = max(0, (min(max(wrap(ends[i], size), 0), size)-p.start+p.step-1)/p.step)
		parts = append(parts, p)
	}
	return parts, nil
}

func lowerGather(c *compiler, n node) error {
	from, err := c.first(n.In[0])
	if err != nil {
		return err
	}
	x, is := c.shape(n.In[0]), c.shape(n.In[1])
	axis := n.axis(0, len(x))
	if !c.isConstant(n.In[1]) {
		return c.gatherLive(n, axis)
	}
	index, err := c.integers(n, "indices", 1)
	if err != nil {
		return err
	}
	if index, err = within(index, x[axis]); err != nil {
		return err
	}
	if c.isConstant(n.In[0]) {
		return c.gatherConstant(n, axis, index)
	}
	c.whole = c.whole || axis == 0
	order := from.order
	switch {
	case len(is) > 1:
		if from.buffer, err = c.want(n.In[0], plain(len(x))); err != nil {
			return err
		}
		from.order, order = plain(len(x)), plain(len(c.shape(n.Out[0])))
	case len(is) == 0:
		order = nil
		for _, a := range from.order {
			switch {
			case a < axis:
				order = append(order, a)
			case a > axis:
				order = append(order, a-1)
			}
		}
	}
	memory, p := arrange(x, from.order), slices.Index(from.order, axis)
	y := slices.Clone(memory)
	y[p] = len(index)
	out := c.produce(n.Out[0], order)
	for i := 0; i < len(index); {
		run := 1 // indices that follow each other are one copy
		for i+run < len(index) && index[i+run] == index[i]+run {
			run++
		}
		c.copyPart(n, from.buffer, memory, part{p, index[i], 1, run}, out, y, part{p, i, 1, run})
		i += run
	}
	return nil
}

// within counts indices of an axis of n positions from its start.
func within(index []int, n int) ([]int, error) {
	if n < 0 {
		return nil, fmt.Errorf("positions of the open batch axis cannot be gathered")
	}
	out := make([]int, len(index))
	for k, i := range index {
		if out[k] = wrap(i, n); out[k] < 0 || out[k] >= n {
			return nil, fmt.Errorf("index %d of an axis of %d", i, n)
		}
	}
	return out, nil
}

func lowerPad(c *compiler, n node) error {
	pads, err := c.integers(n, "pads", 1)
	if err != nil {
		return err
	}
	value, err := c.optional(n, 2)
	if err != nil {
		return err
	}
	fill := n.Float("value", 0)
	if len(value) == 1 {
		fill = value[0]
	}
	from, err := c.first(n.In[0])
	if err != nil {
		return err
	}
	x, rank := c.shape(n.In[0]), len(c.shape(n.In[0]))
	if len(pads) != 2*rank || slices.Min(append(pads, 0)) < 0 || n.has(3) || pads[0]+pads[rank] != 0 {
		return fmt.Errorf("pads %v of a tensor of rank %d: all axes, not negative, none on the batch", pads, rank)
	}
	if mode := n.Text("mode", ""); mode != "" && mode != "constant" {
		return lowerMirror(c, n, pads, mode)
	}
	memory, to := arrange(x, from.order), arrange(c.shape(n.Out[0]), from.order)
	c.emit(n, []int{from.buffer}, []int{c.produce(n.Out[0], from.order)}, func(b int) kernelFunc {
		src, dst, start := kernel.Dense(at(memory, b)), kernel.Dense(at(to, b)), 0
		for p, axis := range from.order {
			start += pads[axis] * dst.Strides[p]
		}
		dst.Dims = src.Dims
		copier := kernel.NewCopier(dst, src)
		return func(t *kernel.Team, in, out [][]float32) {
			for i := range out[0] {
				out[0][i] = fill
			}
			copier.Run(t, out[0][start:], in[0])
		}
	})
	return nil
}

// gatherConstant picks from a constant when compiling: relative position biases are tables that are indexed like that.
func (c *compiler) gatherConstant(n node, axis int, index []int) error {
	data, x, err := c.floats(n.In[0])
	if err != nil {
		return err
	}
	outer, inner := size(x[:axis]), size(x[axis+1:])
	out := make([]float32, 0, outer*len(index)*inner)
	for o := range outer {
		for _, i := range index {
			at := (o*x[axis] + i) * inner
			out = append(out, data[at:at+inner]...)
		}
	}
	y := c.shape(n.Out[0])
	c.slots[n.Out[0]] = []slot{{len(c.buffers), plain(len(y))}}
	c.buffers = append(c.buffers, buffer{shape: y, fixed: out})
	return nil
}

func lowerExpand(c *compiler, n node) error {
	x, y := c.shape(n.In[0]), c.shape(n.Out[0])
	in, err := c.want(n.In[0], plain(len(x)))
	if err != nil {
		return err
	}
	c.emit(n, []int{in}, []int{c.produce(n.Out[0], plain(len(y)))}, func(b int) kernelFunc {
		copier := kernel.NewCopier(kernel.Dense(at(y, b)), kernel.Repeat(at(x, b), at(y, b)))
		return func(t *kernel.Team, in, out [][]float32) { copier.Run(t, out[0], in[0]) }
	})
	return nil
}
