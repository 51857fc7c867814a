package infer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// gemm multiplies two matrices, each of which may lie the other way round, and adds a third operand that broadcasts.
func gemm(c *call) error {
	a, b := c.shapeOf(0), c.shapeOf(1)
	if len(a) != 2 || len(b) != 2 {
		return fmt.Errorf("its operands have %d and %d axes, want matrices", len(a), len(b))
	}
	ta, err := c.flag("transA", 0)
	if err != nil {
		return err
	}
	tb, err := c.flag("transB", 0)
	if err != nil {
		return err
	}
	if a[1-ta] != b[tb] {
		return fmt.Errorf("inner extents %d and %d differ", a[1-ta], b[tb])
	}
	out := nn.Shape{a[ta], b[1-tb]}
	if c.has(2) && !spreads(c.shapeOf(2), out) {
		return fmt.Errorf("its bias has the shape %v, its product %v", c.shapeOf(2), out)
	}
	c.set(0, out)
	return nil
}

// matMul is numpy's. A vector becomes a matrix by an axis of extent 1 that the result does not have.
func matMul(c *call) error {
	a, b := c.shapeOf(0), c.shapeOf(1)
	if len(a) == 0 || len(b) == 0 {
		return errors.New("one of its operands is a scalar")
	}
	tail := nn.Shape{}
	if len(a) == 1 {
		a = nn.Shape{1, a[0]}
	} else {
		tail = append(tail, a[len(a)-2])
	}
	if len(b) == 1 {
		b = nn.Shape{b[0], 1}
	} else {
		tail = append(tail, b[len(b)-1])
	}
	if inner, other := a[len(a)-1], b[len(b)-2]; inner != other {
		return fmt.Errorf("inner extents %d and %d differ", inner, other)
	}
	lead, ok := nn.Broadcast(a[:len(a)-2], b[:len(b)-2])
	if !ok {
		return fmt.Errorf("matrices of shapes %v and %v do not broadcast", c.shapeOf(0), c.shapeOf(1))
	}
	c.set(0, append(lead, tail...))
	return nil
}

// recurrent is LSTM, GRU or RNN with a number of gates, over [steps, batch, features], or [batch, steps, features] under layout 1.
func recurrent(gates int64) rule {
	return func(c *call) error {
		x, w, r := c.shapeOf(0), c.shapeOf(1), c.shapeOf(2)
		if len(x) != 3 || len(w) != 3 || len(r) != 3 {
			return fmt.Errorf("its operand and weights have %d, %d and %d axes, want 3 each", len(x), len(w), len(r))
		}
		direction, err := c.text("direction", "forward")
		if err != nil {
			return err
		}
		directions, ok := map[string]int{"forward": 1, "reverse": 1, "bidirectional": 2}[direction]
		if !ok {
			return fmt.Errorf("attribute direction is %.40q", direction)
		}
		hidden := r[2]
		size, err := c.int("hidden_size", int64(hidden))
		if err != nil {
			return err
		}
		rows := gates * int64(hidden)
		if size != int64(hidden) || w[0] != directions || r[0] != directions || int64(w[1]) != rows || int64(r[1]) != rows || w[2] != x[2] {
			return fmt.Errorf("weights of shapes %v and %v do not fit an operand of shape %v and %d hidden elements in %d directions", w, r, x, size, directions)
		}
		return c.recurrentResults(directions, hidden)
	}
}

// recurrentResults are the states of all steps, then those after the last one.
func (c *call) recurrentResults(directions, hidden int) error {
	x := c.shapeOf(0)
	layout, err := c.flag("layout", 0)
	if err != nil {
		return err
	}
	all, last := nn.Shape{x[0], directions, x[1], hidden}, nn.Shape{directions, x[1], hidden}
	if layout != 0 {
		all, last = nn.Shape{x[0], x[1], directions, hidden}, nn.Shape{x[0], directions, hidden}
	}
	for k := 5; k <= 6 && k < len(c.in); k++ {
		if c.has(k) && !slices.Equal(c.shapeOf(k), last) {
			return fmt.Errorf("operand %d has the shape %v, the states are %v", k, c.shapeOf(k), last)
		}
	}
	c.setAll(last)
	c.set(0, all)
	return nil
}
