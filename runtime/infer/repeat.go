package infer

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// expand broadcasts the operand with a shape. There recorded networks have -1 for the open batch, also when it is bound.
func expand(c *call) error {
	list, given, err := c.list("shape")
	if err != nil {
		return err
	}
	if !given {
		return errors.New("its target shape is missing")
	}
	if slices.Contains(list, -1) {
		return unknown("its target shape %v leaves the batch open", list)
	}
	target, err := extents(list)
	if err != nil {
		return err
	}
	out, ok := nn.Broadcast(c.shapeOf(0), target)
	if !ok {
		return fmt.Errorf("shapes %v and %v do not broadcast", c.shapeOf(0), target)
	}
	c.set(0, out)
	return nil
}

// pad adds positions before and behind each axis, or takes some off.
func pad(c *call) error {
	x := slices.Clone(c.shapeOf(0))
	pads, given, err := c.list("pads")
	if err != nil {
		return err
	}
	where, some, err := c.list("axes")
	if err != nil {
		return err
	}
	if !some {
		for a := range x {
			where = append(where, int64(a))
		}
	}
	if !given || len(pads) != 2*len(where) {
		return fmt.Errorf("it has %d pads for %d axes, want two for each", len(pads), len(where))
	}
	if _, err := axes(where, len(x)); err != nil {
		return err
	}
	for k, axis := range where {
		before, behind := pads[k], pads[len(where)+k]
		if max(before, behind) > maxStep || min(before, behind) < -maxStep {
			return fmt.Errorf("pads %v are beyond %d", pads, maxStep)
		}
		a, _ := wrap(axis, len(x))
		if x[a], err = extent(int64(x[a]) + before + behind); err != nil {
			return err
		}
	}
	c.set(0, x)
	return nil
}

// tile repeats each axis.
func tile(c *call) error {
	x := c.shapeOf(0)
	repeats, given, err := c.list("repeats")
	if err != nil {
		return err
	}
	if !given || len(repeats) != len(x) {
		return fmt.Errorf("it has %d repeats for %d axes", len(repeats), len(x))
	}
	out := make(nn.Shape, len(x))
	for a, n := range x {
		if repeats[a] < 0 || repeats[a] > maxExtent {
			return fmt.Errorf("repeats %v are not between 0 and %d", repeats, maxExtent)
		}
		if out[a], err = extent(int64(n) * repeats[a]); err != nil {
			return err
		}
	}
	c.set(0, out)
	return nil
}

// blocks returns the side of the blocks of an operator that moves elements between channels and space.
func (c *call) blocks() (side int, err error) {
	v, err := c.int("blocksize", 0)
	if err != nil {
		return 0, err
	}
	const most = 1 << 15 // so that its square is an extent
	if len(c.shapeOf(0)) != 4 || v < 1 || v > most {
		return 0, fmt.Errorf("its operand has %d axes and its blocks a side of %d; want an image and between 1 and %d", len(c.shapeOf(0)), v, most)
	}
	return int(v), nil
}

func depthToSpace(c *call) error {
	side, err := c.blocks()
	if err != nil {
		return err
	}
	x, b := c.shapeOf(0), int64(side)
	if x[1]%(side*side) != 0 {
		return fmt.Errorf("%d channels cannot be cut into blocks of %d", x[1], side*side)
	}
	out, err := extents([]int64{int64(x[0]), int64(x[1]) / (b * b), int64(x[2]) * b, int64(x[3]) * b})
	c.set(0, out)
	return err
}

func spaceToDepth(c *call) error {
	side, err := c.blocks()
	if err != nil {
		return err
	}
	x, b := c.shapeOf(0), int64(side)
	if x[2]%side != 0 || x[3]%side != 0 {
		return fmt.Errorf("a map of %d by %d cannot be cut into blocks of %d by %d", x[2], x[3], side, side)
	}
	if int64(x[1]) > maxExtent/(b*b) {
		return fmt.Errorf("%d channels in blocks of %d are too many", x[1], b*b)
	}
	out, err := extents([]int64{int64(x[0]), int64(x[1]) * b * b, int64(x[2]) / b, int64(x[3]) / b})
	c.set(0, out)
	return err
}

