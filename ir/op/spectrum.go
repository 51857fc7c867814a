package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir/dim"
)

// spectrumShape has a number of frequencies in place of positions, and an axis of two parts behind. A spectrum over time has frames before it.
func spectrumShape(c *Ctx) error {
	if slices.ContainsFunc(c.Spec.operands, func(o operators.Operand) bool { return o.Name == "frame_step" }) {
		return c.frames()
	}
	x := c.In[0].Shape
	if len(x) < 2 {
		return fmt.Errorf("its operand has %d axes; want positions, and parts behind", len(x))
	}
	axis, known := c.frequencies(len(x))
	if !known {
		return nil // the model may declare the shape
	}
	if axis < 0 || axis >= len(x)-1 {
		return fmt.Errorf("axis %d does not fit an operand with %d axes, whose last one are parts", axis, len(x))
	}
	n := x[axis]
	if c.Node.Input(1) != 0 {
		if n, known = c.count(1); !known {
			return nil
		}
	}
	c.Out[0].Shape = append(slices.Clone(x[:len(x)-1]), dim.Const(2))
	c.Out[0].Shape[axis] = c.bins(n, 0)
	return nil
}

// frequencies is the axis of a DFT. Its default differs between opsets where there are more than three axes.
func (c *Ctx) frequencies(rank int) (axis int, known bool) {
	axis, known = int(c.Node.Int("axis", 1)), rank <= 3
	if _, stated := c.Node.Attr("axis"); stated {
		known = true
	}
	if c.Node.Input(2) != 0 {
		var n dim.Dim
		if n, known = c.count(2); known {
			axis = n.Original()
		}
	}
	if axis < 0 {
		axis += rank
	}
	return axis, known
}

// frames is the shape of an STFT: batch, frames, frequencies, parts.
func (c *Ctx) frames() error {
	x := c.In[0].Shape
	if len(x) != 2 && len(x) != 3 {
		return fmt.Errorf("its signal has %d axes; want a batch, positions, and parts at most", len(x))
	}
	step, known := c.count(1)
	length, given := c.count(3)
	if w := c.Node.Input(2); !given && w != 0 && c.Node.Input(3) == 0 {
		if len(c.In[2].Shape) != 1 {
			return fmt.Errorf("its window has %d axes; want 1", len(c.In[2].Shape))
		}
		length, given = c.In[2].Shape[0], true
	}
	if !known || !given {
		return nil // the model may declare the shape
	}
	if s, l := step.Original(), length.Original(); s < 1 || l < 1 {
		return errors.New("it has frames of no length, or at no distance")
	}
	frames := c.keep(dim.Sub(x[1], length))
	frames = c.keep(dim.Add(c.keep(dim.FloorDiv(frames, step)), dim.Const(1)))
	c.Out[0].Shape = []dim.Dim{x[0], frames, c.bins(length, 1), dim.Const(2)}
	return nil
}

// bins is the number of frequencies of n positions: half of them where the spectrum has one side.
func (c *Ctx) bins(n dim.Dim, oneSided int64) dim.Dim {
	if c.Node.Int("onesided", oneSided) == 0 {
		return n
	}
	return dim.Map(func(n int) int { return n/2 + 1 }, n)
}
