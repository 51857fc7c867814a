package embedded

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// operand is operand k of a node, None where it is left out.
func operand(n nn.Node, k int) nn.Value {
	if k < len(n.In) {
		return n.In[k]
	}
	return nn.None
}

// last appends the operator whose results are those of n.
func (q *integerGraph) last(n nn.Node, kind string, attrs []nn.Attr, in ...nn.Value) {
	q.g.Nodes = append(q.g.Nodes, nn.Node{Type: kind, Name: n.Name, Attrs: attrs, In: in, Out: n.Out})
}

// plainConv is a convolution of integers, whose result is integers, too.
func (q *integerGraph) plainConv(n nn.Node) bool {
	if !q.single(operand(n, 2)) {
		return false
	}
	q.last(n, "Conv", n.Attrs, q.integers(n, n.In[0], operand(n, 2), 1), q.integers(n, n.In[1], operand(n, 3), 0))
	return true
}

// integerFactors are the operands of a product of matrices without their zero points: those of a may differ by row, those of b by column.
func (q *integerGraph) integerFactors(n nn.Node, zeroA, zeroB nn.Value) (a, b nn.Value, ok bool) {
	x, y := q.shape(n.In[0]), q.shape(n.In[1])
	if len(x) < 2 || len(y) < 2 || len(q.shape(zeroA)) > 1 || len(q.shape(zeroB)) > 1 {
		return nn.None, nn.None, false
	}
	return q.integers(n, n.In[0], zeroA, len(x)-2), q.integers(n, n.In[1], zeroB, len(y)-1), true
}

func (q *integerGraph) plainMatMul(n nn.Node) bool {
	a, b, ok := q.integerFactors(n, operand(n, 2), operand(n, 3))
	if ok {
		q.last(n, "MatMul", nil, a, b)
	}
	return ok
}

// scaledMatMul is a product of integers times both scales.
func (q *integerGraph) scaledMatMul(n nn.Node) bool {
	if len(n.In) < 4 || !q.single(n.In[2]) || len(q.shape(n.In[3])) > 1 {
		return false
	}
	a, b, ok := q.integerFactors(n, operand(n, 4), operand(n, 5))
	if ok {
		q.numbers(n, q.op(n, "MatMul", q.shape(n.Out[0]), nil, a, b), n.In[2], n.In[3], operand(n, 6))
	}
	return ok
}

// numbers appends what a product of integers stands for, with two scales and a bias, if there is one.
func (q *integerGraph) numbers(n nn.Node, sum, scaleA, scaleB, bias nn.Value) {
	scale := q.op(n, "Mul", q.shape(scaleB), nil, scaleA, scaleB)
	if bias == nn.None {
		q.last(n, "Mul", nil, sum, scale)
		return
	}
	q.last(n, "Add", nil, q.op(n, "Mul", q.shape(sum), nil, sum, scale), bias)
}

// dynamicMatMul quantises its first operand as its elements need.
func (q *integerGraph) dynamicMatMul(n nn.Node) bool {
	if len(n.In) < 3 || len(q.shape(n.In[1])) < 2 || len(q.shape(n.In[2])) > 1 || len(q.shape(operand(n, 3))) > 1 {
		return false
	}
	x := q.shape(n.In[0])
	codes, scale, zero := q.value(n.Name, x), q.value(n.Name, nn.Shape{}), q.value(n.Name, nn.Shape{})
	q.g.Values[codes].Type, q.g.Values[zero].Type = nn.Uint8, nn.Uint8
	q.g.Nodes = append(q.g.Nodes, nn.Node{Type: "DynamicQuantizeLinear", Name: n.Name, In: n.In[:1], Out: []nn.Value{codes, scale, zero}})
	a := q.op(n, "Sub", x, nil, codes, zero)
	b := q.integers(n, n.In[1], operand(n, 3), len(q.shape(n.In[1]))-1)
	q.numbers(n, q.op(n, "MatMul", q.shape(n.Out[0]), nil, a, b), scale, n.In[2], operand(n, 4))
	return true
}

