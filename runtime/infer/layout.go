package infer

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// flatten makes a matrix of the axes before one and of those from it on.
func flatten(c *call) error {
	x := c.shapeOf(0)
	axis, err := c.int("axis", 1)
	if err != nil {
		return err
	}
	if axis < -int64(len(x)) || axis > int64(len(x)) {
		return fmt.Errorf("axis %d does not fit %d axes", axis, len(x))
	}
	if axis < 0 {
		axis += int64(len(x))
	}
	rows, err := product(x[:axis])
	if err != nil {
		return err
	}
	columns, err := product(x[axis:])
	if err != nil {
		return err
	}
	out, err := extents([]int64{rows, columns})
	c.set(0, out)
	return err
}

// reshape keeps the elements. In its target 0 copies an extent, and one -1 is what the others leave.
func reshape(c *call) error {
	x := c.shapeOf(0)
	target, given, err := c.list("shape")
	if err != nil {
		return err
	}
	if !given {
		return errors.New("its target shape is missing")
	}
	zero, err := c.flag("allowzero", 0)
	if err != nil {
		return err
	}
	target, open := slices.Clone(target), -1
	for k, n := range target {
		switch {
		case n == 0 && zero == 0 && k >= len(x):
			return fmt.Errorf("its target shape %v copies axis %d of an operand with %d axes", target, k, len(x))
		case n == 0 && zero == 0:
			target[k] = int64(x[k])
		case n == -1 && open >= 0:
			return fmt.Errorf("its target shape %v leaves two extents open", target)
		case n == -1:
			open, target[k] = k, 1
		}
	}
	out, err := extents(target)
	if err != nil {
		return err
	}
	have, err := product(x)
	if err != nil {
		return err
	}
	want, err := product(out)
	if err != nil {
		return err
	}
	if open >= 0 && want > 0 {
		if out[open], err = extent(have / want); err != nil {
			return err
		}
		want *= have / want
	}
	if open >= 0 && want == 0 && have == 0 {
		return fmt.Errorf("its target shape leaves axis %d open, and any extent would do", open)
	}
	if have != want {
		return fmt.Errorf("%d elements cannot have the shape %v", have, out)
	}
	c.set(0, out)
	return nil
}

// squeeze removes axes of extent 1: those that it names, or all.
func squeeze(c *call) error {
	x := c.shapeOf(0)
	list, _, err := c.list("axes")
	if err != nil {
		return err
	}
	gone, err := axes(list, len(x))
	if err != nil {
		return err
	}
	out := nn.Shape{}
	for a, n := range x {
		if gone[a] && n != 1 {
			return fmt.Errorf("axis %d has extent %d, only 1 can be removed", a, n)
		}
		if !gone[a] && (n != 1 || len(gone) > 0) {
			out = append(out, n)
		}
	}
	c.set(0, out)
	return nil
}

// unsqueeze adds axes of extent 1.
func unsqueeze(c *call) error {
	x := c.shapeOf(0)
	list, given, err := c.list("axes")
	if err != nil {
		return err
	}
	if !given {
		return errors.New("its axes are missing")
	}
	if len(list) > maxRank {
		return fmt.Errorf("it adds %d axes, more than %d", len(list), maxRank)
	}
	rank := len(x) + len(list)
	added, err := axes(list, rank)
	if err != nil {
		return err
	}
	out, left := nn.Shape{}, x
	for a := range rank {
		if added[a] {
			out = append(out, 1)
			continue
		}
		out, left = append(out, left[0]), left[1:]
	}
	c.set(0, out)
	return nil
}

// transpose permutes the axes; without an order it reverses them.
func transpose(c *call) error {
	x := c.shapeOf(0)
	perm, given, err := c.ints("perm")
	if err != nil {
		return err
	}
	if !given {
		out := slices.Clone(x)
		slices.Reverse(out)
		c.set(0, out)
		return nil
	}
	out, seen := make(nn.Shape, len(x)), make([]bool, len(x))
	if len(perm) != len(x) {
		return fmt.Errorf("perm %v does not permute %d axes", perm, len(x))
	}
	for k, a := range perm {
		if a < 0 || a >= int64(len(x)) || seen[a] {
			return fmt.Errorf("perm %v does not permute %d axes", perm, len(x))
		}
		out[k], seen[a] = x[a], true
	}
	c.set(0, out)
	return nil
}

