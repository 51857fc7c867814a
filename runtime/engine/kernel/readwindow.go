package kernel

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/nn"
)

// WindowOf reads the geometry of a convolution or pooling; one spatial axis is seen as an image of one row.
func WindowOf(n *nn.Node, x nn.Shape, k []int) (Window, error) {
	rank := len(x) - 2
	if rank != 1 && rank != 2 || len(k) != rank {
		return Window{}, fmt.Errorf("it has %d spatial axes; the embedded engine supports one or two", rank)
	}
	if x[1] < 0 {
		return Window{}, fmt.Errorf("the open batch is in axis 1 of %v, where the embedded engine has channels", x)
	}
	s, d, p := n.List("strides", rank, 1), n.List("dilations", rank, 1), n.List("pads", 2*rank, 0)
	for i := range rank {
		if s[i] < 1 || d[i] < 1 || k[i] < 1 || x[2+i] < 0 {
			return Window{}, fmt.Errorf("kernel %v, strides %v or dilations %v is not positive, or an open axis in %v", k, s, d, x)
		}
		autoPad(n.Text("auto_pad", ""), x[2+i], k[i], s[i], d[i], &p[i], &p[rank+i])
	}
	last := rank - 1
	g := Window{
		H: 1, KH: 1, StrideH: 1, DilationH: 1,
		W: x[2+last], KW: k[last], StrideW: s[last], DilationW: d[last], Left: p[last], Right: p[rank+last],
		Ceil: n.Int("ceil_mode", 0) != 0,
	}
	if rank == 2 {
		g.H, g.KH, g.StrideH, g.DilationH, g.Top, g.Bottom = x[2], k[0], s[0], d[0], p[0], p[2]
	}
	return g, nil
}

// AxisOf reads the geometry of a convolution or pooling along spatial axis a, as that of an image of one row: what windows over three axes cover is
// the product of these.
func AxisOf(n *nn.Node, x nn.Shape, k []int, a int) (Window, error) {
	rank := len(x) - 2
	if len(k) != rank {
		return Window{}, fmt.Errorf("a window of %v over %d spatial axes", k, rank)
	}
	p := n.List("pads", 2*rank, 0)
	g := Window{
		H: 1, KH: 1, StrideH: 1, DilationH: 1,
		W: x[2+a], KW: k[a], StrideW: n.List("strides", rank, 1)[a], DilationW: n.List("dilations", rank, 1)[a], Left: p[a], Right: p[rank+a],
		Ceil: n.Int("ceil_mode", 0) != 0,
	}
	if g.StrideW < 1 || g.DilationW < 1 || g.KW < 1 || g.W < 0 {
		return Window{}, fmt.Errorf("kernel %v, a stride or a dilation is not positive, or an axis of %v is open", k, x)
	}
	autoPad(n.Text("auto_pad", ""), g.W, g.KW, g.StrideW, g.DilationW, &g.Left, &g.Right)
	return g, nil
}

// autoPad sets the padding of one axis from ONNX's auto_pad.
func autoPad(mode string, in, k, stride, dilation int, before, after *int) {
	switch mode {
	case "SAME_UPPER", "SAME_LOWER":
	case "VALID":
		*before, *after = 0, 0
		return
	default:
		return
	}
	total := max(((in+stride-1)/stride-1)*stride+(k-1)*dilation+1-in, 0)
	*before, *after = total/2, total-total/2
	if mode == "SAME_LOWER" {
		*before, *after = *after, *before
	}
}

// TransposedWindowOf is the geometry of the convolution over images of a ConvTranspose's result, y, whose own result has the shape of the
// operand, x. There is none where so much is padded that elements of the operand reach nothing.
func TransposedWindowOf(n *nn.Node, x, y nn.Shape, k []int) (g Window, ok bool, err error) {
	if g, err = WindowOf(n, y, k); err != nil {
		return g, false, err
	}
	pads := nn.TransposedPads(n, x[2:], y[2:], k)
	last := len(pads) - 1
	g.Left, g.Right = pads[last][0], pads[last][1]
	if last > 0 {
		g.Top, g.Bottom = pads[0][0], pads[0][1]
	}
	h, w := g.Out()
	return g, h*w == x[2:].Count() && w == x[len(x)-1], nil
}
