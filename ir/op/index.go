package op

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir/dim"
)

// Operators that pick, move and repeat elements, and what they do to lists of extents: exporters compute shapes with them.

func gatherShape(c *Ctx) error {
	x, index := c.In[0], c.In[1]
	axis := int(c.Node.Int("axis", 0))
	if axis < 0 {
		axis += len(x.Shape)
	}
	if axis < 0 || axis >= len(x.Shape) {
		return fmt.Errorf("axis %d does not fit an operand with %d axes", axis, len(x.Shape))
	}
	out := append([]dim.Dim{}, x.Shape[:axis]...)
	out = append(append(out, index.Shape...), x.Shape[axis+1:]...)
	c.Out[0].Shape = out
	if x.Ints == nil || index.Ints == nil || len(x.Shape) != 1 {
		return nil
	}
	for _, i := range index.Ints {
		n, fixed := i.IsConst()
		if n < 0 {
			n += len(x.Ints)
		}
		if !fixed || n < 0 || n >= len(x.Ints) {
			c.Out[0].Ints = nil
			return nil
		}
		c.Out[0].Ints = append(c.Out[0].Ints, x.Ints[n])
	}
	return nil
}

// span is one axis of a Slice.
type span struct{ start, end, step int }

// spans reads the bounds of a Slice by axis; ok is false when they are not constant.
func (c *Ctx) spans(rank int) (out map[int]span, ok bool) {
	starts, ok1 := c.Fixed("starts")
	ends, ok2 := c.Fixed("ends")
	if !ok1 || !ok2 || len(starts) != len(ends) {
		return nil, false
	}
	axes, given := c.Fixed("axes")
	steps, stepped := c.Fixed("steps")
	out = map[int]span{}
	for k := range starts {
		axis, step := k, 1
		if given && k < len(axes) {
			axis = axes[k]
		}
		if axis < 0 {
			axis += rank
		}
		if stepped && k < len(steps) {
			step = steps[k]
		}
		if axis < 0 || axis >= rank || step == 0 {
			return nil, false
		}
		out[axis] = span{starts[k], ends[k], step}
	}
	return out, true
}

// length is the number of positions of n that s takes.
func (s span) length(n int) int {
	first, last := s.clamp(n)
	if s.step > 0 {
		return max(0, (last-first+s.step-1)/s.step)
	}
	return max(0, (first-last-s.step-1)/-s.step)
}

// clamp resolves negative and too large bounds as ONNX says.
func (s span) clamp(n int) (first, last int) {
	bound := func(v int) int {
		if v < 0 {
			v += n
		}
		return v
	}
	first, last = bound(s.start), bound(s.end)
	if s.step > 0 {
		return min(max(first, 0), n), min(max(last, 0), n)
	}
	return min(max(first, 0), n-1), min(max(last, -1), n-1)
}

func sliceShape(c *Ctx) error {
	x := c.In[0]
	spans, ok := c.spans(len(x.Shape))
	if !ok {
		return fmt.Errorf("its bounds are computed at run time")
	}
	out := append([]dim.Dim{}, x.Shape...)
	for axis, s := range spans {
		if out[axis].IsBatch() {
			if s.start != 0 || s.step != 1 || s.end < 1<<30 {
				return fmt.Errorf("it cuts the batch")
			}
			continue
		}
		out[axis] = dim.Map(s.length, out[axis])
	}
	c.Out[0].Shape = out
	if s, cut := spans[0]; cut && len(x.Shape) == 1 && x.Ints != nil {
		c.Out[0].Ints = []dim.Dim{}
		first, last := s.clamp(len(x.Ints))
		for i := first; s.step > 0 && i < last || s.step < 0 && i > last; i += s.step {
			c.Out[0].Ints = append(c.Out[0].Ints, x.Ints[i])
		}
	}
	return nil
}

func expandShape(c *Ctx) error {
	want := c.Ints("shape")
	if want == nil {
		return fmt.Errorf("its target shape is computed at run time")
	}
	want = append([]dim.Dim{}, want...)
	var known []dim.Dim
	if c.target != nil {
		known = c.target(c.Node)
	}
	for k, d := range want {
		switch n, fixed := d.IsConst(); {
		case fixed && n == -1: // the open batch, see pass fold-shapes
			want[k] = c.batch
		case fixed && n > 1 && len(known) == len(want) && !known[k].IsBatch(): // it was written down for the original
			want[k] = known[k]
		}
	}
	out, err := broadcast(c.In[0].Shape, want)
	if err != nil {
		return err
	}
	c.Out[0].Shape = out
	if n, fixed := c.product(out).IsConst(); fixed && len(out) == 1 && len(c.In[0].Ints) == 1 && n <= maxInts {
		c.Out[0].Ints = slices.Repeat(c.In[0].Ints, n)
	}
	return nil
}

