package embedded

import (
	"fmt"
	"math"

	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

// lowerAdd is a sum with a fused Relu or Clip.
func lowerAdd(c *compiler, n node) error {
	t := c.take(n)
	return c.Binary(n, t.out, t.limits)
}

func lowerBatchNorm(c *compiler, n node) error {
	if len(n.In) < 5 || n.Integer("training_mode", 0) != 0 {
		return fmt.Errorf("only inference with stored statistics is supported")
	}
	x := c.Shape(n.In[0])
	order := autodiff.ChannelsLast(len(x))
	in, err := c.Want(n.In[0], order)
	if err != nil {
		return err
	}
	t := c.activation(n)
	if c.stats != nil {
		return c.measuredNorm(n, t, in, order)
	}
	scale, shift, err := c.affine(n)
	if err != nil {
		return err
	}
	isa, limits := c.isa, t.limits
	c.emit(n, []int{in}, []int{c.Produce(t.out, order)}, func(int) autodiff.Run {
		return func(team *kernel.Team, in, out [][]float32) {
			isa.Scale(team, out[0], in[0], scale, shift, limits)
		}
	})
	return nil
}

// measuredNorm normalises by the batch's own statistics and records them.
func (c *compiler) measuredNorm(n node, t tail, in int, order []int) error {
	var scale, bias []float32
	var err error
	if scale, _, err = c.floats(n.In[1]); err != nil {
		return err
	}
	if bias, _, err = c.floats(n.In[2]); err != nil {
		return err
	}
	eps := float64(n.Float("epsilon", 1e-5))
	isa, rec, m := c.isa, c.stats.add(n), new(kernel.Moments)
	a, b := make([]float32, len(scale)), make([]float32, len(scale))
	c.emit(n, []int{in}, []int{c.Produce(t.out, order)}, func(batch int) autodiff.Run {
		return func(team *kernel.Team, in, out [][]float32) {
			isa.Moments(team, m, in[0], len(scale))
			rec.observe(m, batch)
			for i := range a {
				s := float64(scale[i]) / math.Sqrt(m.Variance[i]+eps)
				a[i], b[i] = float32(s), float32(float64(bias[i])-s*m.Mean[i])
			}
			isa.Scale(team, out[0], in[0], a, b, t.limits)
		}
	})
	return nil
}
