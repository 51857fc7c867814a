package infer

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// constant is the attribute of a Constant.
func constant(c *call) error {
	if len(c.node.Attrs) != 1 {
		return fmt.Errorf("it has %d attributes, want one", len(c.node.Attrs))
	}
	switch a := c.node.Attrs[0]; a.Name {
	case "value":
		if _, _, err := c.attr(a.Name, nn.AttrTensor); err != nil {
			return err
		}
		s, err := extents(a.Ints)
		if err != nil {
			return err
		}
		c.out[0] = Of(nn.Tensor{Type: nn.DType(a.Int), Shape: s, Raw: a.Raw})
	case "value_int":
		c.out[0] = Value{Type: nn.Int64, Shape: nn.Shape{}, Ints: []int64{a.Int}}
	case "value_ints":
		c.out[0] = Value{Type: nn.Int64, Shape: nn.Shape{len(a.Ints)}, Ints: append([]int64{}, a.Ints...)}
	case "value_float":
		c.out[0] = Value{Type: nn.Float32, Shape: nn.Shape{}, Floats: []float32{a.Float}}
	case "value_floats":
		c.out[0] = Value{Type: nn.Float32, Shape: nn.Shape{len(a.Floats)}, Floats: append([]float32{}, a.Floats...)}
	default:
		return unknown("there is no rule for a constant's attribute %.40q", a.Name)
	}
	return nil
}

// constantOfShape has the shape that its operand says.
func constantOfShape(c *call) error {
	if c.in[0].Ints == nil {
		return unknown("its shape is computed when the network runs")
	}
	out, err := extents(c.in[0].Ints)
	c.set(0, out)
	return err
}

func eyeLike(c *call) error {
	if len(c.shapeOf(0)) != 2 {
		return fmt.Errorf("its operand has %d axes, want a matrix", len(c.shapeOf(0)))
	}
	return same(c)
}

// shape has one number for each axis between two, which may be counted from behind.
func shape(c *call) error {
	first, last, err := c.shapeBounds()
	c.set(0, nn.Shape{max(0, last-first)})
	return err
}

func (c *call) shapeBounds() (first, last int, err error) {
	rank := int64(len(c.shapeOf(0)))
	start, err := c.int("start", 0)
	if err != nil {
		return 0, 0, err
	}
	end, err := c.int("end", rank)
	f, l := span{start, end, 1}.bounds(rank)
	return int(f), int(l), err
}

// arithmeticRange has as many numbers as there are steps between its first two operands.
func arithmeticRange(c *call) error {
	for k := range 3 {
		if n, err := product(c.shapeOf(k)); err != nil || n != 1 {
			return fmt.Errorf("operand %d has the shape %v, want a single number", k, c.shapeOf(k))
		}
	}
	n, err := c.rangeLength()
	if err != nil {
		return err
	}
	d, err := extent(n)
	c.set(0, nn.Shape{d})
	return err
}

func (c *call) rangeLength() (int64, error) {
	whole, real := true, true
	for _, v := range c.in {
		whole, real = whole && v.Ints != nil, real && v.Floats != nil
	}
	switch {
	case whole:
		start, limit, delta := c.in[0].Ints[0], c.in[1].Ints[0], c.in[2].Ints[0]
		for _, v := range []int64{start, limit, delta} {
			if v < -maxElements || v > maxElements {
				return 0, fmt.Errorf("it counts from %d to %d in steps of %d, which is beyond %d", start, limit, delta, int64(maxElements))
			}
		}
		if delta == 0 {
			return 0, errors.New("it counts in steps of 0")
		}
		if delta < 0 {
			start, limit, delta = -start, -limit, -delta
		}
		return max(0, (limit-start+delta-1)/delta), nil
	case real:
		start, limit, delta := c.in[0].Floats[0], c.in[1].Floats[0], c.in[2].Floats[0]
		fine := math.Ceil((float64(limit) - float64(start)) / float64(delta))
		if coarse := math.Ceil(float64((limit - start) / delta)); coarse != fine || math.IsInf(fine, 0) {
			return 0, unknown("from %g to %g in steps of %g are %g or %g numbers, which depends on how they are rounded", start, limit, delta, coarse, fine)
		}
		return int64(min(max(fine, 0), 2*maxExtent)), nil
	}
	return 0, unknown("its bounds are computed when the network runs")
}

// einsum has the axes that its equation names for the result. Axes of one letter have one extent, or 1.
func einsum(c *call) error {
	text, err := c.text("equation", "")
	if err != nil {
		return err
	}
	ranks := make([]int, len(c.in))
	for k := range c.in {
		if !c.has(k) {
			return fmt.Errorf("operand %d is missing", k)
		}
		ranks[k] = len(c.shapeOf(k))
	}
	terms, result, err := Equation(text, ranks)
	if err != nil {
		return err
	}
	size := map[label]int{}
	for k, term := range terms {
		for a, l := range term {
			n := c.shapeOf(k)[a]
			switch old, seen := size[l]; {
			case !seen || old == 1:
				size[l] = n
			case n != 1 && n != old:
				return fmt.Errorf("axis %d of operand %d has the extent %d, an earlier one of the same letter %d", a, k, n, old)
			}
		}
	}
	out := make(nn.Shape, len(result))
	for k, l := range result {
		n, ok := size[l]
		if !ok || slices.Index(result, l) != k {
			return fmt.Errorf("its equation %.60q has an axis of the result twice, or one that no operand has", text)
		}
		out[k] = n
	}
	c.set(0, out)
	return nil
}
