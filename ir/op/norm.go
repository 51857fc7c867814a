package op

import (
	"fmt"

	"github.com/autotailor/autotailor/ir/dim"
)

// channelNormShape keeps the shape; parameters, and statistics that are further results, have the extent of axis 1.
func channelNormShape(c *Ctx) error {
	x := c.In[0].Shape
	if len(x) < 2 {
		return fmt.Errorf("its operand has %d axes; want channels in axis 1", len(x))
	}
	for k, p := range c.In[1:] {
		if len(p.Shape) != 1 || !p.Shape[0].Equal(x[1]) {
			return fmt.Errorf("operand %d has the shape %v; there are %v channels", k+1, p.Shape, x[1])
		}
	}
	c.Out[0].Shape = x
	for k := range c.Out[1:] {
		c.Out[k+1].Shape = []dim.Dim{x[1]}
	}
	return nil
}

// groupNormShape keeps the shape; parameters have an element for each channel, or, before opset 21, for each group.
func groupNormShape(c *Ctx) error {
	x := c.In[0].Shape
	groups := int(c.Node.Int("num_groups", 0))
	if len(x) < 3 || groups < 1 {
		return fmt.Errorf("its operand has %d axes and it has %d groups; want channels in axis 1, space behind, and at least 1 group", len(x), groups)
	}
	if rest := dim.Map(func(n int) int { return n % groups }, x[1]); !rest.Equal(dim.Const(0)) {
		return fmt.Errorf("%v channels are not %d groups of the same size", x[1], groups)
	}
	for k, p := range c.In[1:] {
		if len(p.Shape) != 1 || !p.Shape[0].Equal(x[1]) && !p.Shape[0].Equal(dim.Const(groups)) {
			return fmt.Errorf("operand %d has the shape %v; there are %v channels in %d groups", k+1, p.Shape, x[1], groups)
		}
	}
	c.Out[0].Shape = x
	return nil
}

// localShape keeps the shape; the operator normalises by at least one channel.
func localShape(c *Ctx) error {
	if size := c.Node.Int("size", 0); size < 1 {
		return fmt.Errorf("its size is %d; want at least 1", size)
	}
	return sameShape(c)
}

// layerNormShape keeps the shape; means and deviations, the further results, have extent 1 from the axis on.
func layerNormShape(c *Ctx) error {
	x := c.In[0].Shape
	axis, ok := c.axisOf("axis", -1, len(x))
	if !ok {
		return fmt.Errorf("axis %d does not fit an operand with %d axes", axis, len(x))
	}
	for k, p := range c.In[1:] {
		if c.Node.Input(k+1) == 0 {
			continue
		}
		if s, err := broadcast(x, p.Shape); err != nil || len(s) != len(x) || !same(s, x) {
			return fmt.Errorf("operand %d has the shape %v; the operand %v", k+1, p.Shape, x)
		}
	}
	c.Out[0].Shape = x
	for k := range c.Out[1:] {
		s := append([]dim.Dim{}, x...)
		for a := axis; a < len(s); a++ {
			s[a] = dim.Const(1)
		}
		c.Out[k+1].Shape = s
	}
	return nil
}

func same(a, b []dim.Dim) bool {
	for k := range a {
		if !a[k].Equal(b[k]) {
			return false
		}
	}
	return true
}
