package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// node is a node of the graph and its index.
type node struct {
	*nn.Node
	index int
}

// integer returns an integer attribute.
func (n node) integer(name string, otherwise int) int { return int(n.Int(name, int64(otherwise))) }

// has tells whether operand i is given.
func (n node) has(i int) bool { return i < len(n.In) && n.In[i] != nn.None }

// axis returns an axis attribute as a non-negative number.
func (n node) axis(otherwise, rank int) (int, error) {
	a := wrap(n.integer("axis", otherwise), rank)
	if a < 0 || a >= rank {
		return 0, fmt.Errorf("axis %d of %d axes", a, rank)
	}
	return a, nil
}

func wrap(axis, rank int) int {
	if axis < 0 {
		return axis + rank
	}
	return axis
}

// integers returns an integer list that is an attribute in some opsets and a constant operand in others; nil where absent.
func (p *plan) integers(n node, attr string, operand int) ([]int, error) {
	if a, ok := n.Attr(attr); ok {
		if a.Kind == nn.AttrInt {
			return []int{int(a.Int)}, nil
		}
		return ints(a.Ints), nil
	}
	if !n.has(operand) {
		return nil, nil
	}
	info := &p.graph.Values[n.In[operand]]
	if !info.Known() {
		return nil, fmt.Errorf("operand %q must be a constant", info.Name)
	}
	if info.Const != nil && info.Const.Type == nn.Int64 {
		return ints(info.Const.Int64s()), nil
	}
	v, err := p.known(n.In[operand])
	if err != nil {
		return nil, err
	}
	to := make([]int, len(v.data))
	for i, x := range p.values(v) {
		to[i] = int(x)
	}
	return to, nil
}

// values returns a known variable's elements now.
func (p *plan) values(v *variable) []float32 {
	for _, b := range p.bound {
		if b.v == v {
			b.read()
		}
	}
	return v.data
}

func ints(s []int64) []int {
	to := make([]int, len(s))
	for i, v := range s {
		to[i] = int(v)
	}
	return to
}

// window reads the geometry of a convolution or pooling; one spatial axis is seen as an image of one row.
func window(n node, x nn.Shape, k []int) (kernel.Window, error) {
	rank := len(x) - 2
	if rank != 1 && rank != 2 || len(k) != rank {
		return kernel.Window{}, fmt.Errorf("%d spatial axes, one or two can be trained", rank)
	}
	s, d, p := n.List("strides", rank, 1), n.List("dilations", rank, 1), n.List("pads", 2*rank, 0)
	for i := range rank {
		if s[i] < 1 || d[i] < 1 || k[i] < 1 {
			return kernel.Window{}, fmt.Errorf("kernel %v, strides %v or dilations %v is not positive", k, s, d)
		}
		autoPad(n.Text("auto_pad", ""), x[2+i], k[i], s[i], d[i], &p[i], &p[rank+i])
	}
	last := rank - 1
	g := kernel.Window{
		H: 1, KH: 1, StrideH: 1, DilationH: 1,
		W: x[2+last], KW: k[last], StrideW: s[last], DilationW: d[last], Left: p[last], Right: p[rank+last],
		Ceil: n.integer("ceil_mode", 0) != 0,
	}
	if rank == 2 {
		g.H, g.KH, g.StrideH, g.DilationH, g.Top, g.Bottom = x[2], k[0], s[0], d[0], p[0], p[2]
	}
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