// concat joins operands along an axis.
func concat(c *call) error {
	out := slices.Clone(c.shapeOf(0))
	if _, given := c.node.Attr("axis"); !given {
		return unknown("it does not say along which axis it joins")
	}
	axis, err := c.axis("axis", 0, len(out))
	if err != nil {
		return err
	}
	total := int64(0)
	for k := range c.in {
		if !c.has(k) {
			return fmt.Errorf("operand %d is missing", k)
		}
		x := c.shapeOf(k)
		if len(x) != len(out) || !slices.Equal(x[:axis], out[:axis]) || !slices.Equal(x[axis+1:], out[axis+1:]) {
			return fmt.Errorf("operand %d has the shape %v; joined along axis %d it does not fit %v", k, x, axis, c.shapeOf(0))
		}
		if total += int64(x[axis]); total > maxExtent {
			break
		}
	}
	out[axis], err = extent(total)
	c.set(0, out)
	return err
}

// split cuts an axis into the parts that it names, or into equal ones, of which the last may be smaller.
func split(c *call) error {
	x := c.shapeOf(0)
	axis, err := c.axis("axis", 0, len(x))
	if err != nil {
		return err
	}
	sizes, given, err := c.list("split")
	if err != nil {
		return err
	}
	parts, n := int64(len(c.out)), int64(x[axis])
	if count, err := c.int("num_outputs", parts); err != nil || count != parts {
		return errors.Join(err, fmt.Errorf("attribute num_outputs is %d, it has %d results", count, parts))
	}
	if !given {
		for left, size := n, (n+parts-1)/parts; len(sizes) < len(c.out); left -= size {
			sizes = append(sizes, min(size, left))
		}
	}
	total := int64(0)
	for _, s := range sizes {
		if s < 0 || s > n {
			return fmt.Errorf("an extent of %d cannot be cut into %v", n, sizes)
		}
		total += s
	}
	if int64(len(sizes)) != parts || total != n {
		return fmt.Errorf("an extent of %d cannot be cut into %v for %d results", n, sizes, parts)
	}
	for k, s := range sizes {
		out := slices.Clone(x)
		out[axis] = int(s)
		c.set(k, out)
	}
	return nil
}

// span is what a Slice takes of one axis.
type span struct{ start, end, step int64 }

// bounds resolves bounds that are counted from behind or lie outside of an extent n: the first position, and that where it stops.
func (s span) bounds(n int64) (first, last int64) {
	first, last = s.start, s.end
	if first < 0 {
		first += n
	}
	if last < 0 {
		last += n
	}
	if s.step > 0 {
		return min(max(first, 0), n), min(max(last, 0), n)
	}
	return min(max(first, 0), n-1), min(max(last, -1), n-1)
}

// length is the number of positions of n that it takes.
func (s span) length(n int64) int64 {
	first, last := s.bounds(n)
	switch {
	case n == 0:
		return 0
	case s.step > 0 && last > first:
		return (last-first-1)/s.step + 1
	case s.step < 0 && first > last:
		return (first-last-1)/-max(s.step, -math.MaxInt64) + 1
	}
	return 0
}

// spans reads what a Slice takes, by axis.
func (c *call) spans(rank int) (map[int]span, error) {
	var lists [4][]int64
	var given [4]bool
	for k, name := range []string{"starts", "ends", "axes", "steps"} {
		var err error
		if lists[k], given[k], err = c.list(name); err != nil {
			return nil, err
		}
	}
	starts, ends, where, steps := lists[0], lists[1], lists[2], lists[3]
	n := len(starts)
	if !given[0] || !given[1] || len(ends) != n || given[2] && len(where) != n || given[3] && len(steps) != n {
		return nil, fmt.Errorf("starts %v, ends %v, axes %v and steps %v do not match", starts, ends, where, steps)
	}
	if !given[2] {
		for k := range n {
			where = append(where, int64(k))
		}
	}
	if _, err := axes(where, rank); err != nil {
		return nil, err
	}
	out := map[int]span{}
	for k := range n {
		s := span{starts[k], ends[k], 1}
		if given[3] {
			s.step = steps[k]
		}
		if s.step == 0 {
			return nil, fmt.Errorf("steps %v are not possible", steps)
		}
		a, _ := wrap(where[k], rank)
		out[a] = s
	}
	return out, nil
}

// slice takes every so many positions between bounds.
func slice(c *call) error {
	x := slices.Clone(c.shapeOf(0))
	spans, err := c.spans(len(x))
	if err != nil {
		return err
	}
	for a, s := range spans {
		x[a] = int(s.length(int64(x[a])))
	}
	c.set(0, x)
	return nil
}
