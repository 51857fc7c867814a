package embedded

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// integerProducts replaces products of quantised operands, of which this engine has no kernels. They become the same product of the integers
// without their zero points, in float32, which is exact below 2^24; one factor for the three scales; and a rounding, as ONNX Runtime
// does it. It tells of each node which one of g it is a part of, nil where g has none of these.
func integerProducts(g *nn.Graph) (*nn.Graph, []int) {
	of := func(n nn.Node) func(q *integerGraph, n nn.Node) bool {
		return quantisedOps[operators.Qualified(n.Domain, n.Type)]
	}
	if !slices.ContainsFunc(g.Nodes, func(n nn.Node) bool { return of(n) != nil }) {
		return g, nil
	}
	out := *g
	out.Values, out.Nodes = slices.Clone(g.Values), nil
	q := &integerGraph{g: &out}
	var origins []int
	for i, n := range g.Nodes {
		if write := of(n); write == nil || !write(q, n) {
			out.Nodes = append(out.Nodes, n)
		}
		for len(origins) < len(out.Nodes) {
			origins = append(origins, i)
		}
	}
	return q.g, origins
}

// quantisedOps write what an operator of quantised operands is; those that return false have written nothing.
var quantisedOps = map[string]func(q *integerGraph, n nn.Node) bool{
	"QLinearConv": (*integerGraph).conv, "QLinearMatMul": (*integerGraph).matMul,
	"ConvInteger": (*integerGraph).plainConv, "MatMulInteger": (*integerGraph).plainMatMul,
	"com.microsoft.MatMulIntegerToFloat": (*integerGraph).scaledMatMul, "com.microsoft.DynamicQuantizeMatMul": (*integerGraph).dynamicMatMul,
	"com.microsoft.QLinearAdd": elementwiseOf("Add"), "com.microsoft.QLinearMul": elementwiseOf("Mul"),
	"com.microsoft.QLinearSigmoid": requantised("Sigmoid"), "com.microsoft.QLinearLeakyRelu": requantised("LeakyRelu"),
	"com.microsoft.QLinearAveragePool": (*integerGraph).averagePool, "com.microsoft.QLinearGlobalAveragePool": (*integerGraph).globalAverage,
	"com.microsoft.QLinearConcat":  (*integerGraph).concat,
	"com.microsoft.QuantizeLinear": renamed("QuantizeLinear"), "com.microsoft.DequantizeLinear": renamed("DequantizeLinear"),
}

// integerGraph appends nodes to a graph.
type integerGraph struct{ g *nn.Graph }

func (q *integerGraph) shape(v nn.Value) nn.Shape { return q.g.Values[v].Shape }

// value adds a value of numbers.
func (q *integerGraph) value(name string, s nn.Shape) nn.Value {
	v := nn.Value(len(q.g.Values))
	q.g.Values = append(q.g.Values, nn.Info{Name: fmt.Sprintf("%s/%d", name, v), Type: nn.Float32, Shape: s})
	return v
}

// op appends an operator of node n, with a result of shape s.
func (q *integerGraph) op(n nn.Node, kind string, s nn.Shape, attrs []nn.Attr, in ...nn.Value) nn.Value {
	out := q.value(n.Name, s)
	q.g.Nodes = append(q.g.Nodes, nn.Node{Type: kind, Name: n.Name, Attrs: attrs, In: in, Out: []nn.Value{out}})
	return out
}

// ones is a constant of ones.
func (q *integerGraph) ones(n nn.Node, s nn.Shape) nn.Value { return q.filled(n, s, 1) }

// filled is a constant whose elements are all the same number.
func (q *integerGraph) filled(n nn.Node, s nn.Shape, number float32) nn.Value {
	v := q.value(n.Name, s)
	t := nn.FromFloat32s(s, slices.Repeat([]float32{number}, s.Count()))
	q.g.Values[v].Const = &t
	return v
}

// integers are the elements of x less their zero points, which may differ along an axis.
func (q *integerGraph) integers(n nn.Node, x, zero nn.Value, axis int) nn.Value {
	in := []nn.Value{x, q.ones(n, nn.Shape{})}
	switch {
	case zero == nn.None:
	case !q.g.Values[zero].Known() && q.single(zero): // a DynamicQuantizeLinear has computed it
		return q.op(n, "Sub", q.shape(x), nil, x, q.op(n, "Reshape", nn.Shape{}, nil, zero))
	default:
		in = []nn.Value{x, q.ones(n, q.shape(zero)), zero}
	}
	return q.op(n, "DequantizeLinear", q.shape(x), []nn.Attr{{Name: "axis", Kind: nn.AttrInt, Int: int64(axis)}}, in...)
}

