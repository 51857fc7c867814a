package embedded

import (
	"errors"
	"fmt"
	"math"

	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// ranges are the integers that quantised tensors hold.
var ranges = map[nn.DType][2]float64{nn.Uint8: {0, math.MaxUint8}, nn.Int8: {math.MinInt8, math.MaxInt8}, nn.Int32: {math.MinInt32, math.MaxInt32}}

// quantisation is how numbers become integers: scales and zero points of the whole tensor, or of the positions of an axis.
type quantisation struct {
	scales, zeros []float32
	inner         int // elements behind the axis
}

// quantisation reads the scales and zero points of a node.
func (c *compiler) quantisation(n node) (*quantisation, error) {
	if n.Int("block_size", 0) != 0 {
		return nil, errors.New("the embedded engine has no scales of blocks (block_size)")
	}
	q := &quantisation{inner: 1}
	var err error
	if q.scales, _, err = c.floats(n.In[1]); err != nil {
		return nil, err
	}
	if q.zeros, err = c.Optional(n, 2); err != nil {
		return nil, err
	}
	if q.zeros == nil {
		q.zeros = make([]float32, len(q.scales))
	}
	if len(q.scales) == 1 && len(q.zeros) == 1 {
		return q, nil
	}
	x := c.Shape(n.In[0])
	axis, err := n.Axis(1, len(x))
	if err != nil {
		return nil, err
	}
	if x[axis] != len(q.scales) || len(q.zeros) != len(q.scales) {
		return nil, fmt.Errorf("%d scales and %d zero points for %d positions", len(q.scales), len(q.zeros), x[axis])
	}
	if x[axis+1:].Open() {
		return nil, errors.New("the batch stands behind the axis of its scales")
	}
	q.inner = x[axis+1:].Count()
	return q, nil
}

// at is the scale and the zero point of element i.
func (q *quantisation) at(i int) (scale, zero float32) {
	k := i / q.inner % len(q.scales)
	return q.scales[k], q.zeros[k]
}

// each emits a step that computes each element by itself.
func (c *compiler) each(n node, q *quantisation, f func(v, scale, zero float32) float32) error {
	in, err := c.Plainly(n.In[0])
	if err != nil {
		return err
	}
	c.Plan.Engine.Emit(autodiff.Step{In: []int{in}, Out: []int{c.ProducePlain(n.Out[0])}, Once: true, Bind: func(int) autodiff.Run {
		return func(t *kernel.Team, in, out [][]float32) {
			t.Split(len(in[0]), len(in[0]), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					scale, zero := q.at(i)
					out[0][i] = f(in[0][i], scale, zero)
				}
			})
		}
	}})
	return nil
}

// lowerQuantize rounds to the nearest integer, halves to the even one, within those that there are.
func lowerQuantize(c *compiler, n node) error {
	q, err := c.quantisation(n)
	if err != nil {
		return err
	}
	r, ok := ranges[c.Type(n.Out[0])]
	if !ok {
		return fmt.Errorf("the embedded engine does not quantise to %s", c.Type(n.Out[0]))
	}
	return c.each(n, q, func(v, scale, zero float32) float32 {
		return float32(max(r[0], min(r[1], math.RoundToEven(float64(v/scale))+float64(zero))))
	})
}

func lowerDequantize(c *compiler, n node) error {
	q, err := c.quantisation(n)
	if err != nil {
		return err
	}
	return c.each(n, q, func(v, scale, zero float32) float32 { return (v - zero) * scale })
}
