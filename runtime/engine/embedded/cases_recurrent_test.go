package embedded_test

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// recurrent draws a recurrent layer of so many gates over sequences, with any of the operands that may be left out.
func recurrent(kind string, gates int) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		steps, in, h := 1+d.rng.IntN(6), d.size(), d.size()
		direction := one(d, "forward", "reverse", "bidirectional")
		dirs := 1
		if direction == "bidirectional" {
			dirs = 2
		}
		attrs := []nn.Attr{{Name: "direction", Kind: nn.AttrString, String: direction}}
		if kind == "GRU" {
			attrs = append(attrs, integer("linear_before_reset", d.rng.IntN(2)))
		}
		if d.rng.IntN(4) == 0 {
			attrs = append(attrs, float("clip", 0.5))
		}
		if d.coin() {
			attrs = append(attrs, activations(d, kind, dirs)...)
		}
		optional := func(s ...int) nn.Value {
			if d.coin() {
				return nn.None
			}
			return d.b.Param(d.tensor(s...))
		}
		state := func() nn.Value {
			if d.coin() {
				return nn.None
			}
			return d.sequence(nn.Shape{dirs, d.batch, h})
		}
		xs := []nn.Value{d.sequence(nn.Shape{steps, d.batch, in}), d.b.Param(d.tensor(dirs, gates*h, in)), d.b.Param(d.tensor(dirs, gates*h, h)), optional(dirs, 2*gates*h), nn.None, state()}
		if d.batch > 0 && d.coin() {
			xs[4] = d.lengths(steps)
		}
		shapes := []nn.Shape{{steps, dirs, d.batch, h}, {dirs, d.batch, h}}
		if kind == "LSTM" {
			xs = append(xs, state(), optional(dirs, 3*h))
			shapes = append(shapes, nn.Shape{dirs, d.batch, h})
		}
		return d.b.Op(nn.Op{Type: kind, Attrs: attrs, Outputs: len(shapes)}.Yields(shapes...), xs...)
	}
}

// sequence is an input whose batch is the second axis.
func (d *draw) sequence(s nn.Shape) nn.Value {
	d.mixes = true
	return d.b.Input(d.name("x"), nn.Float32, s)
}

// lengths is an operand with the length of each sequence.
func (d *draw) lengths(steps int) nn.Value {
	raw := make([]byte, 4*d.batch)
	for i := range d.batch {
		raw[4*i] = byte(1 + d.rng.IntN(steps))
	}
	return d.constant(nn.Int32, raw, d.batch)
}

func (d *draw) constant(t nn.DType, raw []byte, shape ...int) nn.Value {
	a := nn.Attr{Name: "value", Kind: nn.AttrTensor, Int: int64(t), Ints: []int64{}, Raw: raw}
	for _, n := range shape {
		a.Ints = append(a.Ints, int64(n))
	}
	return d.b.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{a}, Types: []nn.DType{t}}.Yields(nil))[0]
}

// activations names other functions than the usual ones, one direction after the other. Relu is left to the RNN: behind gates it lets the small
// differences between two engines' curves grow.
func activations(d *draw, kind string, dirs int) []nn.Attr {
	count := map[string]int{"LSTM": 3, "GRU": 2, "RNN": 1}[kind]
	names := nn.Attr{Name: "activations", Kind: nn.AttrStrings}
	functions := []string{"Sigmoid", "Tanh", "Softsign", "HardSigmoid"}
	if kind == "RNN" {
		functions = append(functions, "Relu")
	}
	for range count * dirs {
		names.Strings = append(names.Strings, one(d, functions...))
	}
	alpha, beta := nn.Attr{Name: "activation_alpha", Kind: nn.AttrFloats}, nn.Attr{Name: "activation_beta", Kind: nn.AttrFloats}
	for _, n := range names.Strings {
		if n == "HardSigmoid" {
			alpha.Floats, beta.Floats = append(alpha.Floats, 0.25), append(beta.Floats, 0.5)
		}
	}
	if alpha.Floats == nil {
		return []nn.Attr{names}
	}
	return []nn.Attr{names, alpha, beta}
}

// quantised draws numbers that become integers and numbers again, with scales of the whole tensor or of an axis.
func quantised(d *draw) []nn.Value {
	s := d.shape(2, 4)
	kind := one(d, nn.Uint8, nn.Int8)
	n, attrs := 1, []nn.Attr(nil)
	var shape []int
	if d.coin() {
		axis := 1 + d.rng.IntN(len(s)-1)
		n, attrs, shape = s[axis], []nn.Attr{integer("axis", d.signed(axis, len(s)))}, []int{s[axis]}
	}
	zeros := make([]byte, n)
	for i := range zeros {
		zeros[i] = byte(d.rng.IntN(100))
	}
	scale := nn.Param{Name: d.name("positive")}
	for _, k := range shape {
		scale.Shape = append(scale.Shape, int(k))
	}
	zero := d.constant(kind, zeros, shape...)
	x := d.b.Mul(d.input(s), d.b.Float(40))
	q := d.b.Op(nn.Op{Type: "QuantizeLinear", Attrs: slices.Clone(attrs), Types: []nn.DType{kind}}.Yields(s), x, d.b.Param(scale), zero)[0]
	return []nn.Value{d.b.Op(nn.Op{Type: "DequantizeLinear", Attrs: attrs, Types: []nn.DType{nn.Float32}}.Yields(s), q, d.b.Param(scale), zero)[0]}
}
