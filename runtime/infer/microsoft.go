package infer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// picked is a rule over the operands at some places only: of an operator that has scales and zero points between them.
func picked(r rule, places ...int) rule {
	return func(c *call) error {
		n, p := *c.node, *c
		n.In, p.in = nil, nil
		for _, k := range places {
			if k < len(c.in) {
				n.In, p.in = append(n.In, c.node.In[k]), append(p.in, c.in[k])
			}
		}
		p.node = &n
		return r(&p)
	}
}

// turned is a product whose operands' last two axes may be exchanged.
func turned(c *call) error {
	p := *c
	p.in = slices.Clone(c.in)
	for k, name := range []string{"A", "B"} {
		batches, err := c.flag("transBatch"+name, 0)
		if err != nil {
			return err
		}
		if batches != 0 {
			return unknown("its batches lie the other way round")
		}
		turn, err := c.flag("trans"+name, 0)
		if err != nil {
			return err
		}
		if last := len(c.shapeOf(k)) - 1; turn != 0 && last > 0 {
			s := slices.Clone(c.shapeOf(k))
			s[last-1], s[last] = s[last], s[last-1]
			p.in[k].Shape = s
		}
	}
	return matMul(&p)
}

// packed is a product with weights of K rows and N columns that say nothing of them.
func packed(c *call) error {
	x := slices.Clone(c.shapeOf(0))
	rows, err := c.int("K", 0)
	if err != nil {
		return err
	}
	columns, err := c.int("N", 0)
	if err != nil {
		return err
	}
	if len(x) == 0 || int64(x[len(x)-1]) != rows {
		return fmt.Errorf("its operand has the shape %v, its weights have %d rows", x, rows)
	}
	x[len(x)-1], err = extent(columns)
	c.set(0, x)
	return err
}

// channelsFirst is a rule of operators that may have their channels in the last axis.
func channelsFirst(r rule) rule {
	return func(c *call) error {
		last, err := c.flag("channels_last", 0)
		if err != nil {
			return err
		}
		if last != 0 {
			return unknown("its channels are in the last axis")
		}
		return r(c)
	}
}

// quantisedConcat joins every third operand from the third on; scales and zero points are between them.
func quantisedConcat(c *call) error {
	var places []int
	for k := 2; k < len(c.in); k += 3 {
		places = append(places, k)
	}
	if len(places) == 0 {
		return errors.New("there is nothing to join")
	}
	return picked(concat, places...)(c)
}

// dynamicQuantize keeps the shape, and makes a scale and a zero point.
func dynamicQuantize(c *call) error {
	c.setAll(nn.Shape{})
	c.set(0, slices.Clone(c.shapeOf(0)))
	return nil
}

// skipNorm keeps the shape of its sum; mean and deviation have one element for each row.
func skipNorm(c *call) error {
	x := c.shapeOf(0)
	if len(x) == 0 {
		return errors.New("its operand is a scalar")
	}
	row := slices.Clone(x)
	row[len(row)-1] = 1
	c.set(0, x)
	c.set(1, row)
	c.set(2, row)
	c.set(3, x)
	return nil
}

// embedding has a row of elements for each token.
func embedding(c *call) error {
	if !c.has(2) {
		return errors.New("it has no table of words")
	}
	ids, words := c.shapeOf(0), c.shapeOf(2)
	if len(ids) != 2 || len(words) != 2 {
		return fmt.Errorf("tokens of shape %v and a table of shape %v, want two axes each", ids, words)
	}
	out := nn.Shape{ids[0], ids[1], words[1]}
	c.set(0, out)
	c.set(1, nn.Shape{ids[0]})
	c.set(2, out)
	return nil
}

// quantisedRecurrent is an LSTM with weights [directions, features, gates].
func quantisedRecurrent(c *call) error {
	x, r := c.shapeOf(0), c.shapeOf(2)
	if len(x) != 3 || len(r) != 3 {
		return fmt.Errorf("its operand and weights have %d and %d axes, want 3 each", len(x), len(r))
	}
	return c.recurrentResults(r[0], r[1])
}
