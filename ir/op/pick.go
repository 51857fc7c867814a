package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir/dim"
)

// Shape rules of operators that pick, place or count elements. Package axis has no rules for them: what they touch is frozen.

// argShape removes one axis, or leaves 1 of it.
func argShape(c *Ctx) error {
	x := c.In[0].Shape
	axis, ok := c.axisOf("axis", 0, len(x))
	if !ok {
		return fmt.Errorf("axis %d does not fit an operand with %d axes", axis, len(x))
	}
	out := slices.Clone(x)
	if out[axis] = dim.Const(1); c.Node.Int("keepdims", 1) == 0 {
		out = slices.Delete(out, axis, axis+1)
	}
	c.Out[0].Shape = out
	return nil
}

func tileShape(c *Ctx) error {
	x, repeats := c.In[0].Shape, c.Ints("repeats")
	if len(repeats) != len(x) {
		return errors.New("its repeats are not a constant with one number for each axis")
	}
	out := make([]dim.Dim, len(x))
	for k := range x {
		out[k] = c.keep(dim.Mul(x[k], repeats[k]))
	}
	c.Out[0].Shape = out
	return nil
}

// blocksToSpace is DepthToSpace: b*b channels become a square of b by b positions.
func blocksToSpace(c *Ctx) error {
	x, b := c.In[0].Shape, int(c.Node.Int("blocksize", 0))
	if len(x) != 4 || b < 1 {
		return fmt.Errorf("its operand has %d axes and its blocks a side of %d; want an image and at least 1", len(x), b)
	}
	grow := func(n int) int { return n * b }
	c.Out[0].Shape = []dim.Dim{x[0], dim.Map(func(n int) int { return n / (b * b) }, x[1]), dim.Map(grow, x[2]), dim.Map(grow, x[3])}
	return nil
}

func spaceToBlocks(c *Ctx) error {
	x, b := c.In[0].Shape, int(c.Node.Int("blocksize", 0))
	if len(x) != 4 || b < 1 {
		return fmt.Errorf("its operand has %d axes and its blocks a side of %d; want an image and at least 1", len(x), b)
	}
	shrink := func(n int) int { return n / b }
	c.Out[0].Shape = []dim.Dim{x[0], dim.Map(func(n int) int { return n * b * b }, x[1]), dim.Map(shrink, x[2]), dim.Map(shrink, x[3])}
	return nil
}

// gatherElementsShape: the result has the indices' shape.
func gatherElementsShape(c *Ctx) error {
	c.Out[0].Shape = c.In[1].Shape
	return nil
}

// gatherNDShape: the last axis of the indices names positions along the operand's axes after the batch's.
func gatherNDShape(c *Ctx) error {
	x, index := c.In[0].Shape, c.In[1].Shape
	if len(index) == 0 {
		return errors.New("its indices are a scalar")
	}
	n, fixed := index[len(index)-1].IsConst()
	batch := int(c.Node.Int("batch_dims", 0))
	if !fixed || batch < 0 || batch+n > len(x) {
		return fmt.Errorf("indices of %v axes do not fit an operand with %d axes", index[len(index)-1], len(x))
	}
	c.Out[0].Shape = append(slices.Clone(index[:len(index)-1]), x[batch+n:]...)
	return nil
}

// topKShape leaves k positions of an axis.
func topKShape(c *Ctx) error {
	x := c.In[0].Shape
	axis, ok := c.axisOf("axis", -1, len(x))
	if !ok {
		return fmt.Errorf("axis %d does not fit an operand with %d axes", axis, len(x))
	}
	k, known := c.count(1)
	if n := c.Node.Int("k", 0); n > 0 { // before opset 10
		k, known = dim.Const(int(n)), true
	}
	if n, fixed := k.IsConst(); known && fixed && x[axis].Least() < n {
		return fmt.Errorf("it takes %d of an axis of %v", n, x[axis])
	}
	for i := range c.Out {
		if known {
			c.Out[i].Shape = slices.Clone(x)
			c.Out[i].Shape[axis] = k
		}
	}
	return nil
}

// count is a number that is a constant operand; known is false when it is computed at run time: then the model may declare the shape.
func (c *Ctx) count(i int) (n dim.Dim, known bool) {
	if i >= len(c.In) {
		return n, false
	}
	if list := c.In[i].Ints; len(list) == 1 {
		return list[0], true
	}
	if t := c.constAt(i); t != nil {
		if list, err := t.Float32s(); err == nil && len(list) == 1 {
			return dim.Const(int(list[0])), true
		}
	}
	return n, false
}

// oneHotShape adds an axis as long as the depth.
func oneHotShape(c *Ctx) error {
	x := c.In[0].Shape
	axis, ok := c.axisOf("axis", -1, len(x)+1)
	if !ok {
		return fmt.Errorf("axis %d does not fit an operand with %d axes", axis, len(x))
	}
	if depth, known := c.count(1); known {
		c.Out[0].Shape = slices.Insert(slices.Clone(x), axis, depth)
	}
	return nil
}

// rangeShape follows constant integers; the elements are extents too.
func rangeShape(c *Ctx) error {
	var v [3]int
	for i := range v {
		if len(c.In[i].Ints) != 1 {
			return nil // computed at run time: the model may declare the shape
		}
		n, fixed := c.In[i].Ints[0].IsConst()
		if !fixed || i == 2 && n == 0 {
			return nil
		}
		v[i] = n
	}
	s := span{v[0], v[1], v[2]}
	n := (s.end - s.start + s.step - sign(s.step)) / s.step
	c.Out[0].Shape = []dim.Dim{dim.Const(max(0, n))}
	if n <= maxInts {
		for i := range max(0, n) {
			c.Out[0].Ints = append(c.Out[0].Ints, dim.Const(s.start+i*s.step))
		}
	}
	return nil
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}

func sizeShape(c *Ctx) error {
	c.Out[0].Shape = []dim.Dim{}
	c.Out[0].Ints = []dim.Dim{c.product(c.In[0].Shape)}
	return nil
}
