package infer

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// window moves over spatial axes.
type window struct {
	kernel, strides, dilations []int64
	pads                       []int64 // before each axis, then behind each
	auto                       string
}

// window reads the attributes of one with these extents.
func (c *call) window(kernel []int64) (w window, err error) {
	rank := len(kernel)
	w.kernel = kernel
	for _, k := range kernel {
		if k < 1 || k > maxExtent {
			return w, fmt.Errorf("its window is %v; want positive extents", kernel)
		}
	}
	if w.strides, err = c.steps("strides", rank, 1); err != nil {
		return w, err
	}
	if w.dilations, err = c.steps("dilations", rank, 1); err != nil {
		return w, err
	}
	if w.pads, err = c.steps("pads", 2*rank, 0); err != nil {
		return w, err
	}
	w.auto, err = c.text("auto_pad", "NOTSET")
	switch w.auto {
	case "NOTSET":
	case "VALID", "SAME_UPPER", "SAME_LOWER":
		clear(w.pads)
	default:
		err = fmt.Errorf("attribute auto_pad is %.40q", w.auto)
	}
	return w, err
}

// steps is a list attribute of n numbers, filled with the least one that is possible where it is left out.
func (c *call) steps(name string, n int, least int64) ([]int64, error) {
	list, _, err := c.ints(name)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return slices.Repeat([]int64{least}, n), nil
	}
	if len(list) != n {
		return nil, fmt.Errorf("attribute %s has %d numbers, want %d", name, len(list), n)
	}
	for _, v := range list {
		if v < least || v > maxStep {
			return nil, fmt.Errorf("attribute %s has %d, want between %d and %d", name, v, least, maxStep)
		}
	}
	return slices.Clone(list), nil
}

// reach is how many positions the window spans along axis a.
func (w window) reach(a int) int64 { return (w.kernel[a]-1)*w.dilations[a] + 1 }

// slide is the number of positions of the window along axis a of extent n.
func (w window) slide(a int, n int64, ceil bool) (int, error) {
	stride, padded := w.strides[a], n+w.pads[a]
	if w.auto == "SAME_UPPER" || w.auto == "SAME_LOWER" {
		return extent((n + stride - 1) / stride)
	}
	room := padded + w.pads[a+len(w.kernel)] - w.reach(a)
	if n < 1 || room < 0 {
		return 0, fmt.Errorf("a window that spans %d does not fit axis %d of extent %d with padding %d and %d", w.reach(a), a+2, n, w.pads[a], w.pads[a+len(w.kernel)])
	}
	out := room/stride + 1
	if ceil && room%stride != 0 && out*stride < padded { // else the window would start in the padding behind
		out++
	}
	return extent(out)
}

// spread is the extent that a transposed convolution makes of n along axis a.
func (w window) spread(a int, n, extra int64) (int, error) {
	if w.auto == "SAME_UPPER" || w.auto == "SAME_LOWER" {
		return extent(n * w.strides[a])
	}
	out := w.strides[a]*(n-1) + extra + w.reach(a) - w.pads[a] - w.pads[a+len(w.kernel)]
	if n < 1 || out < 1 {
		return 0, fmt.Errorf("axis %d of extent %d would become %d", a+2, n, out)
	}
	return extent(out)
}

// pooling is the window that kernel_shape states, which moves over all axes of the first operand but two.
func (c *call) pooling() (window, error) {
	rank := len(c.shapeOf(0))
	kernel, _, err := c.ints("kernel_shape")
	if err == nil && (rank < 3 || len(kernel) != rank-2) {
		err = fmt.Errorf("a window of %d axes does not fit an operand with %d; want two less", len(kernel), rank)
	}
	if err != nil {
		return window{}, err
	}
	return c.window(kernel)
}

// pool keeps batch and channels.
func pool(c *call) error {
	x := c.shapeOf(0)
	w, err := c.pooling()
	if err != nil {
		return err
	}
	ceil, err := c.flag("ceil_mode", 0)
	if err != nil {
		return err
	}
	out := slices.Clone(x[:2])
	for a, n := range x[2:] {
		d, err := w.slide(a, int64(n), ceil != 0)
		if err != nil {
			return err
		}
		out = append(out, d)
	}
	c.setAll(out)
	return nil
}