// factor is x*w/y of three scales, of which w may differ along an axis. ONNX Runtime computes it in this order.
func (q *integerGraph) factor(n nn.Node, x, w, y nn.Value) nn.Value {
	longer := func(a, b nn.Shape) nn.Shape {
		if len(b) > len(a) {
			return b
		}
		return a
	}
	s := longer(q.shape(w), q.shape(x))
	xw := q.op(n, "Mul", s, nil, x, w)
	return q.op(n, "Div", longer(s, q.shape(y)), nil, xw, y)
}

// rounded appends the rounding of v to the node's result, with a zero point, if there is one.
func (q *integerGraph) rounded(n nn.Node, v, zero nn.Value) {
	in := []nn.Value{v, q.ones(n, nn.Shape{})}
	if zero != nn.None {
		in = append(in, zero)
	}
	q.g.Nodes = append(q.g.Nodes, nn.Node{Type: "QuantizeLinear", Name: n.Name, In: in, Out: n.Out})
}

// single tells whether values have one element each.
func (q *integerGraph) single(vs ...nn.Value) bool {
	return !slices.ContainsFunc(vs, func(v nn.Value) bool { return v != nn.None && q.shape(v).Count() != 1 })
}

func (q *integerGraph) conv(n nn.Node) bool {
	if len(n.In) < 8 || !q.single(n.In[1], n.In[2], n.In[6], n.In[7]) {
		return false
	}
	y := q.shape(n.Out[0])
	in := []nn.Value{q.integers(n, n.In[0], n.In[2], 1), q.integers(n, n.In[3], n.In[5], 0)}
	if len(n.In) > 8 && n.In[8] != nn.None {
		in = append(in, q.integers(n, n.In[8], nn.None, 0))
	}
	sum := q.op(n, "Conv", y, n.Attrs, in...)
	factor := q.factor(n, n.In[1], n.In[4], n.In[6])
	if s := q.shape(factor); s.Count() > 1 {
		along := nn.Shape(slices.Repeat([]int{1}, len(y)-1))
		along[0] = s.Count()
		factor = q.op(n, "Reshape", along, nil, factor)
	}
	q.rounded(n, q.op(n, "Mul", y, nil, sum, factor), n.In[7])
	return true
}

func (q *integerGraph) matMul(n nn.Node) bool {
	if len(n.In) < 8 || !q.single(n.In[1], n.In[2], n.In[6], n.In[7]) || len(q.shape(n.In[4])) > 1 {
		return false
	}
	y := q.shape(n.Out[0])
	sum := q.op(n, "MatMul", y, nil, q.integers(n, n.In[0], n.In[2], 1), q.integers(n, n.In[3], n.In[5], len(q.shape(n.In[3]))-1))
	q.rounded(n, q.op(n, "Mul", y, nil, sum, q.factor(n, n.In[1], n.In[4], n.In[6])), n.In[7])
	return true
}

// elementwiseOf joins the numbers that two tensors stand for. The zero point is added before the rounding, as ONNX Runtime does it on most
// processors: halves are then rounded alike.
func elementwiseOf(kind string) func(q *integerGraph, n nn.Node) bool {
	return func(q *integerGraph, n nn.Node) bool {
		if len(n.In) < 7 || !q.single(n.In[1:3]...) || !q.single(n.In[4:]...) {
			return false
		}
		y, scale := q.shape(n.Out[0]), n.In[6]
		a, b := q.integers(n, n.In[0], n.In[2], 1), q.integers(n, n.In[3], n.In[5], 1)
		var v nn.Value
		if kind == "Mul" {
			v = q.op(n, "Mul", y, nil, q.op(n, "Mul", y, nil, a, b), q.factor(n, n.In[1], n.In[4], scale))
		} else {
			v = q.op(n, kind, y, nil, q.times(n, a, n.In[1], scale), q.times(n, b, n.In[4], scale))
		}
		q.shifted(n, v, operand(n, 7))
		return true
	}
}

// shifted adds a zero point, if there is one, and rounds.
func (q *integerGraph) shifted(n nn.Node, v, zero nn.Value) {
	if zero != nn.None {
		v = q.op(n, "Add", q.shape(v), nil, v, q.integers(n, zero, nn.None, 0))
	}
	q.rounded(n, v, nn.None)
}

// times is x times the ratio of two scales.
func (q *integerGraph) times(n nn.Node, x, scale, by nn.Value) nn.Value {
	return q.op(n, "Mul", q.shape(x), nil, x, q.op(n, "Div", q.shape(scale), nil, scale, by))
}
