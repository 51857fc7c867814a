package embedded

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

func lowerGridSample(c *compiler, n node) error {
	if len(n.In) != 2 {
		return fmt.Errorf("it has %d operands; want an image and a grid", len(n.In))
	}
	x, grid := c.shape(n.In[0]), c.shape(n.In[1])
	if _, err := kernel.NewSampler(n.Node, at(x, 1), at(grid, 1)); err != nil {
		return err
	}
	return c.plainly(n, n.In, func(b int) kernelFunc {
		s, _ := kernel.NewSampler(n.Node, at(x, b), at(grid, b))
		return func(t *kernel.Team, in, out [][]float32) { s.Sample(t, out[0], in[0], in[1]) }
	})
}
