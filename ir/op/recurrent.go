package op

import (
	"errors"
	"fmt"

	"github.com/autotailor/autotailor/ir/dim"
)

// recurrentShape is for LSTM, GRU and RNN over [steps, batch, features], or [batch, steps, features] under layout 1.
func recurrentShape(c *Ctx) error {
	x, w, r := c.In[0].Shape, c.In[1].Shape, c.In[2].Shape
	if len(x) != 3 || len(w) != 3 || len(r) != 3 {
		return errors.New("want an operand and weights of three axes")
	}
	if !x[2].Equal(w[2]) {
		return fmt.Errorf("its operand has %v features, its weights want %v", x[2], w[2])
	}
	return c.states(r[0], r[2])
}

// quantisedRecurrentShape is recurrentShape where weights lie the other way round: [directions, hidden, gates].
func quantisedRecurrentShape(c *Ctx) error {
	x, w, r := c.In[0].Shape, c.In[1].Shape, c.In[2].Shape
	if len(x) != 3 || len(w) != 3 || len(r) != 3 {
		return errors.New("want an operand and weights of three axes")
	}
	if !x[2].Equal(w[1]) {
		return fmt.Errorf("its operand has %v features, its weights want %v", x[2], w[1])
	}
	return c.states(r[0], r[1])
}

// states gives the results of a recurrent layer their shapes: the states of all steps, then those after the last one.
func (c *Ctx) states(directions, hidden dim.Dim) error {
	x := c.In[0].Shape
	steps, batch := x[0], x[1]
	shapes := [][]dim.Dim{{steps, directions, batch, hidden}, {directions, batch, hidden}, {directions, batch, hidden}}
	if c.Node.Int("layout", 0) != 0 {
		batch, steps = x[0], x[1]
		shapes = [][]dim.Dim{{batch, steps, directions, hidden}, {batch, directions, hidden}, {batch, directions, hidden}}
	}
	if len(c.Out) > len(shapes) {
		return errors.New("it has more results than states of all steps, last states and last cells")
	}
	for k := range c.Out {
		c.Out[k].Shape = shapes[k]
	}
	return nil
}

// recurrentMACs multiplies the operand and the state of every step with the weights of all gates and directions.
func recurrentMACs(c *Ctx) error {
	x := c.In[0].Shape
	weights := c.keep(dim.Add(c.elements(c.In[1].Shape), c.elements(c.In[2].Shape)))
	c.Total = c.keep(dim.Mul(c.elements(x[:2]), weights))
	return nil
}
