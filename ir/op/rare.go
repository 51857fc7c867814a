package op

import (
	"fmt"

	"github.com/autotailor/autotailor/ir/dim"
)

// Operators that are carried as they stand: only what they make is known here, so that networks with them go through. Their axes are
// frozen.

// rare lists them.
var rare = []Spec{
	{Name: "Trilu", Shape: sameShape},
	{Name: "NonMaxSuppression", Operands: 2, Shape: suppressionShape},
	{Name: "GridSample", Operands: 2, Shape: gridSampleShape},
}

// suppressionShape is as many rows as can be chosen at most: how many are is known at run time only.
func suppressionShape(c *Ctx) error {
	boxes, scores := c.In[0].Shape, c.In[1].Shape
	if len(boxes) != 3 || len(scores) != 3 {
		return fmt.Errorf("it wants boxes and scores of three axes")
	}
	rows := boxes[1]
	if most, known := c.count(2); known {
		rows = dim.Const(min(most.Original(), rows.Original()))
	}
	c.Out[0].Shape = []dim.Dim{c.keep(dim.Mul(c.keep(dim.Mul(scores[1], rows)), scores[0].AtBatch1())), dim.Const(3)}
	return nil
}

func gridSampleShape(c *Ctx) error {
	x, grid := c.In[0].Shape, c.In[1].Shape
	if len(x) != len(grid) || len(x) < 3 {
		return fmt.Errorf("a grid of %d axes does not fit an operand with %d", len(grid), len(x))
	}
	c.Out[0].Shape = append([]dim.Dim{x[0], x[1]}, grid[1:len(grid)-1]...)
	return nil
}
