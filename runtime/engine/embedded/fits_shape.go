package embedded

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/nn"
)

// sameShape is that of functions of single elements. Further results, such as the mask of a Dropout, are of no use to the engine.
func sameShape(_ *compiler, _ node, in []nn.Shape) ([]nn.Shape, error) { return in[:1], nil }

// alongShape is that of functions of the rows along an axis.
func alongShape(otherwise int) rule {
	return func(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
		_, err := n.Axis(otherwise, len(in[0]))
		return in[:1], err
	}
}

func channelsShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	if size := n.Integer("size", 0); len(in[0]) < 2 || size < 1 || size > maxWindow {
		return nil, fmt.Errorf("a size of %d for an operand of shape %v", size, in[0])
	}
	return in[:1], nil
}

func broadcastShape(_ *compiler, _ node, in []nn.Shape) ([]nn.Shape, error) {
	out := in[0]
	for _, x := range in[1:] {
		both, ok := nn.Broadcast(out, x)
		if !ok {
			return nil, fmt.Errorf("operands of shapes %v do not fit each other", in)
		}
		out = both
	}
	return []nn.Shape{out}, nil
}

func reduceShape(c *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	gone, err := c.Reduced(n)
	return []nn.Shape{kept(n, in[0], gone)}, err
}

func argShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	axis, err := n.Axis(0, len(in[0]))
	if err != nil {
		return nil, err
	}
	gone := make([]bool, len(in[0]))
	gone[axis] = true
	return []nn.Shape{kept(n, in[0], gone)}, nil
}

// kept is x after a reduction of the axes that are gone.
func kept(n node, x nn.Shape, gone []bool) nn.Shape {
	out := nn.Shape{}
	for axis, is := range gone {
		switch {
		case !is:
			out = append(out, x[axis])
		case n.Integer("keepdims", 1) != 0:
			out = append(out, 1)
		}
	}
	return out
}

// reshapeShape is that of operators that leave elements where they are: their number is what the kernels rely on.
func reshapeShape(c *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	if y := c.Shape(n.Out[0]); in[0].Count() != y.Bind(someBatch).Count() {
		return nil, fmt.Errorf("its operand of shape %v cannot become %v", c.Shape(n.In[0]), y)
	}
	return nil, nil
}

func transposeShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	x, perm := in[0], n.List("perm", len(in[0]), -1)
	if _, given := n.Attr("perm"); !given {
		out := slices.Clone(x)
		slices.Reverse(out)
		return []nn.Shape{out}, nil
	}
	if sorted := slices.Sorted(slices.Values(perm)); !slices.Equal(sorted, autodiff.Plain(len(x))) {
		return nil, fmt.Errorf("%v is not a permutation of %d axes", perm, len(x))
	}
	return []nn.Shape{autodiff.Arrange(x, perm)}, nil
}

func concatShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	axis, err := n.Axis(0, len(in[0]))
	if err != nil {
		return nil, err
	}
	out := slices.Clone(in[0])
	for _, x := range in[1:] {
		if len(x) != len(out) || !slices.Equal(x[:axis], out[:axis]) || !slices.Equal(x[axis+1:], out[axis+1:]) {
			return nil, fmt.Errorf("operands of shapes %v cannot follow each other along axis %d", in, axis)
		}
		out[axis] += x[axis]
	}
	return []nn.Shape{out}, nil
}

// splitShape takes the extents along the axis from the results where no list states them.
func splitShape(c *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	axis, err := n.Axis(0, len(in[0]))
	if err != nil {
		return nil, err
	}
	sizes, err := c.Plan.Integers(n, "split", 1)
	if err != nil {
		return nil, err
	}
	if sizes == nil {
		for _, v := range n.Out {
			if len(c.Shape(v)) != len(in[0]) {
				return nil, errors.New("it does not say how long its results are")
			}
			sizes = append(sizes, c.Shape(v).Bind(someBatch)[axis])
		}
	}
	total := 0
	var out []nn.Shape
	for _, size := range sizes {
		part := slices.Clone(in[0])
		part[axis] = min(max(size, 0), math.MaxInt32)
		total += part[axis]
		out = append(out, part)
	}
	if total != in[0][axis] || len(out) != len(n.Out) {
		return nil, fmt.Errorf("its results have the shapes %v, of an operand of shape %v", out, in[0])
	}
	return out, nil
}

