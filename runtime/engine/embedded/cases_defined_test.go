package embedded_test

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// maxPooling is a pooling that may tell where its results come from.
func maxPooling(d *draw) []nn.Value {
	if d.rng.IntN(3) > 0 {
		return pooling(nn.Max)(d)
	}
	d.mixes = true // an index counts the images before
	spatial, kernel, _, pads, dilations, _ := d.geometry(true)
	attrs := []nn.Attr{ints("kernel_shape", wide(kernel)...), integer("storage_order", d.rng.IntN(2)*((4-len(spatial))/2))}
	if pads == nil {
		pads, dilations = make([]int, 2*len(kernel)), slices.Repeat([]int{1}, len(kernel))
	}
	attrs = append(attrs, ints("pads", wide(pads)...), ints("dilations", wide(dilations)...))
	channels := d.size()
	to := nn.Shape{d.batch, channels}
	for a, n := range spatial {
		to = append(to, n+pads[a]+pads[a+len(spatial)]-(kernel[a]-1)*dilations[a])
	}
	y, at := d.indexed(d.input(append(nn.Shape{d.batch, channels}, spatial...)), attrs, to)
	return []nn.Value{y, d.cast(at, nn.Float32, to)}
}

func wide(list []int) []int64 {
	out := make([]int64, len(list))
	for k, v := range list {
		out[k] = int64(v)
	}
	return out
}

// indexed is a MaxPool with both of its results.
func (d *draw) indexed(x nn.Value, attrs []nn.Attr, to nn.Shape) (y, at nn.Value) {
	out := d.b.Op(nn.Op{Type: "MaxPool", Attrs: attrs, Outputs: 2, Types: []nn.DType{nn.Float32, nn.Int64}}.Yields(to, to), x)
	return out[0], out[1]
}

// unpooling puts what a pooling has found back; the map may have more than the windows cover, which the operator is told.
func unpooling(d *draw) []nn.Value {
	d.mixes = true
	rank := 1 + d.rng.IntN(2)
	from, small := nn.Shape{d.batch, d.size()}, nn.Shape{d.batch}
	small = append(small, from[1])
	var kernel []int64
	more := 0
	for range rank {
		k, n := 1+d.rng.IntN(3), 1+d.rng.IntN(5)
		left := d.rng.IntN(k)
		more += left
		kernel, from, small = append(kernel, int64(k)), append(from, k*n+left), append(small, n)
	}
	attrs := []nn.Attr{ints("kernel_shape", kernel...), ints("strides", kernel...)}
	y, at := d.indexed(d.input(from), attrs, small)
	xs := []nn.Value{d.b.Act(y, nn.Act{Type: "Neg"}), at}
	if more > 0 {
		if d.batch == nn.Batch { // a stated shape has all extents
			from = slices.Clone(from)
			for a := range kernel {
				from[2+a] = int(kernel[a]) * small[2+a]
			}
			y, at = d.indexed(d.input(from), attrs, small)
			xs = []nn.Value{y, at}
		} else {
			xs = append(xs, d.integers(wide(from)...))
		}
	}
	return []nn.Value{d.op("MaxUnpool", attrs, from, xs...)}
}

// indices are numbers below n, as integers, some of them counted from the end.
func (d *draw) indices(n int, s nn.Shape) nn.Value {
	d.mixes = true
	list := make([]int64, s.Count())
	for k := range list {
		if list[k] = int64(d.rng.IntN(n)); d.rng.IntN(4) == 0 {
			list[k] -= int64(n)
		}
	}
	return d.b.Reshape(d.integers(list...), s)
}

// fixed draws extents without an open batch: constant indices do not follow one.
func (d *draw) fixed(low, high int) nn.Shape {
	d.batch = 2
	return d.shape(low, high)
}

func topK(d *draw) []nn.Value {
	s := d.shape(2, 4)
	axis := 1 + d.rng.IntN(len(s)-1)
	to := slices.Clone(s)
	to[axis] = 1 + d.rng.IntN(s[axis])
	o := nn.Op{
		Type: "TopK", Attrs: []nn.Attr{integer("axis", d.signed(axis, len(s))), integer("largest", d.rng.IntN(2))},
		Outputs: 2, Types: []nn.DType{nn.Float32, nn.Int64}, Shapes: []nn.Shape{to, to},
	}
	out := d.b.Op(o, d.b.Act(d.input(s), nn.Act{Type: "Round"}), d.integers(int64(to[axis])))
	return []nn.Value{out[0], d.cast(out[1], nn.Float32, to)}
}

