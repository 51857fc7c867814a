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

// bitwise is of integers that a cast makes, some of them negative.
func bitwise(typ string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		x, y, out := d.operands()
		as := one(d, nn.Int32, nn.Int64)
		thousand := d.b.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{float("value_float", 1000)}})[0]
		whole := func(s nn.Shape) nn.Value { return d.cast(d.b.Mul(d.input(s), thousand), as, s) }
		return []nn.Value{d.typed(typ, as, nil, out, whole(x), whole(y))}
	}
}

// bitShift is of bytes that a cast makes.
func bitShift(d *draw) []nn.Value {
	s := d.shape(1, 4)
	bytes := func(most float32) nn.Value {
		x := d.b.Mul(d.b.Act(d.input(s), nn.Sigmoid()), d.b.Floats(most))
		return d.b.Op(nn.Op{Type: "Cast", Attrs: []nn.Attr{integer("to", int(nn.Uint8))}, Types: []nn.DType{nn.Uint8}}.Yields(s), x)[0]
	}
	direction := nn.Attr{Name: "direction", Kind: nn.AttrString, String: one(d, "LEFT", "RIGHT")}
	return []nn.Value{d.typed("BitShift", nn.Uint8, []nn.Attr{direction}, s, bytes(255), bytes(9))}
}

// gridSample reads images at places inside and outside of them.
func gridSample(d *draw) []nn.Value {
	s := nn.Shape{d.batch, d.size(), 1 + d.size(), 1 + d.size()}
	to := nn.Shape{d.batch, s[1], d.size(), d.size()}
	attrs := []nn.Attr{
		integer("align_corners", one(d, 0, 1)),
		{Name: "mode", Kind: nn.AttrString, String: one(d, "linear", "cubic", "nearest", "bilinear")},
		{Name: "padding_mode", Kind: nn.AttrString, String: one(d, "zeros", "border", "reflection")},
	}
	return []nn.Value{d.op("GridSample", attrs, to, d.input(s), d.input(nn.Shape{d.batch, to[2], to[3], 2}))}
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

// castLike casts to whole numbers or truths and back, each time like another operand.
func castLike(d *draw) []nn.Value {
	s := d.shape(1, 4)
	like := func(x, y nn.Value, as nn.DType) nn.Value {
		return d.b.Op(nn.Op{Type: "CastLike", Types: []nn.DType{as}}.Yields(s), x, y)[0]
	}
	x, as := d.input(s), one(d, nn.Bool, nn.Int32, nn.Int64)
	return []nn.Value{like(like(x, d.cast(d.input(nn.Shape{d.batch, 2}), as, nn.Shape{d.batch, 2}), as), x, nn.Float32)}
}

// within is an element-wise function of numbers between -1 and 1.
func within(typ string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		s := d.shape(1, 4)
		return []nn.Value{d.b.Act(d.b.Act(d.input(s), nn.Act{Type: "Softsign"}), nn.Act{Type: typ})}
	}
}

func tile(d *draw) []nn.Value {
	s := d.shape(2, 4)
	to, repeats := slices.Clone(s), []int64{1}
	for a := range s[1:] {
		r := 1 + d.rng.IntN(3)
		to[a+1] *= r
		repeats = append(repeats, int64(r))
	}
	return []nn.Value{d.op("Tile", nil, to, d.input(s), d.integers(repeats...))}
}

func depthToSpace(d *draw) []nn.Value {
	b, c, h, w := 1+d.rng.IntN(3), d.size(), d.size(), d.size()
	attrs := []nn.Attr{integer("blocksize", b), {Name: "mode", Kind: nn.AttrString, String: one(d, "DCR", "CRD")}}
	return []nn.Value{d.op("DepthToSpace", attrs, nn.Shape{d.batch, c, h * b, w * b}, d.input(nn.Shape{d.batch, c * b * b, h, w}))}
}

func spaceToDepth(d *draw) []nn.Value {
	b, c, h, w := 1+d.rng.IntN(3), d.size(), d.size(), d.size()
	return []nn.Value{d.op("SpaceToDepth", []nn.Attr{integer("blocksize", b)}, nn.Shape{d.batch, c * b * b, h, w}, d.input(nn.Shape{d.batch, c, h * b, w * b}))}
}

func instanceNorm(d *draw) []nn.Value {
	s := d.image()
	if size := s[2:].Count(); size < 2 { // a single element has no deviation
		s[2] = 2
	}
	return []nn.Value{d.op("InstanceNormalization", maybe(d, "epsilon", 1e-3), s, d.input(s), d.b.Param(d.tensor(s[1])), d.b.Param(d.tensor(s[1])))}
}