// unpool makes what MaxPool made its operand of, or what output_shape states.
func unpool(c *call) error {
	x := c.shapeOf(0)
	w, err := c.pooling()
	if err != nil {
		return err
	}
	stated, given, err := c.list("output_shape")
	if err != nil {
		return err
	}
	if given && len(stated) != len(x) {
		return fmt.Errorf("output_shape has %d numbers, want %d", len(stated), len(x))
	}
	out := slices.Clone(x)
	for a := range x {
		switch {
		case given:
			out[a], err = extent(stated[a])
		case a > 1:
			out[a], err = w.spread(a-2, int64(x[a]), 0)
		}
		if err != nil {
			return err
		}
	}
	c.set(0, out)
	return nil
}

// globalPool keeps batch and channels, and makes 1 of space.
func globalPool(c *call) error {
	x := slices.Clone(c.shapeOf(0))
	if len(x) < 2 {
		return fmt.Errorf("its operand has %d axes, want channels in axis 1", len(x))
	}
	for a := range x[2:] {
		x[2+a] = 1
	}
	c.set(0, x)
	return nil
}

// filters checks that a convolution's operands have the same number of axes, and returns its window and the number of its groups.
func (c *call) filters() (w window, groups int64, err error) {
	x, f := c.shapeOf(0), c.shapeOf(1)
	if len(x) < 3 || len(f) != len(x) {
		return w, 0, fmt.Errorf("its operand has %d axes and its weight %d; want the same number, at least 3", len(x), len(f))
	}
	kernel := make([]int64, len(f)-2)
	for a, n := range f[2:] {
		kernel[a] = int64(n)
	}
	stated, _, err := c.ints("kernel_shape")
	if err != nil {
		return w, 0, err
	}
	if len(stated) > 0 && !slices.Equal(stated, kernel) {
		return w, 0, fmt.Errorf("attribute kernel_shape is %v, its weight has the shape %v", stated, f)
	}
	if groups, err = c.int("group", 1); err != nil {
		return w, 0, err
	}
	if groups < 1 || groups > maxExtent {
		return w, 0, fmt.Errorf("attribute group is %d, want between 1 and %d", groups, maxExtent)
	}
	w, err = c.window(kernel)
	return w, groups, err
}

// bias checks operand 2, which has one number for each channel of the result.
func (c *call) bias(channels int64) error {
	if c.has(2) && !slices.Equal(c.shapeOf(2), nn.Shape{int(channels)}) {
		return fmt.Errorf("its bias has the shape %v, its result has %d channels", c.shapeOf(2), channels)
	}
	return nil
}

// conv has a weight [out, in/groups, window...].
func conv(c *call) error {
	w, groups, err := c.filters()
	if err != nil {
		return err
	}
	x, f := c.shapeOf(0), c.shapeOf(1)
	if int64(f[1])*groups != int64(x[1]) || int64(f[0])%groups != 0 {
		return fmt.Errorf("an operand of %d channels does not fit a weight of shape %v in %d groups", x[1], f, groups)
	}
	if err := c.bias(int64(f[0])); err != nil {
		return err
	}
	out := nn.Shape{x[0], f[0]}
	for a, n := range x[2:] {
		d, err := w.slide(a, int64(n), false)
		if err != nil {
			return err
		}
		out = append(out, d)
	}
	c.set(0, out)
	return nil
}

// convTranspose has a weight [in, out/groups, window...].
func convTranspose(c *call) error {
	w, groups, err := c.filters()
	if err != nil {
		return err
	}
	x, f := c.shapeOf(0), c.shapeOf(1)
	if f[0] != x[1] || int64(x[1])%groups != 0 {
		return fmt.Errorf("an operand of %d channels does not fit a weight of shape %v in %d groups", x[1], f, groups)
	}
	channels, err := extent(int64(f[1]) * groups)
	if err != nil {
		return err
	}
	if err := c.bias(int64(channels)); err != nil {
		return err
	}
	extra, err := c.steps("output_padding", len(w.kernel), 0)
	if err != nil {
		return err
	}
	stated, _, err := c.ints("output_shape")
	if err != nil {
		return err
	}
	if len(stated) > 0 && len(stated) != len(w.kernel) {
		return fmt.Errorf("attribute output_shape has %d numbers, want %d", len(stated), len(w.kernel))
	}
	out := nn.Shape{x[0], channels}
	for a, n := range x[2:] {
		d, err := 0, error(nil)
		if len(stated) > 0 {
			d, err = extent(stated[a])
		} else {
			d, err = w.spread(a, int64(n), extra[a])
		}
		if err != nil {
			return err
		}
		out = append(out, d)
	}
	c.set(0, out)
	return nil
}