func oneHot(d *draw) []nn.Value {
	s, n := d.fixed(1, 3), 2+d.rng.IntN(5)
	axis := d.rng.IntN(len(s) + 1)
	to := slices.Insert(slices.Clone(s), axis, n)
	values := d.b.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_floats", Kind: nn.AttrFloats, Floats: []float32{-0.5, 2}}}})[0]
	y := d.b.Op(nn.Op{Type: "OneHot", Attrs: []nn.Attr{integer("axis", d.signed(axis, len(to)))}, Types: []nn.DType{nn.Float32}}.Yields(to), d.indices(n, s), d.integers(int64(n)), values)[0]
	return []nn.Value{d.b.Add(y, d.input(nn.Shape{d.batch, 1}[1:]))}
}

// beside draws a tensor, indices of positions along an axis, and how many of these there are along each axis.
func (d *draw) beside() (x nn.Shape, index nn.Value, is nn.Shape, axis nn.Attr) {
	x = d.fixed(1, 4)
	at := d.rng.IntN(len(x))
	is = slices.Clone(x)
	for k := range is {
		is[k] = 1 + d.rng.IntN(x[k])
	}
	return x, d.indices(x[at], is), is, integer("axis", d.signed(at, len(x)))
}

func gatherElements(d *draw) []nn.Value {
	x, index, is, axis := d.beside()
	return []nn.Value{d.op("GatherElements", []nn.Attr{axis}, is, d.input(x), index)}
}

func scatterElements(d *draw) []nn.Value {
	x, index, is, axis := d.beside()
	d.opset = 18
	attrs := []nn.Attr{axis, {Name: "reduction", Kind: nn.AttrString, String: one(d, "add", "max", "min", "mul")}} // several updates may meet
	return []nn.Value{d.op("ScatterElements", attrs, x, d.input(x), index, d.input(is))}
}

// tuples draws indices of coordinates of the first axes of x.
func (d *draw) tuples(x nn.Shape, width int, lead ...int) nn.Value {
	d.mixes = true
	var list []int64
	for range nn.Shape(lead).Count() {
		for _, n := range x[:width] {
			list = append(list, int64(d.rng.IntN(2*n)-n))
		}
	}
	return d.b.Reshape(d.integers(list...), append(slices.Clone(nn.Shape(lead)), width))
}

func gatherND(d *draw) []nn.Value {
	x := d.fixed(2, 4)
	batch := d.rng.IntN(2)
	width := 1 + d.rng.IntN(len(x)-batch)
	lead := append(slices.Clone(x[:batch]), 1+d.rng.IntN(4), 1+d.rng.IntN(2))
	to := append(slices.Clone(lead), x[batch+width:]...)
	return []nn.Value{d.op("GatherND", []nn.Attr{integer("batch_dims", batch)}, to, d.input(x), d.tuples(x[batch:], width, lead...))}
}

func scatterND(d *draw) []nn.Value {
	x := d.fixed(2, 4)
	d.opset = 18
	width := 1 + d.rng.IntN(len(x))
	lead := []int{1 + d.rng.IntN(4)}
	reduction := nn.Attr{Name: "reduction", Kind: nn.AttrString, String: one(d, "add", "mul")}
	updates := append(nn.Shape(slices.Clone(lead)), x[width:]...)
	return []nn.Value{d.op("ScatterND", []nn.Attr{reduction}, x, d.input(x), d.tuples(x, width, lead...), d.input(updates))}
}

func lpPooling(d *draw) []nn.Value {
	spatial, kernel, strides, _, _, _ := d.geometry(false)
	channels := d.size()
	to := nn.Shape{d.batch, channels}
	for a, n := range spatial {
		to = append(to, (n-kernel[a])/strides[a]+1)
	}
	attrs := []nn.Attr{ints("kernel_shape", wide(kernel)...), integer("p", 1+d.rng.IntN(3)), ints("strides", wide(strides)...)}
	return []nn.Value{d.op("LpPool", attrs, to, d.input(append(nn.Shape{d.batch, channels}, spatial...)))}
}

