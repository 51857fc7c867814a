package embedded_test

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// typed adds an operator whose result has an element type of its own, and casts it to float32.
func (d *draw) typed(typ string, as nn.DType, attrs []nn.Attr, to nn.Shape, xs ...nn.Value) nn.Value {
	return d.cast(d.b.Op(nn.Op{Type: typ, Attrs: attrs, Types: []nn.DType{as}}.Yields(to), xs...)[0], nn.Float32, to)
}

func (d *draw) cast(x nn.Value, as nn.DType, s nn.Shape) nn.Value {
	return d.b.Op(nn.Op{Type: "Cast", Attrs: []nn.Attr{integer("to", int(as))}, Types: []nn.DType{as}}.Yields(s), x)[0]
}

// truths is an input of booleans: half of them true.
func (d *draw) truths(s nn.Shape) nn.Value {
	zero := d.b.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{float("value_float", 0)}})[0]
	return d.b.Op(nn.Op{Type: "Greater", Types: []nn.DType{nn.Bool}}.Yields(s), d.input(s), zero)[0]
}

func comparison(typ string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		x, y, out := d.operands()
		a := d.b.Act(d.input(x), nn.Act{Type: "Round"}) // so that some are equal
		b := d.b.Act(d.input(y), nn.Act{Type: "Round"})
		return []nn.Value{d.typed(typ, nn.Bool, nil, out, a, b)}
	}
}

func logical(typ string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		x, y, out := d.operands()
		return []nn.Value{d.typed(typ, nn.Bool, nil, out, d.truths(x), d.truths(y))}
	}
}

// along is an operator along one axis, given as an attribute.
func along(typ string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		s := d.shape(2, 4)
		axis := d.axis(s)
		return []nn.Value{d.op(typ, []nn.Attr{integer("axis", d.signed(axis, len(s)))}, s, d.input(s))}
	}
}

func position(typ string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		s := d.shape(2, 4)
		axis := d.axis(s)
		to := slices.Clone(s)
		to[axis] = 1
		attrs := []nn.Attr{integer("axis", d.signed(axis, len(s)))}
		if len(s) > 2 && d.coin() {
			to = slices.Delete(to, axis, axis+1)
			attrs = append(attrs, integer("keepdims", 0))
		}
		return []nn.Value{d.typed(typ, nn.Int64, attrs, to, d.input(s))}
	}
}

// positiveReduction is a reduction of positive elements, whose logarithm exists.
func positiveReduction(typ string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		s := d.shape(2, 4)
		to := slices.Clone(s)
		to[len(s)-1] = 1
		return []nn.Value{d.op(typ, []nn.Attr{ints("axes", -1)}, to, d.positive(s))}
	}
}

func where(d *draw) []nn.Value {
	x, y, out := d.operands()
	return []nn.Value{d.b.Op(nn.Op{Type: "Where", Types: []nn.DType{nn.Float32}}.Yields(out), d.truths(out), d.input(x), d.input(y))[0]}
}

func cumSum(d *draw) []nn.Value {
	s := d.shape(2, 4)
	axis := d.axis(s)
	attrs := []nn.Attr{integer("exclusive", d.rng.IntN(2)), integer("reverse", d.rng.IntN(2))}
	return []nn.Value{d.op("CumSum", attrs, s, d.input(s), d.integers(int64(d.signed(axis, len(s)))))}
}

func cast(d *draw) []nn.Value {
	s := d.shape(1, 4)
	as := one(d, nn.Bool, nn.Int32, nn.Int64)
	return []nn.Value{d.cast(d.cast(d.input(s), as, s), nn.Float32, s)}
}

// within is an element-wise function of numbers between -1 and 1.
func within(typ string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		s := d.shape(1, 4)
		return []nn.Value{d.b.Act(d.b.Act(d.input(s), nn.Act{Type: "Softsign"}), nn.Act{Type: typ})}
	}
}
