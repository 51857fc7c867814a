package infer

import (
	"fmt"
	"slices"
)

// sampling has the space of the places.
func sampling(c *call) error {
	x, places := c.shapeOf(0), c.shapeOf(1)
	last := len(places) - 1
	if len(x) != len(places) || len(x) < 3 || places[0] != x[0] || places[last] != len(x)-2 {
		return fmt.Errorf("places of shape %v do not fit an operand of shape %v", places, x)
	}
	c.set(0, slices.Concat(x[:2], places[1:last]))
	return nil
}
