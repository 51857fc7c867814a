package op

import (
	"fmt"

	"github.com/autotailor/autotailor/ir/dim"
)

// convShape is [N O ...] with windows over space.
func convShape(c *Ctx) error {
	x, w := c.In[0].Shape, c.In[1].Shape
	if len(x) < 3 || len(w) != len(x) {
		return fmt.Errorf("input has %d axes and weight %d; want the same number, at least 3", len(x), len(w))
	}
	group := dim.Const(int(c.Node.Int("group", 1)))
	if g, ok := c.over["group"]; ok {
		group = g[0]
	}
	if want := c.keep(dim.Mul(w[1], group)); !want.Equal(x[1]) {
		return fmt.Errorf("input has %v channels, weight and group want %v", x[1], want)
	}
	out := []dim.Dim{x[0], w[0]}
	for a := range x[2:] {
		out = append(out, c.slide(x[2+a], w[2+a], a, len(x)-2, false))
	}
	c.Out[0].Shape = out
	return nil
}

func poolShape(c *Ctx) error {
	x, k := c.In[0].Shape, c.Ints("kernel_shape")
	if len(x) < 3 || len(k) != len(x)-2 {
		return fmt.Errorf("input has %d axes and the window %d; want two less", len(x), len(k))
	}
	out := []dim.Dim{x[0], x[1]}
	for a := range k {
		out = append(out, c.slide(x[2+a], k[a], a, len(k), c.Node.Int("ceil_mode", 0) != 0))
	}
	for i := range c.Out {
		c.Out[i].Shape = out
	}
	return nil
}

// slide is the number of positions of a window of side k along spatial axis a of rank axes (ONNX Conv and MaxPool).
func (c *Ctx) slide(x, k dim.Dim, a, rank int, ceil bool) dim.Dim {
	stride, dilation := c.listAt("strides", a, 1), c.listAt("dilations", a, 1)
	switch c.Node.String("auto_pad", "NOTSET") {
	case "SAME_UPPER", "SAME_LOWER":
		return dim.Map(func(n int) int { return (n + stride - 1) / stride }, x)
	case "VALID":
		return c.keep(dim.Map2(func(n, k int) int { return positions(n-dilation*(k-1)-1, stride) }, x, k))
	}
	begin, end := dim.Const(0), dim.Const(0)
	if p := c.Ints("pads"); len(p) == 2*rank {
		begin, end = p[a], p[a+rank]
	}
	return c.keep(dim.MapN(func(v []int) int {
		free := v[0] + v[2] + v[3] - dilation*(v[1]-1) - 1
		n := positions(free, stride)
		// A window that starts in the padding after the end does not count (as PyTorch and ONNX Runtime do).
		if ceil && free > 0 && free%stride != 0 && n*stride < v[0]+v[2] {
			n++
		}
		return n
	}, x, k, begin, end))
}

// positions is how often a window fits when it can move by free in steps of stride.
func positions(free, stride int) int {
	if free < 0 {
		return 0
	}
	return free/stride + 1
}

func (c *Ctx) listAt(name string, a, def int) int {
	if l := c.Node.Ints(name); a < len(l) {
		return int(l[a])
	}
	return def
}

// convMACs is one product of a whole filter per output element.
func convMACs(c *Ctx) error {
	filter := c.product(c.In[1].Shape[1:])
	c.Total = c.keep(dim.Mul(filter, c.product(c.Out[0].Shape[1:])))
	return nil
}

func gemmShape(c *Ctx) error {
	a, b := c.In[0].Shape, c.In[1].Shape
	if len(a) != 2 || len(b) != 2 {
		return fmt.Errorf("operands have %d and %d axes, want matrices", len(a), len(b))
	}
	ta, tb := int(c.Node.Int("transA", 0)), int(c.Node.Int("transB", 0))
	if !a[1-ta].Equal(b[tb]) {
		return fmt.Errorf("inner extents %v and %v differ", a[1-ta], b[tb])
	}
	c.Out[0].Shape = []dim.Dim{a[ta], b[1-tb]}
	return nil
}

func gemmMACs(c *Ctx) error {
	rows := c.Out[0].Shape[0]
	c.Total = c.keep(dim.Mul(rows.AtBatch1(), c.product(c.In[1].Shape)))
	return nil
}

func matmulShape(c *Ctx) error {
	a, b := c.In[0].Shape, c.In[1].Shape
	if len(a) < 2 || len(b) < 2 {
		return fmt.Errorf("operands have %d and %d axes; vectors are not supported", len(a), len(b))
	}
	if !a[len(a)-1].Equal(b[len(b)-2]) {
		return fmt.Errorf("inner extents %v and %v differ", a[len(a)-1], b[len(b)-2])
	}
	lead, err := broadcast(a[:len(a)-2], b[:len(b)-2])
	if err != nil {
		return err
	}
	c.Out[0].Shape = append(lead, a[len(a)-2], b[len(b)-1])
	return nil
}

func matmulMACs(c *Ctx) error {
	inner := c.In[0].Shape[len(c.In[0].Shape)-1]
	out := c.Out[0].Shape
	out = append([]dim.Dim{out[0].AtBatch1()}, out[1:]...)
	c.Total = c.keep(dim.Mul(inner, c.product(out)))
	return nil
}
