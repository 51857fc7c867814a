package infer

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// unary is a function of each element. Operands after the first are single numbers: bounds, a ratio, a mode.
func unary(c *call) error {
	for k := 1; k < len(c.in); k++ {
		if !c.has(k) {
			continue
		}
		if n, err := product(c.shapeOf(k)); err != nil || n != 1 {
			return fmt.Errorf("operand %d has the shape %v, want a single number", k, c.shapeOf(k))
		}
	}
	return same(c)
}

// broadcasting is a function of the elements of several operands, which align at their last axes.
func broadcasting(c *call) error {
	aligned, err := c.flag("broadcast", 0)
	if err != nil {
		return err
	}
	if aligned != 0 && len(c.in) == 2 && c.has(1) {
		return c.aligned()
	}
	out := nn.Shape{}
	for k := range c.in {
		if !c.has(k) {
			return fmt.Errorf("operand %d is missing", k)
		}
		s, ok := nn.Broadcast(out, c.shapeOf(k))
		if !ok {
			return fmt.Errorf("operand %d has the shape %v, which does not broadcast with %v of those before it", k, c.shapeOf(k), out)
		}
		out = s
	}
	c.set(0, out)
	return nil
}

// aligned is broadcasting as it was before opset 7: the second operand has some of the first one's axes, those from attribute axis on.
func (c *call) aligned() error {
	x, y := c.shapeOf(0), c.shapeOf(1)
	if len(y) > len(x) {
		return fmt.Errorf("an operand of %d axes cannot be broadcast to one of %d", len(y), len(x))
	}
	at := len(x) - len(y)
	if _, given := c.node.Attr("axis"); given && len(x) > 0 {
		a, err := c.axis("axis", 0, len(x))
		if err != nil {
			return err
		}
		at = a
	}
	for k, n := range y {
		if at+k >= len(x) || n != 1 && n != x[at+k] {
			return fmt.Errorf("an operand of shape %v does not fit %v from axis %d on", y, x, at)
		}
	}
	c.set(0, slices.Clone(x))
	return nil
}

// spreads tells whether s, broadcast, is as large as x.
func spreads(s, x nn.Shape) bool {
	both, ok := nn.Broadcast(x, s)
	return ok && slices.Equal(both, x)
}

// prelu has the shape of its first operand. The slopes broadcast to it; before opset 7 they were those of the channels.
func prelu(c *call) error {
	x, slope := c.shapeOf(0), c.shapeOf(1)
	channels := len(slope) == 1 && len(x) > 1 && slope[0] == x[1]
	if !spreads(slope, x) && !channels {
		return fmt.Errorf("slopes of shape %v do not broadcast to %v", slope, x)
	}
	return same(c)
}

// rows is a function of each row along an axis, which is an attribute or a single number.
func rows(c *call) error {
	rank := len(c.shapeOf(0))
	k := c.place("axis")
	switch {
	case !c.has(k):
		if _, err := c.axis("axis", -1, rank); err != nil {
			return err
		}
	case c.in[k].Ints != nil:
		axis, err := c.number(k)
		if err != nil {
			return err
		}
		if _, err := wrap(axis, rank); err != nil {
			return err
		}
	}
	return same(c)
}

// localResponse normalises by at least one channel.
func localResponse(c *call) error {
	size, err := c.int("size", 0)
	if err != nil {
		return err
	}
	if size < 1 || len(c.shapeOf(0)) < 2 {
		return fmt.Errorf("it normalises by %d channels of an operand with %d axes; want at least 1, and channels in axis 1", size, len(c.shapeOf(0)))
	}
	return same(c)
}

// reduction makes 1 of some axes, or removes them. Without axes it reduces all.
func reduction(c *call) error {
	x := c.shapeOf(0)
	list, _, err := c.list("axes")
	if err != nil {
		return err
	}
	noop, err := c.flag("noop_with_empty_axes", 0)
	if err != nil {
		return err
	}
	gone, err := axes(list, len(x))
	if err != nil {
		return err
	}
	return c.reduce(func(a int) bool { return gone[a] || len(gone) == 0 && noop == 0 })
}

// arg reduces one axis to the position of an element.
func arg(c *call) error {
	axis, err := c.axis("axis", 0, len(c.shapeOf(0)))
	if err != nil {
		return err
	}
	return c.reduce(func(a int) bool { return a == axis })
}

func (c *call) reduce(gone func(a int) bool) error {
	keep, err := c.flag("keepdims", 1)
	if err != nil {
		return err
	}
	out := nn.Shape{}
	for a, n := range c.shapeOf(0) {
		switch {
		case !gone(a):
			out = append(out, n)
		case keep != 0:
			out = append(out, 1)
		}
	}
	c.set(0, out)
	return nil
}

// channelNorm keeps the shape. Its parameters have the extent of axis 1, and so have statistics, which are further results.
func channelNorm(c *call) error {
	x := c.shapeOf(0)
	if len(x) < 2 {
		return fmt.Errorf("its operand has %d axes, want channels in axis 1", len(x))
	}
	for k := 1; k < len(c.in); k++ {
		if c.has(k) && !slices.Equal(c.shapeOf(k), x[1:2]) {
			return fmt.Errorf("operand %d has the shape %v, there are %d channels", k, c.shapeOf(k), x[1])
		}
	}
	c.setAll(nn.Shape{x[1]})
	c.set(0, slices.Clone(x))
	return nil
}

// groupNorm keeps the shape. Its parameters have an element for each channel, or, before opset 21, for each group.
func groupNorm(c *call) error {
	x := c.shapeOf(0)
	groups, err := c.int("num_groups", 0)
	if err != nil {
		return err
	}
	if len(x) < 3 || groups < 1 || int64(x[1])%groups != 0 {
		return fmt.Errorf("an operand of shape %v does not have channels in %d groups of one size, with space behind", x, groups)
	}
	for k := 1; k < len(c.in); k++ {
		if p := c.shapeOf(k); len(p) != 1 || p[0] != x[1] && int64(p[0]) != groups {
			return fmt.Errorf("operand %d has the shape %v, there are %d channels in %d groups", k, p, x[1], groups)
		}
	}
	return same(c)
}

// normalisation keeps the shape; parameters broadcast to it. Means and deviations, the further results, have 1 from the axis on.
func normalisation(c *call) error {
	x := c.shapeOf(0)
	axis, err := c.axis("axis", -1, len(x))
	if err != nil {
		return err
	}
	for k := 1; k < len(c.in); k++ {
		if c.has(k) && !spreads(c.shapeOf(k), x) {
			return fmt.Errorf("operand %d has the shape %v, which does not broadcast to %v", k, c.shapeOf(k), x)
		}
	}
	statistics := slices.Clone(x)
	for a := axis; a < len(x); a++ {
		statistics[a] = 1
	}
	c.setAll(statistics)
	c.set(0, slices.Clone(x))
	return nil
}
