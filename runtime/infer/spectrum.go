package infer

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// spectrum is a Fourier transform along one axis, or of frames where the operator takes a distance of frames. Its last axis are real and
// imaginary parts.
func spectrum(c *call) error {
	if slices.ContainsFunc(c.operands, func(o operators.Operand) bool { return o.Name == "frame_step" }) {
		return framed(c)
	}
	x := c.shapeOf(0)
	rank := len(x)
	if rank < 2 || x[rank-1] != 1 && x[rank-1] != 2 {
		return fmt.Errorf("an operand of shape %v does not end in one or two parts", x)
	}
	axis, err := c.frequencies(rank)
	if err != nil {
		return err
	}
	if axis == rank-1 {
		return fmt.Errorf("axis %d are the parts", axis)
	}
	n := int64(x[axis])
	if c.has(1) {
		if n, err = c.number(1); err != nil {
			return err
		}
	}
	out := slices.Clone(x)
	out[rank-1] = 2
	out[axis], err = c.bins(n, 0)
	c.set(0, out)
	return err
}

// frequencies is the axis of a DFT, an attribute before opset 20 and an operand since. Their defaults are different axes of more than three.
func (c *call) frequencies(rank int) (int, error) {
	if c.has(2) {
		v, err := c.number(2)
		if err != nil {
			return 0, err
		}
		return wrap(v, rank)
	}
	if _, stated := c.node.Attr("axis"); !stated && rank > 3 {
		return 0, unknown("it does not state its axis, and opsets differ in the axis that it has then")
	}
	return c.axis("axis", 1, rank)
}

// framed is the spectrum of each of a signal's frames.
func framed(c *call) error {
	x := c.shapeOf(0)
	if len(x) != 2 && (len(x) != 3 || x[2] != 1 && x[2] != 2) {
		return fmt.Errorf("a signal of shape %v; want a batch, positions, and one or two parts at most", x)
	}
	step, err := c.number(1)
	if err != nil {
		return err
	}
	var length int64
	switch {
	case c.has(3):
		if length, err = c.number(3); err != nil {
			return err
		}
	case c.has(2) && len(c.shapeOf(2)) == 1:
		length = int64(c.shapeOf(2)[0])
	}
	if c.has(2) && (len(c.shapeOf(2)) != 1 || int64(c.shapeOf(2)[0]) != length) {
		return fmt.Errorf("a window of shape %v for frames of %d positions", c.shapeOf(2), length)
	}
	if step < 1 || length < 1 || length > int64(x[1]) {
		return fmt.Errorf("frames of %d positions at a distance of %d, of a signal of %d", length, step, x[1])
	}
	bins, err := c.bins(length, 1)
	if err != nil {
		return err
	}
	frames, err := extent((int64(x[1])-length)/step + 1)
	c.set(0, nn.Shape{x[0], frames, bins, 2})
	return err
}

// bins is the number of frequencies of n positions: half of them where the spectrum has one side.
func (c *call) bins(n, oneSided int64) (int, error) {
	half, err := c.flag("onesided", oneSided)
	if err != nil {
		return 0, err
	}
	if n < 1 {
		return 0, fmt.Errorf("a transform of %d positions", n)
	}
	if half != 0 {
		n = n/2 + 1
	}
	return extent(n)
}