func constantOfShape(c *Ctx) error {
	if c.In[0].Ints == nil {
		return fmt.Errorf("its shape is computed at run time")
	}
	c.Out[0].Shape = append([]dim.Dim{}, c.In[0].Ints...)
	value := 0
	a, _ := c.Node.Attr("value")
	if t, ok := a.Tensor(); ok {
		list, err := t.Int64s()
		if err != nil || len(list) != 1 {
			return nil // not integers, so no extents
		}
		value = int(list[0])
	}
	if n, fixed := c.product(c.Out[0].Shape).IsConst(); fixed && n <= maxInts {
		c.Out[0].Ints = make([]dim.Dim, n)
		for i := range c.Out[0].Ints {
			c.Out[0].Ints[i] = dim.Const(value)
		}
	}
	return nil
}

// maxInts is the number of elements up to which integer tensors are followed.
const maxInts = 64

// arithmetic is broadcastShape for an operator whose results may be extents.
func arithmetic(f func(a, b dim.Dim) (dim.Dim, error)) func(c *Ctx) error {
	return func(c *Ctx) error {
		if err := broadcastShape(c); err != nil {
			return err
		}
		if len(c.In) == 2 && len(c.In[0].Shape) <= 1 && len(c.In[1].Shape) <= 1 {
			c.Out[0].Ints = c.pairwise(c.In[0].Ints, c.In[1].Ints, f)
		}
		return nil
	}
}

// pairwise combines lists of extents element by element; one element stands for all.
func (c *Ctx) pairwise(a, b []dim.Dim, f func(a, b dim.Dim) (dim.Dim, error)) []dim.Dim {
	if a == nil || b == nil {
		return nil
	}
	out := make([]dim.Dim, max(len(a), len(b)))
	for i := range out {
		d, err := f(a[min(i, len(a)-1)], b[min(i, len(b)-1)])
		if err != nil {
			return nil
		}
		out[i] = d
	}
	return out
}

// equal is 1 where extents are always the same, 0 where they are not.
func equal(a, b dim.Dim) (dim.Dim, error) {
	if a.Equal(b) {
		return dim.Const(1), nil
	}
	return dim.Const(0), nil
}

// whereShape chooses extents when the condition is known.
func whereShape(c *Ctx) error {
	if err := broadcastShape(c); err != nil {
		return err
	}
	if len(c.In) != 3 || c.In[0].Ints == nil || c.In[1].Ints == nil || c.In[2].Ints == nil {
		return nil
	}
	at := func(o Operand, i int) dim.Dim { return o.Ints[min(i, len(o.Ints)-1)] }
	for i := range max(len(c.In[0].Ints), len(c.In[1].Ints), len(c.In[2].Ints)) {
		n, fixed := at(c.In[0], i).IsConst()
		switch {
		case !fixed:
			c.Out[0].Ints = nil
			return nil
		case n != 0:
			c.Out[0].Ints = append(c.Out[0].Ints, at(c.In[1], i))
		default:
			c.Out[0].Ints = append(c.Out[0].Ints, at(c.In[2], i))
		}
	}
	return nil
}

// WholePads returns the pads of all axes of a tensor, given those of some (since opset 18); nil where they do not fit.
func WholePads(pads, axes []int, rank int) []int {
	if len(pads) != 2*len(axes) {
		return nil
	}
	whole := make([]int, 2*rank)
	for k, a := range axes {
		if a < 0 {
			a += rank
		}
		if a < 0 || a >= rank {
			return nil
		}
		whole[a], whole[rank+a] = pads[k], pads[len(axes)+k]
	}
	return whole
}

// padShape adds constant padding.
func padShape(c *Ctx) error {
	x := c.In[0].Shape
	pads, ok := c.Fixed("pads")
	if axes, some := c.Fixed("axes"); some {
		pads = WholePads(pads, axes, len(x))
	} else if c.Node.Input(3) != 0 {
		return fmt.Errorf("the axes that it pads are computed at run time")
	}
	if !ok || len(pads) != 2*len(x) {
		return fmt.Errorf("its padding is not a constant with two numbers for each axis")
	}
	out := append([]dim.Dim{}, x...)
	for k := range out {
		more := pads[k] + pads[k+len(x)]
		if more == 0 {
			continue
		}
		if out[k].IsBatch() {
			return fmt.Errorf("it pads the batch")
		}
		out[k] = dim.Map(func(n int) int { return n + more }, out[k])
	}
	c.Out[0].Shape = out
	return nil
}
