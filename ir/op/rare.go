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
