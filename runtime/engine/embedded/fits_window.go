package embedded

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// maxWindow bounds kernels, strides, pads and dilations along an axis, so that no sum of them overflows.
const maxWindow = 1 << 15

// windowFits checks the attributes of a window over rank axes: the right number of each, positive, and not too large.
func windowFits(n node, rank int) error {
	if rank < 1 {
		return errors.New("its operand has no spatial axes")
	}
	for _, a := range []struct {
		name        string
		length, low int
	}{{"kernel_shape", rank, 1}, {"strides", rank, 1}, {"dilations", rank, 1}, {"pads", 2 * rank, 0}, {"output_padding", rank, 0}, {"output_shape", rank, 1}} {
		list, ok := n.Attr(a.name)
		if !ok {
			continue
		}
		if len(list.Ints) != a.length {
			return fmt.Errorf("its %s are %v, %d numbers are wanted", a.name, list.Ints, a.length)
		}
		for _, v := range list.Ints {
			if v < int64(a.low) || v > maxWindow && a.name != "output_shape" {
				return fmt.Errorf("its %s are %v, from %d to %d is possible", a.name, list.Ints, a.low, maxWindow)
			}
		}
	}
	return nil
}

// slid is the shape of images of the given channels that a window with extents k leaves of x, and the window along each axis.
func slid(n node, x nn.Shape, channels int, k []int) ([]nn.Shape, []kernel.Window, error) {
	if x[1] < 0 {
		return nil, nil, fmt.Errorf("the open batch is in axis 1 of %v, where the embedded engine has channels", x)
	}
	out := nn.Shape{x[0], channels}
	axes := make([]kernel.Window, len(x)-2)
	for a := range axes {
		var err error
		if axes[a], err = kernel.AxisOf(n.Node, x, k, a); err != nil {
			return nil, nil, err
		}
		_, extent := axes[a].Out()
		if extent < 1 {
			return nil, nil, fmt.Errorf("a window of %v does not fit into %v", k, x)
		}
		out = append(out, extent)
	}
	return []nn.Shape{out}, axes, nil
}

// filters checks the weights of a convolution and its bias, of out channels.
func filters(n node, x, w nn.Shape, in []nn.Shape, out int) error {
	if err := windowFits(n, len(x)-2); err != nil {
		return err
	}
	if len(x) != len(w) || slices.Max(w) > maxWindow && slices.Max(w[2:]) > maxWindow {
		return fmt.Errorf("weights of shape %v do not fit an operand of shape %v", w, x)
	}
	if k, ok := n.Attr("kernel_shape"); ok && !slices.Equal(autodiff.Ints(k.Ints), w[2:]) {
		return fmt.Errorf("its kernel_shape is %v, its weights have the shape %v", k.Ints, w)
	}
	if n.Has(2) && !slices.Equal(in[2], nn.Shape{out}) {
		return fmt.Errorf("its bias is declared with the shape %v, %v is wanted", in[2], nn.Shape{out})
	}
	return nil
}

func convShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	x, w, groups := in[0], in[1], n.Integer("group", 1)
	if len(w) < 3 {
		return nil, fmt.Errorf("its weights have the shape %v", w)
	}
	if err := filters(n, x, w, in, w[0]); err != nil {
		return nil, err
	}
	if groups < 1 || groups > x[1] || w[0]%groups != 0 || x[1] != w[1]*groups {
		return nil, fmt.Errorf("%d input channels in %d groups do not fit weight %v", x[1], groups, w)
	}
	out, _, err := slid(n, x, w[0], w[2:])
	return out, err
}

func convTransposeShape(c *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	x, w, groups := in[0], in[1], n.Integer("group", 1)
	if len(w) < 3 || groups < 1 || groups > x[min(1, len(x)-1)] {
		return nil, fmt.Errorf("its weights have the shape %v, in %d groups", w, groups)
	}
	if err := filters(n, x, w, in, w[1]*groups); err != nil {
		return nil, err
	}
	if w[0] != x[1] || x[1]%groups != 0 {
		return nil, fmt.Errorf("weights of shape %v in %d groups do not fit an operand of shape %v", w, groups, x)
	}
	rank := len(x) - 2
	strides, dilations, extra, pads := n.List("strides", rank, 1), n.List("dilations", rank, 1), n.List("output_padding", rank, 0), n.List("pads", 2*rank, 0)
	out, given, auto := nn.Shape{x[0], w[1] * groups}, n.Ints("output_shape"), n.Text("auto_pad", "NOTSET")
	for a, e := range x[2:] {
		full := strides[a]*(e-1) + extra[a] + (w[2+a]-1)*dilations[a] + 1
		switch {
		case given != nil:
			full = nn.Nearest(given[a])
		case auto == "SAME_UPPER" || auto == "SAME_LOWER":
			full = e * strides[a]
		case auto == "NOTSET":
			full -= pads[a] + pads[rank+a]
		}
		out = append(out, full)
	}
	return []nn.Shape{out}, nil
}

func poolShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	rank := len(in[0]) - 2
	if err := windowFits(n, rank); err != nil {
		return nil, err
	}
	k := n.List("kernel_shape", rank, 0)
	out, axes, err := slid(n, in[0], in[0][1], k)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(axes, func(g kernel.Window) bool { return max(g.Left, g.Right) > (g.KW-1)*g.DilationW }) {
		return nil, fmt.Errorf("its pads are %v, those of a pooling of %v must be smaller than its window", n.Ints("pads"), k)
	}
	return append(out, out[0]), nil // the second are indices
}

func globalPoolShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	x := slices.Clone(in[0])
	if len(x) < 3 {
		return nil, fmt.Errorf("its operand of shape %v has no spatial axes", x)
	}
	for k := range x[2:] {
		x[2+k] = 1
	}
	return []nn.Shape{x}, nil
}

func gemmShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	x, w := in[0], in[1]
	if len(x) != 2 || len(w) != 2 || n.Integer("transA", 0) != 0 {
		return nil, fmt.Errorf("only x*W of matrices with x as it stands is supported, not shapes %v and %v", x, w)
	}
	k, columns := w[0], w[1]
	if n.Integer("transB", 0) != 0 {
		k, columns = w[1], w[0]
	}
	if x[1] != k {
		return nil, fmt.Errorf("input %v does not fit a %dx%d matrix", x, k, columns)
	}
	out := nn.Shape{x[0], columns}
	if n.Has(2) && !spreads(in[2], out) {
		return nil, fmt.Errorf("its bias of shape %v cannot be added to %v", in[2], out)
	}
	return []nn.Shape{out}, nil
}

func matMulShape(_ *compiler, _ node, in []nn.Shape) ([]nn.Shape, error) {
	a, b := in[0], in[1]
	if len(a) < 2 || len(b) < 2 {
		return nil, fmt.Errorf("operands of rank %d and %d, matrices are needed", len(a), len(b))
	}
	m, k, n := a[len(a)-2], a[len(a)-1], b[len(b)-1]
	lead, ok := nn.Broadcast(a[:len(a)-2], b[:len(b)-2])
	if !ok || b[len(b)-2] != k {
		return nil, fmt.Errorf("operands of shapes %v and %v have no product", a, b)
	}
	return []nn.Shape{append(lead, m, n)}, nil
}

// batchNormShape has one scale, shift, mean and variance for each channel.
func batchNormShape(c *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	if len(in[0]) < 2 {
		return nil, fmt.Errorf("its operand of shape %v has no channels", in[0])
	}
	return in[:1], rowsOf(in[1:5], in[0][1])
}

func instanceNormShape(c *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	if len(in[0]) < 3 {
		return nil, fmt.Errorf("its operand of shape %v has no spatial axes", in[0])
	}
	return in[:1], rowsOf(in[1:3], in[0][1])
}

func layerNormShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	x := in[0]
	axis, err := n.Axis(-1, len(x))
	if err != nil {
		return nil, err
	}
	for _, p := range in[1:min(3, len(in))] {
		if p != nil && p.Count() != x[axis:].Count() {
			return nil, fmt.Errorf("parameters of shape %v for rows of %v", p, x[axis:])
		}
	}
	return in[:1], nil
}

// normalShape is that of normalisations that kernel.NormalOf describes. A second parameter has the shape of the first one.
func normalShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	m, err := kernel.NormalOf(n.Node, in[0], in[1])
	if err != nil {
		return nil, err
	}
	if !spreads(m.Scale, m.View) {
		return nil, fmt.Errorf("a scale of shape %v for an operand of shape %v", in[1], in[0])
	}
	if len(in) > 2 && in[2] != nil && !slices.Equal(in[2], in[1]) {
		return nil, fmt.Errorf("parameters of shapes %v and %v", in[1], in[2])
	}
	return in[:1], nil
}

func samplingShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	x, places := in[0], in[1]
	if len(x) < 3 || len(places) != len(x) || places[len(places)-1] != len(x)-2 || places[0] != x[0] {
		return nil, fmt.Errorf("places of shape %v for an operand of shape %v", places, x)
	}
	return []nn.Shape{slices.Concat(x[:2], places[1:len(places)-1])}, nil
}

// rowsOf checks that parameters have one element for each of n channels.
func rowsOf(params []nn.Shape, n int) error {
	for _, p := range params {
		if p.Count() != n {
			return fmt.Errorf("parameters of shape %v for %d channels", p, n)
		}
	}
	return nil
}

// spreads tells whether a can be repeated to b.
func spreads(a, b nn.Shape) bool {
	s, ok := nn.Broadcast(b, a)
	return ok && slices.Equal(s, b)
}
