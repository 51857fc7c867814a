package op

import (
	"errors"
	"fmt"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// sameShape gives every result the shape of the first operand.
func sameShape(c *Ctx) error {
	for k := range c.Out {
		c.Out[k].Shape = c.In[0].Shape
	}
	return nil
}

// axisOf returns an attribute that is an axis of rank axes, counted from the front; ok is false when there is no such axis.
func (c *Ctx) axisOf(name string, def int64, rank int) (axis int, ok bool) {
	axis = int(c.Node.Int(name, def))
	if axis < 0 {
		axis += rank
	}
	return axis, axis >= 0 && axis < rank
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
	s := c.In[0].Shape
	axis, ok := c.axisOf("axis", 1, len(s))
	if !ok && axis != len(s) {
		return fmt.Errorf("axis %d does not fit an operand with %d axes", axis, len(s))
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
		case fixed && n == -1 && infer >= 0:
			return fmt.Errorf("two extents of its target shape are open")
		case fixed && n == -1:
			infer = k
			out[k] = dim.Const(1)
		default:
			out[k] = d
		}
	}
	if infer >= 0 {
		d, err := dim.FloorDiv(c.product(in), c.product(out))
		if large := new(dim.TooLargeError); errors.As(err, &large) {
			return err
		}
		if err == nil { // else the products differ, unless the target follows from elsewhere
			out[infer] = d
		}
	}
	if c.target != nil {
		if t := c.target(c.Node); len(t) == len(out) && c.product(in).Equal(c.product(t)) {
			out = t
		}
	}
	if !c.product(in).Equal(c.product(out)) {
		return fmt.Errorf("cannot give %v elements the shape %v", c.product(in), out)
	}
	c.Out[0].Shape, c.Out[0].Ints = out, c.In[0].Ints
	return nil
}

// axes returns the attribute or operand of that name as a set; known is false where they are computed at run time.
func (c *Ctx) axes(rank int) (out map[int]bool, known bool, err error) {
	list, given := c.Fixed("axes")
	if !given && c.computed("axes") {
		return nil, false, nil
	}
	out = map[int]bool{}
	for _, a := range list {
		if a < 0 {
			a += rank
		}
		if a < 0 || a >= rank || out[a] {
			return nil, false, fmt.Errorf("axes %v do not fit %d axes", list, rank)
		}
		out[a] = true
	}
	return out, true, nil
}

// computed tells whether a list is an operand; its elements are then not known where Ints has none.
func (c *Ctx) computed(name string) bool {
	i, ok := c.Spec.List[name]
	return ok && c.Node.Input(i) != 0
}

func squeezeShape(c *Ctx) error {
	in := c.In[0].Shape
	drop, known, err := c.axes(len(in))
	if err != nil || !known {
		return err
	}
	c.Out[0].Shape = []dim.Dim{}
	for k, d := range in {
		one := d.Equal(dim.Const(1))
		if drop[k] && !one {
			return fmt.Errorf("axis %d has extent %v; only 1 can be dropped", k, d)
		}
		if drop[k] || len(drop) == 0 && one {
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
	added, known, err := c.axes(rank)
	if err != nil || !known {
		return err
	}
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
	if perm != nil && !isPermutation(perm, len(in)) {
		return fmt.Errorf("perm %v does not fit an input with %d axes", perm, len(in))
	}
	for i := range in {
		out[i] = in[len(in)-1-i]
		if perm != nil {
			out[i] = in[perm[i]]
		}
	}
	c.Out[0].Shape = out
	return nil
}

func isPermutation(perm []int64, rank int) bool {
	seen := make([]bool, rank)
	for _, k := range perm {
		if k < 0 || int(k) >= rank || seen[k] {
			return false
		}
		seen[k] = true
	}
	return len(perm) == rank
}

func concatShape(c *Ctx) error {
	out := append([]dim.Dim{}, c.In[0].Shape...)
	axis, ok := c.axisOf("axis", 0, len(out))
	if !ok {
		return fmt.Errorf("axis %d does not fit inputs with %d axes", axis, len(out))
	}
	ints, known := c.In[0].Ints, c.In[0].Ints != nil
	for k, o := range c.In[1:] {
		if !joins(out, o.Shape, axis) {
			return fmt.Errorf("operand %d has the shape %v; joined along axis %d it does not fit %v", k+1, o.Shape, axis, c.In[0].Shape)
		}
		out[axis] = c.keep(dim.Add(out[axis], o.Shape[axis]))
		ints, known = append(ints[:len(ints):len(ints)], o.Ints...), known && o.Ints != nil
	}
	c.Out[0].Shape = out
	if known {
		c.Out[0].Ints = ints
	}
	return nil
}

// joins tells whether two shapes agree in all axes but one.
func joins(a, b []dim.Dim, axis int) bool {
	if len(a) != len(b) {
		return false
	}
	for k := range a {
		if k != axis && !a[k].Equal(b[k]) {
			return false
		}
	}
	return true
}

func splitShape(c *Ctx) error {
	in := c.In[0].Shape
	axis, ok := c.axisOf("axis", 0, len(in))
	if !ok {
		return fmt.Errorf("axis %d does not fit an operand with %d axes", axis, len(in))
	}
	sizes := c.Ints("split")
	if sizes == nil && c.computed("split") {
		return nil // the model may declare the shapes
	}
	if sizes != nil {
		total := dim.Const(0)
		for _, d := range sizes {
			total = c.keep(dim.Add(total, d))
		}
		if len(sizes) != len(c.Out) || !total.Equal(in[axis]) {
			return fmt.Errorf("cannot cut an extent of %v into %d parts %v", in[axis], len(c.Out), sizes)
		}
	}
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
	splitInts(c)
	return nil
}

// splitInts cuts a list of extents.
func splitInts(c *Ctx) {
	rest := c.In[0].Ints
	if rest == nil || len(c.In[0].Shape) != 1 {
		return
	}
	for k := range c.Out {
		n, fixed := c.Out[k].Shape[0].IsConst()
		if !fixed || n < 0 || n > len(rest) {
			return
		}
		c.Out[k].Ints, rest = rest[:n:n], rest[n:]
	}
}

// shapeShape lists the extents of the axes from start up to end, since opset 15.
func shapeShape(c *Ctx) error {
	x := c.In[0].Shape
	cut := span{int(c.Node.Int("start", 0)), int(c.Node.Int("end", int64(len(x)))), 1}
	first, last := cut.clamp(len(x))
	x = x[first:max(first, last)]
	c.Out[0].Shape, c.Out[0].Ints = []dim.Dim{dim.Const(len(x))}, x
	return nil
}

func reduceShape(c *Ctx) error {
	in := c.In[0].Shape
	reduced, known, err := c.axes(len(in))
	if err != nil || !known {
		return err
	}
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
