package op

import (
	"fmt"

	"github.com/autotailor/autotailor/ir/dim"
)

// Shape rules of operators that are carried as they stand: only what they make is known, so that networks with them go through.

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

// regionsShape is that of a map of each region of interest.
func regionsShape(c *Ctx) error {
	x, rois := c.In[0].Shape, c.In[1].Shape
	if len(x) != 4 || len(rois) != 2 || len(c.In[2].Shape) != 1 {
		return fmt.Errorf("it wants maps of four axes, regions of two and the number of a map for each region")
	}
	height, width := c.Node.Int("output_height", 1), c.Node.Int("output_width", 1)
	c.Out[0].Shape = []dim.Dim{rois[0], x[1], dim.Const(int(height)), dim.Const(int(width))}
	return nil
}

// nonZeroShape is as many columns as there can be at most: how many there are is known at run time only.
func nonZeroShape(c *Ctx) error {
	x := c.In[0].Shape
	c.Out[0].Shape = []dim.Dim{dim.Const(max(1, len(x))), c.product(x).AtBatch1()}
	return nil
}
