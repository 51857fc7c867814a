package embedded

import (
	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

// lowerInstanceNorm normalises each channel of each image.
func lowerInstanceNorm(c *compiler, n node) error {
	x := c.Shape(n.In[0])
	scale, _, err := c.floats(n.In[1])
	if err != nil {
		return err
	}
	bias, _, err := c.floats(n.In[2])
	if err != nil {
		return err
	}
	eps := n.Float("epsilon", 1e-5)
	return c.plainly(n, n.In[:1], func(b int) autodiff.Run {
		row := autodiff.At(x, b)[2:].Count()
		return func(t *kernel.Team, in, out [][]float32) {
			c.isa.LayerNorm(t, out[0], in[0], ones(row), nil, row, eps)
			for i := range out[0] {
				k := i / row % len(scale)
				out[0][i] = out[0][i]*scale[k] + bias[k]
			}
		}
	})
}

func ones(n int) []float32 {
	to := make([]float32, n)
	for i := range to {
		to[i] = 1
	}
	return to
}