// localResponse is of images, with a size that is odd: ONNX Runtime refuses others.
func localResponse(d *draw) []nn.Value {
	s := nn.Shape{d.batch, 2 * d.size(), d.size(), d.size()}
	attrs := append(maybe(d, "alpha", 0.7), maybe(d, "beta", 0.6)...)
	attrs = append(attrs, maybe(d, "bias", 1.2)...)
	return []nn.Value{d.op("LRN", append(attrs, integer("size", one(d, 1, 3, 5))), s, d.input(s))}
}

// resize scales one or two spatial axes by whole numbers or halves, so that no position is between two by a rounding error.
func resize(d *draw) []nn.Value {
	s := d.image()
	to, scales := slices.Clone(s), []float32{1, 1}
	for a := 2; a < len(s); a++ {
		s[a] *= 2
		f := one(d, float32(1), 2, 3, 0.5)
		to[a] = int(float32(s[a]) * f)
		scales = append(scales, f)
	}
	attrs := []nn.Attr{
		{Name: "coordinate_transformation_mode", Kind: nn.AttrString, String: one(d, "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")},
		{Name: "mode", Kind: nn.AttrString, String: one(d, "nearest", "linear")},
		{Name: "nearest_mode", Kind: nn.AttrString, String: one(d, "round_prefer_floor", "round_prefer_ceil", "floor", "ceil")},
	}
	x := d.input(s)
	if len(s) == 4 && d.coin() { // ONNX Runtime moves a Transpose behind it, then finds that it cannot do that
		attrs[1].String, x = "cubic", d.b.Input(d.name("x"), nn.Float32, s)
	}
	if d.coin() {
		return []nn.Value{d.op("Resize", attrs, to, x, nn.None, nn.None, d.sizes(x, to))}
	}
	list := d.b.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_floats", Kind: nn.AttrFloats, Floats: scales}}})[0]
	return []nn.Value{d.op("Resize", attrs, to, x, nn.None, list)}
}

// sizes computes the extents of a result: batch and channels are those of x, by operators that the engine does not have.
func (d *draw) sizes(x nn.Value, to nn.Shape) nn.Value {
	of := d.b.Op(nn.Op{Type: "Shape", Types: []nn.DType{nn.Int64}, Shapes: []nn.Shape{{len(to)}}}, x)[0]
	list := func(v ...int64) nn.Value { return d.b.Ints(v...) }
	of = d.b.Op(nn.Op{Type: "Slice", Types: []nn.DType{nn.Int64}, Shapes: []nn.Shape{{2}}}, of, list(0), list(2))[0]
	space := make([]int64, len(to)-2)
	for k := range space {
		space[k] = int64(to[2+k])
	}
	return d.b.Op(nn.Op{Type: "Concat", Attrs: []nn.Attr{integer("axis", 0)}, Types: []nn.DType{nn.Int64}, Shapes: []nn.Shape{{len(to)}}}, of, list(space...))[0]
}

func transposedConvolution(d *draw) []nn.Value {
	groups := 1 + d.rng.IntN(2)
	in, each := groups*(1+d.rng.IntN(5)), 1+d.rng.IntN(5)
	s, to := nn.Shape{d.batch, in}, nn.Shape{d.batch, groups * each}
	weight := []int{in, each}
	var strides, begins, ends []int64
	for range 1 + d.rng.IntN(2) {
		n, k, stride := 2+d.rng.IntN(5), 1+d.rng.IntN(4), 1+d.rng.IntN(3)
		begin, end := d.rng.IntN(k), d.rng.IntN(k)
		if stride*(n-1)+k-begin-end < 1 {
			begin, end = 0, 0
		}
		s, to, weight = append(s, n), append(to, stride*(n-1)+k-begin-end), append(weight, k)
		strides, begins, ends = append(strides, int64(stride)), append(begins, int64(begin)), append(ends, int64(end))
	}
	attrs := []nn.Attr{ints("strides", strides...), ints("pads", append(begins, ends...)...), integer("group", groups)}
	operands := []nn.Value{d.input(s), d.b.Param(d.tensor(weight...))}
	if d.coin() {
		operands = append(operands, d.b.Param(d.tensor(groups*each)))
	}
	return []nn.Value{d.op("ConvTranspose", attrs, to, operands...)}
}

// gatherLive picks rows of a table by indices that the input gives.
func gatherLive(d *draw) []nn.Value {
	rows, width := 4+d.rng.IntN(5), d.size()
	s := d.shape(1, 3)
	index := d.cast(d.positive(s), nn.Int64, s)
	return []nn.Value{d.op("Gather", nil, append(slices.Clone(s), width), d.b.Param(d.tensor(rows, width)), index)}
}
