package op

import (
	"fmt"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

func sameShape(c *Ctx) error {
	c.Out[0].Shape = c.In[0].Shape
	return nil
}

// sameInts is sameShape for operators that keep integers as they are.
func sameInts(c *Ctx) error {
	if to := ir.DType(c.Node.Int("to", int64(ir.Int64))); to == ir.Int64 || to == ir.Int32 {
		c.Out[0].Ints = c.In[0].Ints
	}
	return sameShape(c)
}

// broadcastShape joins all operands' shapes by ONNX's rule. Extents that choices move must agree at every combination.
func broadcastShape(c *Ctx) error {
	var out []dim.Dim
	for _, o := range c.In {
		s, err := broadcast(out, o.Shape)
		if err != nil {
			return err
		}
		out = s
	}
	c.Out[0].Shape = out
	return nil
}

func broadcast(a, b []dim.Dim) ([]dim.Dim, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := append([]dim.Dim{}, a...)
	for i := range b {
		k := len(a) - len(b) + i
		one := dim.Const(1)
		switch {
		case a[k].Equal(b[i]) || b[i].Equal(one):
		case a[k].Equal(one):
			out[k] = b[i]
		default:
			return nil, fmt.Errorf("operands have extents %v and %v on axis %d", a[k], b[i], k)
		}
	}
	return out, nil
}

func flattenShape(c *Ctx) error {
	axis := int(c.Node.Int("axis", 1))
	s := c.In[0].Shape
	if axis < 0 {
		axis += len(s)
	}
	c.Out[0].Shape = []dim.Dim{c.product(s[:axis]), c.product(s[axis:])}
	return nil
}

func (c *Ctx) product(s []dim.Dim) dim.Dim {
	d := dim.Const(1)
	for _, e := range s {
		d = c.keep(dim.Mul(d, e))
	}
	return d
}

func reshapeShape(c *Ctx) error {
	want := c.Ints("shape")
	if want == nil {
		return fmt.Errorf("its target shape is computed at run time")
	}
	in := c.In[0].Shape
	out := make([]dim.Dim, len(want))
	infer := -1
	for k, d := range want {
		n, fixed := d.IsConst()
		switch {
		case fixed && n == 0 && c.Node.Int("allowzero", 0) == 0:
			if k >= len(in) {
				return fmt.Errorf("target shape copies axis %d of an input with %d axes", k, len(in))
			}
			out[k] = in[k]
		case fixed && n == -1:
			infer = k
			out[k] = dim.Const(1)
		default:
			out[k] = d
		}
	}
	if infer >= 0 {
		out[infer] = c.keep(dim.FloorDiv(c.product(in), c.product(out)))
	}
	if !c.product(in).Equal(c.product(out)) && c.target != nil {
		if t := c.target(c.Node); len(t) == len(out) {
			out = t
		}
	}
	if !c.product(in).Equal(c.product(out)) {
		return fmt.Errorf("cannot give %v elements the shape %v", c.product(in), out)
	}
	c.Out[0].Shape, c.Out[0].Ints = out, c.In[0].Ints
	return nil
}

func (c *Ctx) axes(rank int) map[int]bool {
	list, _ := c.Fixed("axes")
	out := map[int]bool{}
	for _, a := range list {
		if a < 0 {
			a += rank
		}
		out[a] = true
	}
	return out
}

func squeezeShape(c *Ctx) error {
	in := c.In[0].Shape
	drop := c.axes(len(in))
	c.Out[0].Shape = []dim.Dim{}
	for k, d := range in {
		if drop[k] || len(drop) == 0 && d.Equal(dim.Const(1)) {
			continue
		}
		c.Out[0].Shape = append(c.Out[0].Shape, d)
	}
	c.Out[0].Ints = c.In[0].Ints
	return nil
}

func unsqueezeShape(c *Ctx) error {
	in := c.In[0].Shape
	list, _ := c.Fixed("axes")
	rank := len(in) + len(list)
	added := c.axes(rank)
	out := make([]dim.Dim, 0, rank)
	k := 0
	for i := range rank {
		if added[i] {
			out = append(out, dim.Const(1))
			continue
		}
		if k >= len(in) {
			return fmt.Errorf("axes %v do not fit an input with %d axes", list, len(in))
		}
		out = append(out, in[k])
		k++
	}
	c.Out[0].Shape, c.Out[0].Ints = out, c.In[0].Ints
	return nil
}

func transposeShape(c *Ctx) error {
	in := c.In[0].Shape
	perm := c.Node.Ints("perm")
	out := make([]dim.Dim, len(in))
	for i := range in {
		k := len(in) - 1 - i
		if perm != nil {
			k = int(perm[i])
		}
		if k < 0 || k >= len(in) {
			return fmt.Errorf("perm %v does not fit an input with %d axes", perm, len(in))
		}
		out[i] = in[k]
	}
	c.Out[0].Shape = out
	return nil
}

func concatShape(c *Ctx) error {
	out := append([]dim.Dim{}, c.In[0].Shape...)
	axis := int(c.Node.Int("axis", 0))
	if axis < 0 {
		axis += len(out)
	}
	if axis < 0 || axis >= len(out) {
		return fmt.Errorf("axis %d does not fit inputs with %d axes", axis, len(out))
	}
	ints := c.In[0].Ints
	for _, o := range c.In[1:] {
		out[axis] = c.keep(dim.Add(out[axis], o.Shape[axis]))
		if ints = append(ints[:len(ints):len(ints)], o.Ints...); o.Ints == nil {
			ints = nil
		}
	}
	c.Out[0].Shape = out
	if c.In[0].Ints != nil {
		c.Out[0].Ints = ints
	}
	return nil
}

func splitShape(c *Ctx) error {
	in := c.In[0].Shape
	axis := int(c.Node.Int("axis", 0))
	if axis < 0 {
		axis += len(in)
	}
	sizes := c.Ints("split")
	for k := range c.Out {
		out := append([]dim.Dim{}, in...)
		if sizes != nil {
			out[axis] = sizes[k]
		} else {
			n := len(c.Out)
			out[axis] = dim.Map(func(v int) int { return min((v+n-1)/n, v-k*((v+n-1)/n)) }, in[axis])
		}
		c.Out[k].Shape = out
	}
	return nil
}

func shapeShape(c *Ctx) error {
	c.Out[0].Shape = []dim.Dim{dim.Const(len(c.In[0].Shape))}
	c.Out[0].Ints = c.In[0].Shape
	return nil
}

func reduceShape(c *Ctx) error {
	in := c.In[0].Shape
	reduced := c.axes(len(in))
	all := len(reduced) == 0 && c.Node.Int("noop_with_empty_axes", 0) == 0
	c.Out[0].Shape = []dim.Dim{}
	for k, d := range in {
		switch {
		case !all && !reduced[k]:
			c.Out[0].Shape = append(c.Out[0].Shape, d)
		case c.Node.Int("keepdims", 1) != 0:
			c.Out[0].Shape = append(c.Out[0].Shape, dim.Const(1))
		}
	}
	return nil
}

func globalPoolShape(c *Ctx) error {
	out := append([]dim.Dim{}, c.In[0].Shape...)
	for k := 2; k < len(out); k++ {
		out[k] = dim.Const(1)
	}
	c.Out[0].Shape = out
	return nil
}