// resize is Resize or Upsample: sizes say the extents, or scales by how much each axis grows.
func resize(c *call) error {
	x := c.shapeOf(0)
	scales, scaled, err := c.scales()
	if err != nil {
		return err
	}
	sizes, sized, err := c.list("sizes")
	if err != nil {
		return err
	}
	list, some, err := c.ints("axes")
	if err != nil {
		return err
	}
	if !some {
		for a := range x {
			list = append(list, int64(a))
		}
	}
	if _, err := axes(list, len(x)); err != nil {
		return err
	}
	switch {
	case scaled && len(scales) > 0 && len(scales) == len(list):
		return c.scale(list, scales)
	case sized && len(sizes) == len(list):
		return c.resizeTo(list, sizes)
	case scaled || sized:
		return fmt.Errorf("it has %d scales and %d sizes for %d axes", len(scales), len(sizes), len(list))
	}
	return errors.New("it has neither scales nor sizes")
}

// scales are an attribute or an operand, whose place has changed.
func (c *call) scales() (list []float32, given bool, err error) {
	if a, given, err := c.attr("scales", nn.AttrFloats); given || err != nil {
		return a.Floats, given, err
	}
	k := c.place("scales")
	if len(c.in) == 2 {
		k = 1
	}
	switch {
	case !c.has(k):
		return nil, false, nil
	case c.in[k].Floats != nil:
		return c.in[k].Floats, len(c.in[k].Floats) > 0, nil
	}
	if n, err := product(c.shapeOf(k)); err == nil && n == 0 { // exporters write an empty list where there are sizes
		return nil, false, nil
	}
	return nil, true, unknown("operand %d, its scales, is computed when the network runs", k)
}

// scale multiplies axes. The product is rounded down, and float32 is too coarse for some: what double precision does not confirm is unknown.
func (c *call) scale(list []int64, scales []float32) error {
	const tolerance = 1e-6 // scales such as 1/3 and 0.7 are not exact
	mode, err := c.text("coordinate_transformation_mode", "half_pixel")
	if err != nil {
		return err
	}
	if mode == "tf_crop_and_resize" {
		return unknown("the region that it crops decides the extents")
	}
	out := slices.Clone(c.shapeOf(0))
	for k, axis := range list {
		a, _ := wrap(axis, len(out))
		f := scales[k]
		if !(f > 0) || float64(f)*float64(out[a]) > maxExtent {
			return fmt.Errorf("a scale of %g for axis %d of extent %d is not possible", f, a, out[a])
		}
		n := math.Floor(float64(f)*float64(out[a]) + tolerance)
		if coarse := math.Floor(float64(f * float32(out[a]))); coarse != n {
			return unknown("axis %d of extent %d times %g is %g or %g, which depends on how it is rounded", a, out[a], f, coarse, n)
		}
		out[a] = int(n)
	}
	c.set(0, out)
	return nil
}

// resizeTo gives axes the sizes, or keeps the ratio of the extents within or beyond them.
func (c *call) resizeTo(list, sizes []int64) error {
	policy, err := c.text("keep_aspect_ratio_policy", "stretch")
	if err != nil {
		return err
	}
	target, err := extents(sizes)
	if err != nil {
		return err
	}
	out := slices.Clone(c.shapeOf(0))
	ratio := 0.0
	for k, axis := range list {
		a, _ := wrap(axis, len(out))
		if policy == "stretch" {
			out[a] = target[k]
			continue
		}
		if out[a] == 0 {
			return fmt.Errorf("axis %d has no positions, so it has no aspect ratio", a)
		}
		r := float64(target[k]) / float64(out[a])
		if k == 0 || policy == "not_larger" && r < ratio || policy == "not_smaller" && r > ratio {
			ratio = r
		}
	}
	switch policy {
	case "stretch":
		c.set(0, out)
		return nil
	case "not_larger", "not_smaller":
	default:
		return fmt.Errorf("attribute keep_aspect_ratio_policy is %.40q", policy)
	}
	for _, axis := range list {
		a, _ := wrap(axis, len(out))
		if out[a], err = extent(int64(min(math.Floor(ratio*float64(out[a])+0.5), 2*maxExtent))); err != nil {
			return err
		}
	}
	c.set(0, out)
	return nil
}
