package op

import (
	"fmt"
	"math"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// What a tensor may have: an extent is an int on every machine, where the largest one stands for any larger number, and no machine holds more
// elements.
const (
	maxExtent   = math.MaxInt32 - 1
	maxElements = 1 << 40
)

// Oversized returns a NodeError for the first node with a result that no machine holds, of the original at a batch of 1.
func Oversized(g *ir.Graph, shapes [][]dim.Dim) error {
	for _, n := range g.Nodes {
		for _, id := range n.Out {
			if big(shapes[id]) {
				return &NodeError{n, fmt.Errorf("its result %q has the shape %v: extents can be up to %d, and all elements up to %d", g.Values[id].Name, shapes[id], maxExtent, int64(maxElements))}
			}
		}
	}
	return nil
}

// big tells whether a shape has too much.
func big(shape []dim.Dim) bool {
	elements := int64(1)
	for _, d := range shape {
		n := int64(d.Original())
		if n > maxExtent || n > 0 && elements > maxElements/n {
			return true
		}
		elements *= n
	}
	return false
}