// requantised computes an operator with the numbers that integers stand for, and makes integers of its results.
func requantised(kind string) func(q *integerGraph, n nn.Node) bool {
	return func(q *integerGraph, n nn.Node) bool {
		if len(n.In) < 4 || !q.single(n.In[1:]...) {
			return false
		}
		x := q.op(n, "DequantizeLinear", q.shape(n.In[0]), nil, n.In[:min(3, len(n.In))]...)
		q.last(n, "QuantizeLinear", nil, q.withZero(q.op(n, kind, q.shape(n.Out[0]), n.Attrs, x), n.In[3], operand(n, 4))...)
		return true
	}
}

// averagePool is a pooling of the numbers that integers stand for.
func (q *integerGraph) averagePool(n nn.Node) bool {
	if !q.pools(n) {
		return false
	}
	y := q.shape(n.Out[0])
	x := q.op(n, "DequantizeLinear", q.shape(n.In[0]), nil, n.In[:3]...)
	mean := q.op(n, "AveragePool", y, slices.DeleteFunc(slices.Clone(n.Attrs), func(a nn.Attr) bool { return a.Name == "channels_last" }), x)
	q.shifted(n, q.op(n, "Div", y, nil, mean, n.In[3]), operand(n, 4))
	return true
}

// pools tells whether channels come first and there is one scale for all.
func (q *integerGraph) pools(n nn.Node) bool {
	return len(n.In) > 3 && q.single(n.In[1:]...) && n.Int("channels_last", 0) == 0
}

// globalAverage adds up integers and has one factor for the scales and the number of pixels.
func (q *integerGraph) globalAverage(n nn.Node) bool {
	x := q.shape(n.In[0])
	if !q.pools(n) || len(x) < 3 || x[2:].Open() {
		return false
	}
	axes := nn.Attr{Name: "axes", Kind: nn.AttrInts}
	for a := range x[2:] {
		axes.Ints = append(axes.Ints, int64(a+2))
	}
	y := q.shape(n.Out[0])
	sum := q.op(n, "ReduceSum", y, []nn.Attr{axes}, q.integers(n, n.In[0], n.In[2], 1))
	count := q.op(n, "Mul", nn.Shape{}, nil, n.In[3], q.filled(n, nn.Shape{}, float32(x[2:].Count())))
	q.rounded(n, q.op(n, "Mul", y, nil, sum, q.op(n, "Div", nn.Shape{}, nil, n.In[1], count)), operand(n, 4))
	return true
}

// withZero are the operands of an operator with a scale and a zero point that may be left out.
func (q *integerGraph) withZero(x, scale, zero nn.Value) []nn.Value {
	if zero == nn.None {
		return []nn.Value{x, scale}
	}
	return []nn.Value{x, scale, zero}
}

// concat has a scale and a zero point for its result and for each of its operands.
func (q *integerGraph) concat(n nn.Node) bool {
	if len(n.In) < 5 || len(n.In)%3 != 2 {
		return false
	}
	var parts []nn.Value
	for k := 2; k < len(n.In); k += 3 {
		if !q.single(n.In[k+1], n.In[k+2]) {
			return false
		}
	}
	for k := 2; k < len(n.In); k += 3 {
		parts = append(parts, q.op(n, "DequantizeLinear", q.shape(n.In[k]), nil, q.withZero(n.In[k], n.In[k+1], n.In[k+2])...))
	}
	q.last(n, "QuantizeLinear", nil, q.withZero(q.op(n, "Concat", q.shape(n.Out[0]), n.Attrs, parts...), n.In[0], n.In[1])...)
	return true
}

// renamed is an operator that ONNX has today.
func renamed(kind string) func(q *integerGraph, n nn.Node) bool {
	return func(q *integerGraph, n nn.Node) bool {
		q.last(n, kind, n.Attrs, n.In...)
		return true
	}
}
