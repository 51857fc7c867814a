package op

import (
	"errors"
	"fmt"
	"slices"

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
	c.Total = c.keep(dim.Mul(c.elements(c.Out[0].Shape[:1]), c.elements(c.In[1].Shape)))
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
	c.Total = c.keep(dim.Mul(inner.AtBatch1(), c.elements(c.Out[0].Shape)))
	return nil
}

// elements is the number of elements at batch 1.
func (c *Ctx) elements(s []dim.Dim) dim.Dim {
	d := dim.Const(1)
	for _, e := range s {
		d = c.keep(dim.Mul(d, e.AtBatch1()))
	}
	return d
}

// picked is a rule that sees the operands at some places only: an operator that has scales and zero points between them.
func picked(rule func(c *Ctx) error, places ...int) func(c *Ctx) error {
	return func(c *Ctx) error {
		n := *c.Node
		p := *c
		n.In, p.In = nil, nil
		for _, k := range places {
			if k < len(c.In) {
				n.In, p.In = append(n.In, c.Node.In[k]), append(p.In, c.In[k])
			}
		}
		p.Node = &n
		err := rule(&p)
		c.Total, c.err = p.Total, p.err
		return err
	}
}

// turned is a rule of a MatMul for one whose operands may lie the other way round. It says nothing where their batches do.
func turned(rule func(c *Ctx) error) func(c *Ctx) error {
	return func(c *Ctx) error {
		p := *c
		p.In = slices.Clone(c.In)
		for k, name := range []string{"transA", "transB"} {
			s := slices.Clone(p.In[k].Shape)
			if c.flag("transBatch"+name[5:]) != 0 {
				return nil
			}
			if last := len(s) - 1; last > 0 && c.flag(name) != 0 {
				s[last-1], s[last] = s[last], s[last-1]
			}
			p.In[k].Shape = s
		}
		err := rule(&p)
		c.Total, c.err = p.Total, p.err
		return err
	}
}

// packedShape is a product with weights that are packed, of N columns.
func packedShape(c *Ctx) error {
	x := c.In[0].Shape
	if inner := dim.Const(int(c.Node.Int("K", 0))); len(x) == 0 || !x[len(x)-1].Equal(inner) {
		return fmt.Errorf("its operand has the shape %v, its weights have %v rows", x, inner)
	}
	c.Out[0].Shape = append(slices.Clone(x[:len(x)-1]), dim.Const(int(c.Node.Int("N", 0))))
	return nil
}

func packedMACs(c *Ctx) error {
	c.Total = c.keep(dim.Mul(c.elements(c.In[0].Shape), dim.Const(int(c.Node.Int("N", 0)))))
	return nil
}
