package embedded

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/engine/lower"
)

func lowerLayerNorm(c *compiler, n node) error {
	x := c.Shape(n.In[0])
	axis, err := n.Axis(-1, len(x))
	if err != nil {
		return err
	}
	if len(n.Out) > 1 {
		return fmt.Errorf("mean and deviation as further outputs are not supported")
	}
	scale, _, err := c.floats(n.In[1])
	if err != nil {
		return err
	}
	bias, err := c.Optional(n, 2)
	if err != nil {
		return err
	}
	c.whole = c.whole || axis == 0
	row := size(x[axis:])
	if len(scale) != row {
		return fmt.Errorf("a scale of %d elements for rows of %d", len(scale), row)
	}
	in, err := c.Want(n.In[0], lower.Plain(len(x)))
	if err != nil {
		return err
	}
	scale = c.lasting(n.In[1], scale)
	if bias != nil {
		bias = c.lasting(n.In[2], bias)
	}
	eps := n.Float("epsilon", 1e-5)
	c.emit(n, []int{in}, []int{c.Produce(n.Out[0], lower.Plain(len(x)))}, func(int) lower.Run {
		return func(t *kernel.Team, in, out [][]float32) { c.isa.LayerNorm(t, out[0], in[0], scale, bias, row, eps) }
	})
	return nil
}

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
	return c.plainly(n, n.In[:1], func(b int) lower.Run {
		row := size(lower.At(x, b)[2:])
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
