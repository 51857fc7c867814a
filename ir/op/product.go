package op

import (
	"errors"
	"fmt"

	"github.com/autotailor/autotailor/ir/dim"
)

func gemmShape(c *Ctx) error {
	a, b := c.In[0].Shape, c.In[1].Shape
	if len(a) != 2 || len(b) != 2 {
		return fmt.Errorf("operands have %d and %d axes, want matrices", len(a), len(b))
	}
	ta, tb := c.flag("transA"), c.flag("transB")
	if !a[1-ta].Equal(b[tb]) {
		return fmt.Errorf("inner extents %v and %v differ", a[1-ta], b[tb])
	}
	out := []dim.Dim{a[ta], b[1-tb]}
	if c.Node.Input(2) != 0 {
		if s, err := broadcast(out, c.In[2].Shape); err != nil || len(s) != 2 || !s[1].Equal(out[1]) || !s[0].Equal(out[0]) {
			return fmt.Errorf("its bias has the shape %v, its product %v", c.In[2].Shape, out)
		}
	}
	c.Out[0].Shape = out
	return nil
}

// flag is 1 when an attribute is set to anything but 0.
func (c *Ctx) flag(name string) int {
	if c.Node.Int(name, 0) != 0 {
		return 1
	}
	return 0
}

func gemmMACs(c *Ctx) error {
	rows := c.Out[0].Shape[0]
	c.Total = c.keep(dim.Mul(rows.AtBatch1(), c.product(c.In[1].Shape)))
	return nil
}

// matmulShape is numpy's: a vector becomes a matrix by an axis of extent 1 that the result does not have.
func matmulShape(c *Ctx) error {
	a, b := c.In[0].Shape, c.In[1].Shape
	if len(a) == 0 || len(b) == 0 {
		return errors.New("one of its operands is a scalar")
	}
	var tail []dim.Dim
	if len(a) == 1 {
		a = []dim.Dim{dim.Const(1), a[0]}
	} else {
		tail = append(tail, a[len(a)-2])
	}
	if len(b) == 1 {
		b = []dim.Dim{b[0], dim.Const(1)}
	} else {
		tail = append(tail, b[len(b)-1])
	}
	if !a[len(a)-1].Equal(b[len(b)-2]) {
		return fmt.Errorf("inner extents %v and %v differ", a[len(a)-1], b[len(b)-2])
	}
	lead, err := broadcast(a[:len(a)-2], b[:len(b)-2])
	if err != nil {
		return err
	}
	c.Out[0].Shape = append(lead, tail...)
	return nil
}

func matmulMACs(c *Ctx) error {
	inner := c.In[0].Shape[len(c.In[0].Shape)-1]
	out := c.Out[0].Shape
	if len(out) > 0 {
		out = append([]dim.Dim{out[0].AtBatch1()}, out[1:]...)
	}
	c.Total = c.keep(dim.Mul(inner, c.product(out)))
	return nil
}
