package embedded_test

import (
	"slices"
	"strings"

	"github.com/autotailor/autotailor/runtime/nn"
)

// codes are quantised numbers: integers, their scale and their zero point.
type codes struct {
	x, scale, zero nn.Value
	shape          nn.Shape
}

// codes quantises an input.
func (d *draw) codes(s nn.Shape) codes {
	c := d.scaled(s)
	c.x = d.b.Op(nn.Op{Type: "QuantizeLinear", Types: []nn.DType{nn.Uint8}}.Yields(s), d.input(s), c.scale, c.zero)[0]
	return c
}

// scaled draws a scale and a zero point.
func (d *draw) scaled(s nn.Shape) codes {
	return codes{nn.None, d.b.Float(0.013 * float32(1+d.rng.IntN(3))), d.constant(nn.Uint8, []byte{byte(100 + d.rng.IntN(50))}), s}
}

// integerWeights draws small integers, of one scale.
func (d *draw) integerWeights(s ...int) codes {
	raw := make([]byte, nn.Shape(s).Count())
	for i := range raw {
		raw[i] = byte(int8(d.rng.IntN(80) - 40))
	}
	return codes{d.constant(nn.Int8, raw, s...), d.b.Float(0.01), d.constant(nn.Int8, []byte{byte(d.rng.IntN(4))}), s}
}

func (c codes) operands() []nn.Value { return []nn.Value{c.x, c.scale, c.zero} }

// integersOf adds an operator whose results are integers, and casts them.
func (d *draw) integersOf(name string, as nn.DType, attrs []nn.Attr, to nn.Shape, in ...[]nn.Value) []nn.Value {
	kind, contributed := strings.CutPrefix(name, "com.microsoft.")
	domain := map[bool]string{true: "com.microsoft"}[contributed]
	y := d.b.Op(nn.Op{Type: kind, Domain: domain, Attrs: attrs, Types: []nn.DType{as}}.Yields(to), slices.Concat(in...)...)[0]
	if as == nn.Float32 {
		return []nn.Value{y}
	}
	return []nn.Value{d.cast(y, nn.Float32, to)}
}

// integerConv is a convolution of integers. With scales it makes integers again.
func integerConv(name string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		in, out, k := d.size(), d.size(), 1+d.rng.IntN(3)
		x, w := d.codes(nn.Shape{d.batch, in, k + 3, k + 2}), d.integerWeights(out, in, k, k)
		w.zero = d.constant(nn.Int8, []byte{0})
		to := nn.Shape{d.batch, out, 4, 3}
		if name == "ConvInteger" {
			return d.integersOf(name, nn.Int32, nil, to, []nn.Value{x.x, w.x, x.zero})
		}
		y := d.scaled(to)
		return d.integersOf(name, nn.Uint8, nil, to, x.operands(), w.operands(), y.operands()[1:])
	}
}

func integerMatMul(name string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		k, n := d.size(), d.size()
		lead := d.shape(2, 3)
		to := append(slices.Clone(lead), n)
		s := append(slices.Clone(lead), k)
		w := d.integerWeights(k, n)
		bias := d.b.Param(d.tensor(n))
		switch name {
		case "com.microsoft.DynamicQuantizeMatMul":
			d.mixes = true
			return d.integersOf(name, nn.Float32, nil, to, []nn.Value{d.input(s), w.x, w.scale, w.zero, bias})
		case "MatMulInteger":
			if d.coin() { // as quantize_dynamic writes it
				d.mixes = true
				o := nn.Op{Type: "DynamicQuantizeLinear", Outputs: 3, Types: []nn.DType{nn.Uint8, nn.Float32, nn.Uint8}, Shapes: []nn.Shape{s, {}, {}}}
				q := d.b.Op(o, d.input(s))
				return d.integersOf(name, nn.Int32, nil, to, []nn.Value{q[0], w.x, q[2], w.zero})
			}
			x := d.codes(s)
			return d.integersOf(name, nn.Int32, nil, to, []nn.Value{x.x, w.x, x.zero, w.zero})
		case "QLinearMatMul":
			x, y := d.codes(s), d.scaled(to)
			return d.integersOf(name, nn.Uint8, nil, to, x.operands(), w.operands(), y.operands()[1:])
		}
		x := d.codes(s)
		return d.integersOf(name, nn.Float32, nil, to, []nn.Value{x.x, w.x, x.scale, w.scale, x.zero, w.zero, bias})
	}
}

// integerPair joins two quantised tensors element by element.
func integerPair(name string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		s := d.shape(2, 4)
		a, b, y := d.codes(s), d.codes(s), d.scaled(s)
		return d.integersOf(name, nn.Uint8, nil, s, a.operands(), b.operands(), y.operands()[1:])
	}
}

// integerUnary is an operator of one quantised tensor.
func integerUnary(name string, attrs func(d *draw) []nn.Attr) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		s := d.shape(4, 4)
		to := slices.Clone(s)
		switch name {
		case "com.microsoft.QLinearAveragePool":
			s[2], s[3] = s[2]+1, s[3]+1
		case "com.microsoft.QLinearGlobalAveragePool":
			to[2], to[3] = 1, 1
		}
		x, y := d.codes(s), d.scaled(to)
		return d.integersOf(name, nn.Uint8, attrs(d), to, x.operands(), y.operands()[1:])
	}
}

func none(*draw) []nn.Attr { return nil }

func integerConcat(d *draw) []nn.Value {
	s := d.shape(3, 3)
	t := slices.Clone(s)
	t[1] = d.size()
	to := slices.Clone(s)
	to[1] += t[1]
	a, b, y := d.codes(s), d.codes(t), d.scaled(to)
	return d.integersOf("com.microsoft.QLinearConcat", nn.Uint8, []nn.Attr{integer("axis", 1)}, to, y.operands()[1:], a.operands(), b.operands())
}

// otherQuantised is the pair of operators of com.microsoft.
func otherQuantised(d *draw) []nn.Value {
	s := d.shape(2, 4)
	c := d.scaled(s)
	q := d.b.Op(nn.Op{Type: "QuantizeLinear", Domain: "com.microsoft", Types: []nn.DType{nn.Uint8}}.Yields(s), d.input(s), c.scale, c.zero)[0]
	return d.integersOf("com.microsoft.DequantizeLinear", nn.Float32, nil, s, []nn.Value{q, c.scale, c.zero})
}