func sliceShape(c *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	parts, err := c.Ranges(n, c.Shape(n.In[0]))
	if err != nil {
		return nil, err
	}
	out, seen := slices.Clone(in[0]), make([]bool, len(in[0]))
	for _, p := range parts {
		if seen[p.Axis] {
			return nil, fmt.Errorf("it cuts axis %d twice", p.Axis)
		}
		seen[p.Axis], out[p.Axis] = true, p.N
	}
	return []nn.Shape{out}, nil
}

func gatherShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	axis, err := n.Axis(0, len(in[0]))
	if err != nil {
		return nil, err
	}
	return []nn.Shape{slices.Concat(in[0][:axis], in[1], in[0][axis+1:])}, nil
}

func padShape(c *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	pads, err := c.Plan.Integers(n, "pads", 1)
	if err != nil {
		return nil, err
	}
	out := slices.Clone(in[0])
	if len(pads) != 2*len(out) {
		return nil, fmt.Errorf("pads %v of a tensor of rank %d", pads, len(out))
	}
	for k := range out {
		for _, p := range []int{pads[k], pads[len(out)+k]} {
			if p < -math.MaxInt32 || p > math.MaxInt32 {
				return nil, fmt.Errorf("pads %v: from %d to %d is possible", pads, -math.MaxInt32, math.MaxInt32)
			}
			out[k] += p
		}
		if out[k] < 0 {
			return nil, fmt.Errorf("pads %v take away more than there is of %v", pads, in[0])
		}
	}
	return []nn.Shape{out}, nil
}

// expandShape lets results be as large as they say: the batch of an Expand is often computed from another value.
func expandShape(c *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	if y := c.Shape(n.Out[0]); !spreads(in[0], y.Bind(someBatch)) {
		return nil, fmt.Errorf("its operand of shape %v cannot be repeated to %v", c.Shape(n.In[0]), y)
	}
	return nil, nil
}

// tileShape is expandShape for whole repeats.
func tileShape(c *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	y := c.Shape(n.Out[0]).Bind(someBatch)
	for k := range y {
		if len(y) != len(in[0]) || y[k]%max(in[0][k], 1) != 0 {
			return nil, fmt.Errorf("its operand of shape %v cannot be repeated to %v", c.Shape(n.In[0]), c.Shape(n.Out[0]))
		}
	}
	return nil, nil
}

// resizeShape compares where scales are given; otherwise the result's shape is what the engine scales to.
func resizeShape(c *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	x, y := in[0], c.Shape(n.Out[0])
	if len(x) != len(y) || len(x) == 0 {
		return nil, fmt.Errorf("its operand of shape %v cannot become %v", c.Shape(n.In[0]), y)
	}
	scales, err := c.Optional(n, 2)
	if err != nil {
		return nil, err
	}
	for k, s := range scales {
		if want := float64(s) * float64(x[min(k, len(x)-1)]); len(scales) != len(x) || math.Abs(float64(y.Bind(someBatch)[k])-want) >= 1 {
			return nil, fmt.Errorf("its operand of shape %v, scaled by %v, is not %v", c.Shape(n.In[0]), scales, y)
		}
	}
	return nil, nil
}

func triluShape(_ *compiler, _ node, in []nn.Shape) ([]nn.Shape, error) {
	if len(in[0]) < 2 {
		return nil, fmt.Errorf("its operand of shape %v is not a matrix", in[0])
	}
	return in[:1], nil
}

// block is the attribute blocksize of an operator of images.
func block(n node, x nn.Shape) (int, error) {
	b := n.Integer("blocksize", 0)
	if len(x) != 4 || b < 1 || b > maxWindow {
		return 0, fmt.Errorf("a blocksize of %d for an operand of shape %v", b, x)
	}
	return b, nil
}

func depthToSpaceShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	x := in[0]
	b, err := block(n, x)
	if err == nil && x[1]%(b*b) != 0 {
		err = fmt.Errorf("%d channels are not blocks of %d by %d", x[1], b, b)
	}
	if err != nil {
		return nil, err
	}
	return []nn.Shape{{x[0], x[1] / (b * b), x[2] * b, x[3] * b}}, nil
}

func spaceToDepthShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	x := in[0]
	b, err := block(n, x)
	if err == nil && (x[2]%b != 0 || x[3]%b != 0) {
		err = fmt.Errorf("images of shape %v are not blocks of %d by %d", x, b, b)
	}
	if err != nil {
		return nil, err
	}
	return []nn.Shape{{x[0], x[1] * b * b, x[2] / b, x[3] / b}}, nil
}
