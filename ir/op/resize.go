package op

import (
	"fmt"
	"math"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// resizeShape covers Resize and Upsample: each axis is scaled by a constant factor. Target sizes that an exporter wrote down are
// factors of the original's extents, so that they follow the choices.
func resizeShape(c *Ctx) error {
	x := c.In[0].Shape
	if len(c.In) > 3 && c.constAt(3) == nil && len(c.In[3].Ints) == len(x) && len(x) > 0 {
		c.Out[0].Shape = append([]dim.Dim{}, c.In[3].Ints...)
		return nil
	}
	factors, err := c.factors(x)
	if err != nil || factors == nil { // computed at run time: the model may declare the shape
		return err
	}
	if len(factors) != len(x) {
		return fmt.Errorf("it has %d factors for %d axes", len(factors), len(x))
	}
	out := append([]dim.Dim{}, x...)
	for k, f := range factors {
		if f == 1 {
			continue
		}
		if x[k].IsBatch() {
			return fmt.Errorf("it resizes the batch")
		}
		out[k] = dim.Map(func(n int) int { return int(math.Floor(float64(n)*f + 1e-6)) }, x[k])
	}
	c.Out[0].Shape = out
	return nil
}

// factors are the scales of a Resize or Upsample: an attribute, an operand, or what sizes say.
func (c *Ctx) factors(x []dim.Dim) ([]float64, error) {
	if a, ok := c.Node.Attr("scales"); ok {
		return doubles(a.Floats), nil
	}
	scales, sizes := 2, 3
	if c.Node.Op == "Upsample" || len(c.In) == 2 {
		scales, sizes = 1, -1
	}
	if t := c.constAt(scales); t != nil && t.NumElements() > 0 {
		list, err := t.Float32s()
		return doubles(list), err
	}
	t := c.constAt(sizes)
	if t == nil {
		return nil, nil
	}
	list, err := t.Int64s()
	if err != nil || len(list) != len(x) {
		return nil, fmt.Errorf("its sizes do not fit an operand with %d axes", len(x))
	}
	out := make([]float64, len(list))
	for k, n := range list {
		if out[k] = 1; !x[k].IsBatch() {
			out[k] = float64(n) / float64(x[k].Original())
		}
	}
	return out, nil
}

// constAt is a constant operand, nil when it is none.
func (c *Ctx) constAt(i int) *ir.Tensor {
	if i < 0 || i >= len(c.In) || i >= len(c.Node.In) || c.Node.In[i] == 0 {
		return nil
	}
	return c.In[i].Const
}

func doubles(list []float32) []float64 {
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = float64(v)
	}
	return out
}