// einsum has letters that an operand repeats.
func einsum(d *draw) []nn.Value {
	a, b, c := 1+d.rng.IntN(4), 1+d.rng.IntN(4), 1+d.rng.IntN(4)
	n := d.batch
	e := one(d,
		equation{"nii->ni", []nn.Shape{{n, a, a}}, nn.Shape{n, a}},
		equation{"nijj->ni", []nn.Shape{{n, a, b, b}}, nn.Shape{n, a}},
		equation{"...ii,...ij->...j", []nn.Shape{{n, a, b, b}, {n, a, b, c}}, nn.Shape{n, a, c}},
		equation{"nijk,nkii", []nn.Shape{{n, a, b, c}, {n, c, a, a}}, nn.Shape{b}},
		equation{"nij,nij,nkk->nk", []nn.Shape{{n, a, b}, {n, a, b}, {n, c, c}}, nn.Shape{n, c}},
	)
	d.mixes = d.mixes || e.to[0] != n
	var xs []nn.Value
	for _, s := range e.in {
		xs = append(xs, d.input(s))
	}
	return []nn.Value{d.op("Einsum", []nn.Attr{{Name: "equation", Kind: nn.AttrString, String: e.text}}, e.to, xs...)}
}

type equation struct {
	text string
	in   []nn.Shape
	to   nn.Shape
}

func eyeLike(d *draw) []nn.Value {
	s := d.fixed(2, 2)
	return []nn.Value{d.op("EyeLike", []nn.Attr{integer("k", d.rng.IntN(3)-1)}, s, d.input(s))}
}

func extents(name string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		s := d.shape(2, 4)
		d.mixes = true
		var to nn.Shape
		var attrs []nn.Attr
		if name == "Shape" {
			from := d.rng.IntN(len(s))
			d.opset = 15
			to, attrs = nn.Shape{len(s) - from}, []nn.Attr{integer("start", from-len(s))}
		}
		x := d.input(s)
		y := d.typed(name, nn.Int64, attrs, to, x)
		return []nn.Value{d.b.Add(d.b.Reshape(y, append(nn.Shape{1}, to...)), d.input(nn.Shape{1}))}
	}
}

// filled repeats a number, or zero, over a shape that is computed.
func filled(d *draw) []nn.Value {
	s := d.shape(3, 4)
	d.mixes = true
	o := nn.Op{Type: "ConstantOfShape", Types: []nn.DType{nn.Float32}, Shapes: []nn.Shape{s}}
	if d.coin() {
		o.Attrs = []nn.Attr{{Name: "value", Kind: nn.AttrTensor, Int: int64(nn.Float32), Ints: []int64{1}, Raw: nn.Bytes([]float32{2.5})}}
	}
	x := d.input(s)
	return []nn.Value{d.b.Add(d.b.Op(o, d.sizes(x, s))[0], x)}
}

// counted lists numbers as far as the batch.
func counted(d *draw) []nn.Value {
	s := nn.Shape{d.batch}
	d.mixes = true
	x := d.input(s)
	count := func(o nn.Op, xs ...nn.Value) nn.Value {
		o.Types = []nn.DType{nn.Int64}
		return d.b.Op(o, xs...)[0]
	}
	limit := count(nn.Op{Type: "Size", Shapes: []nn.Shape{{}}}, x)
	y := count(nn.Op{Type: "Range", Shapes: []nn.Shape{s}}, d.constant(nn.Int64, make([]byte, 8)), limit, d.constant(nn.Int64, []byte{1, 0, 0, 0, 0, 0, 0, 0}))
	return []nn.Value{d.b.Add(d.cast(y, nn.Float32, s), x)}
}

func dynamicQuantized(d *draw) []nn.Value {
	s := d.shape(1, 4)
	d.mixes = true
	o := nn.Op{Type: "DynamicQuantizeLinear", Outputs: 3, Types: []nn.DType{nn.Uint8, nn.Float32, nn.Uint8}, Shapes: []nn.Shape{s, {}, {}}}
	out := d.b.Op(o, d.input(s))
	y := d.b.Mul(d.b.Sub(d.cast(out[0], nn.Float32, s), d.cast(out[2], nn.Float32, nn.Shape{})), out[1])
	return []nn.Value{y}
}

// reverseSequence draws sequences of any length, all of the axis among them, with the batch before or behind the time.
func reverseSequence(d *draw) []nn.Value {
	s := d.fixed(2, 4)
	d.mixes = true
	axis := d.rng.IntN(2)
	var lengths []int64
	for range s[axis] {
		lengths = append(lengths, int64(1+d.rng.IntN(s[1-axis])))
	}
	attrs := []nn.Attr{integer("batch_axis", axis), integer("time_axis", 1-axis)}
	return []nn.Value{d.op("ReverseSequence", attrs, s, d.input(s), d.integers(lengths...))}
}
