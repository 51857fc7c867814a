package op

import (
	"fmt"

	"github.com/autotailor/autotailor/ir/dim"
)

// samplingShape has batch and channels of the operand, and the space of the places, whose last axis are coordinates.
func samplingShape(c *Ctx) error {
	x, places := c.In[0].Shape, c.In[1].Shape
	if len(x) != len(places) || len(x) < 3 {
		return fmt.Errorf("places with %d axes do not fit an operand with %d", len(places), len(x))
	}
	c.Out[0].Shape = append([]dim.Dim{x[0], x[1]}, places[1:len(places)-1]...)
	return nil
}
