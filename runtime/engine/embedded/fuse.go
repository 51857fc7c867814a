package embedded

import (
	"math"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// tail is what runs in the last step of another node's kernel.
type tail struct {
	norm   *node         // a folded BatchNormalization
	limits kernel.Limits // a fused Relu or Clip
	out    nn.Value
}

// take finds the nodes that the kernel of n computes as well, and marks them.
func (c *compiler) take(n node) tail {
	t := tail{limits: kernel.NoLimits(), out: n.Out[0]}
	if next, ok := c.Next(t.out, "BatchNormalization"); ok && c.stats == nil && n.Type != "Add" {
		t.norm, t.out = &next, next.Out[0]
		c.Fused[next.Index] = true
	}
	return c.clip(t)
}

// activation finds a Relu or Clip that the kernel of n computes as well, and marks it.
func (c *compiler) activation(n node) tail {
	return c.clip(tail{limits: kernel.NoLimits(), out: n.Out[0]})
}

// clip adds a Relu or Clip that follows.
func (c *compiler) clip(t tail) tail {
	t.out, t.limits = c.Limited(t.out)
	return t
}

// affine returns scale and shift of a BatchNormalization with stored statistics.
func (c *compiler) affine(n node) (scale, shift []float32, err error) {
	var p [4][]float32
	for i := range p {
		if p[i], _, err = c.floats(n.In[i+1]); err != nil {
			return nil, nil, err
		}
	}
	scale, shift = make([]float32, len(p[0])), make([]float32, len(p[0]))
	eps := float64(n.Float("epsilon", 1e-5))
	for i := range scale {
		s := float64(p[0][i]) / math.Sqrt(float64(p[3][i])+eps)
		scale[i] = float32(s)
		shift[i] = float32(float64(p[1][i]) - s*float64(p[2][i]))
	}
	return scale, shift, nil
}

// fold puts a batch normalisation into weights, where element i belongs to output channel(i), and a bias, which may be nil.
func (c *compiler) fold(norm *node, weight, bias []float32, channel func(i int) int) (w, b []float32, err error) {
	if norm == nil {
		return weight, bias, nil
	}
	scale, shift, err := c.affine(*norm)
	if err != nil {
		return nil, nil, err
	}
	w = make([]float32, len(weight))
	for i, v := range weight {
		w[i] = v * scale[channel(i)]
	}
	for i, v := range bias {
		shift[i] += v * scale[i]
	}
	return w, shift, nil
}
