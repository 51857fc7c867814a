package infer

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// gather has the indices' axes in place of one.
func gather(c *call) error {
	x := c.shapeOf(0)
	axis, err := c.axis("axis", 0, len(x))
	if err != nil {
		return err
	}
	c.set(0, slices.Concat(x[:axis], c.shapeOf(1), x[axis+1:]))
	return nil
}

// inside checks that indices lie inside an operand along all axes but one.
func inside(index, x nn.Shape, axis int) error {
	if len(index) != len(x) {
		return fmt.Errorf("indices of %d axes do not fit an operand with %d", len(index), len(x))
	}
	for a, n := range index {
		if a != axis && n > x[a] {
			return fmt.Errorf("indices of shape %v do not fit an operand of shape %v along axis %d", index, x, axis)
		}
	}
	return nil
}

// gatherElements has the indices' shape.
func gatherElements(c *call) error {
	axis, err := c.axis("axis", 0, len(c.shapeOf(0)))
	if err != nil {
		return err
	}
	c.set(0, slices.Clone(c.shapeOf(1)))
	return inside(c.shapeOf(1), c.shapeOf(0), axis)
}

// scatterElements keeps the shape; there is an update for each index.
func scatterElements(c *call) error {
	axis, err := c.axis("axis", 0, len(c.shapeOf(0)))
	if err != nil {
		return err
	}
	if !slices.Equal(c.shapeOf(1), c.shapeOf(2)) {
		return fmt.Errorf("updates of shape %v do not fit indices of shape %v", c.shapeOf(2), c.shapeOf(1))
	}
	if err := inside(c.shapeOf(1), c.shapeOf(0), axis); err != nil {
		return err
	}
	return same(c)
}

// points splits the shapes of an operator whose last axis of indices names positions along axes of the operand: what comes before that
// axis, and the axes that a position leaves.
func (c *call) points(batch int) (where, rest nn.Shape, err error) {
	x, index := c.shapeOf(0), c.shapeOf(1)
	if len(index) == 0 {
		return nil, nil, fmt.Errorf("its indices are a scalar")
	}
	where, n := index[:len(index)-1], index[len(index)-1]
	if n > len(x)-batch || n < 1 || batch > len(where) || !slices.Equal(where[:batch], x[:batch]) {
		return nil, nil, fmt.Errorf("indices of shape %v do not fit an operand of shape %v after %d axes", index, x, batch)
	}
	return where, x[batch+n:], nil
}

// gatherND has what each position leaves, at each place of the indices.
func gatherND(c *call) error {
	batch, err := c.int("batch_dims", 0)
	if err != nil {
		return err
	}
	if batch < 0 || batch >= int64(min(len(c.shapeOf(0)), len(c.shapeOf(1)))) {
		return fmt.Errorf("attribute batch_dims is %d, want less than the axes of each operand", batch)
	}
	where, rest, err := c.points(int(batch))
	c.set(0, slices.Concat(where, rest))
	return err
}

// scatterND keeps the shape; there is an update for each position.
func scatterND(c *call) error {
	where, rest, err := c.points(0)
	if err != nil {
		return err
	}
	if want := slices.Concat(where, rest); !slices.Equal(c.shapeOf(2), want) {
		return fmt.Errorf("updates have the shape %v, its indices want %v", c.shapeOf(2), want)
	}
	return same(c)
}

// topK takes k positions of an axis.
func topK(c *call) error {
	x := slices.Clone(c.shapeOf(0))
	axis, err := c.axis("axis", -1, len(x))
	if err != nil {
		return err
	}
	k, err := c.int("k", -1)
	if err != nil {
		return err
	}
	if c.has(1) {
		if k, err = c.number(1); err != nil {
			return err
		}
	}
	if k < 0 || k > int64(x[axis]) {
		return fmt.Errorf("it takes %d positions of an axis of %d", k, x[axis])
	}
	x[axis] = int(k)
	c.setAll(x)
	return nil
}

// oneHot adds an axis as long as there are classes.
func oneHot(c *call) error {
	x := c.shapeOf(0)
	axis, err := c.axis("axis", -1, len(x)+1)
	if err != nil {
		return err
	}
	if !slices.Equal(c.shapeOf(2), nn.Shape{2}) {
		return fmt.Errorf("its values have the shape %v, want [2]", c.shapeOf(2))
	}
	depth, err := c.number(1)
	if err != nil {
		return err
	}
	n, err := extent(depth)
	c.set(0, slices.Insert(slices.Clone(x), axis, n))
	return err
}

// suppression checks its operands; how many boxes it keeps depends on them.
func suppression(c *call) error {
	boxes, scores := c.shapeOf(0), c.shapeOf(1)
	if len(boxes) != 3 || len(scores) != 3 || boxes[0] != scores[0] || boxes[2] != 4 || boxes[1] != scores[2] {
		return fmt.Errorf("boxes of shape %v and scores of shape %v do not fit", boxes, scores)
	}
	return unknown("it keeps as many boxes as differ enough, which is known when the network runs")
}

// regions makes a map of each region of interest.
func regions(c *call) error {
	x, rois, of := c.shapeOf(0), c.shapeOf(1), c.shapeOf(2)
	if len(x) != 4 || len(rois) != 2 || rois[1] != 4 || len(of) != 1 || of[0] != rois[0] {
		return fmt.Errorf("a map of shape %v, regions of shape %v and the numbers of their maps of shape %v do not fit", x, rois, of)
	}
	out := nn.Shape{rois[0], x[1], 0, 0}
	for k, name := range []string{"output_height", "output_width"} {
		size, err := c.int(name, 1)
		if err != nil {
			return err
		}
		if out[2+k], err = extent(size); err != nil {
			return err
		}
	}
	c.set(0, out)
	return nil
}

// nonZero finds as many elements as are not zero.
func nonZero(*call) error {
	return unknown("it finds as many elements as are not zero, which is known when the network runs")
}
