package conform

import "github.com/autotailor/autotailor/runtime/nn"

// maskedArchitectures add tables to attention that they compute as exporters write it down.
var maskedArchitectures = map[string]func(z *zoo){
	"shifted windows (Swin)": func(z *zoo) {
		x := z.Transpose(z.bare(z.image(16), 3, 32, 1, 2, 1), 0, 2, 3, 1) // N 8 8 32
		y := z.roll(z.norm(x, 32), 2)
		y = z.Transpose(z.Reshape(y, nn.Shape{nn.Batch, 2, 4, 2, 4, 32}), 0, 1, 3, 2, 4, 5)
		y = z.masked(z.Reshape(y, nn.Shape{4 * nn.Batch, 16, 32}), z.regions())
		y = z.Transpose(z.Reshape(y, nn.Shape{nn.Batch, 2, 2, 4, 4, 32}), 0, 1, 3, 2, 4, 5)
		x = z.Add(x, z.roll(z.Reshape(y, nn.Shape{nn.Batch, 8, 8, 32}), 6))
		x = z.Add(x, z.linear(z.Act(z.linear(z.norm(x, 32), 32, 64), nn.Gelu()), 64, 32))
		z.head(z.Transpose(x, 0, 3, 1, 2), 32)
	},
	"filled tables": func(z *zoo) {
		fill := func(v float32, s ...int64) nn.Value {
			value := nn.FromFloat32s(nn.Shape{1}, []float32{v})
			a := nn.Attr{Name: "value", Kind: nn.AttrTensor, Int: int64(nn.Float32), Ints: []int64{1}, Raw: value.Raw}
			to := make(nn.Shape, len(s))
			for k, n := range s {
				to[k] = int(n)
			}
			return z.op("ConstantOfShape", to, []nn.Attr{a}, z.ints(s...))
		}
		x := z.conv(z.image(16), 3, 16, 3, 2, 1)
		x = z.Add(x, fill(0.25, 8, 8))
		rows := z.Concat(0, fill(0.5, 3, 8), fill(-1, 5, 8)) // two values, spread along one axis and repeated along the other
		z.head(z.conv(z.Mul(x, rows), 16, 32, 3, 2, 1), 32)
	},
	"tables from constants": func(z *zoo) {
		s := nn.Shape{16, 8, 8}
		whole := func(kind string, s nn.Shape, attrs []nn.Attr, in ...nn.Value) nn.Value {
			return z.Op(nn.Op{Type: kind, Name: z.name(kind), Attrs: attrs, Types: []nn.DType{nn.Int64}}.Yields(s), in...)[0]
		}
		count := z.ints(0, 1, 2, 3, 4, 5, 6, 7)
		rows, columns := whole("Unsqueeze", nn.Shape{8, 1}, nil, count, z.ints(-1)), whole("Reshape", nn.Shape{1, 8}, nil, count, z.ints(1, -1))
		channels := whole("Reshape", nn.Shape{16, 1, 1}, nil, whole("Concat", nn.Shape{16}, []nn.Attr{intAttr("axis", 0)}, count, whole("Neg", nn.Shape{8}, nil, count)), z.ints(-1, 1, 1))
		sum := whole("Add", s, nil, channels, whole("Sub", nn.Shape{8, 8}, nil, rows, columns))
		odd := whole("Mod", s, nil, sum, z.ints(3))
		odd = whole("Slice", s, nil, whole("Transpose", nn.Shape{8, 8, 16}, []nn.Attr{intsAttr("perm", 1, 2, 0)}, odd), z.ints(-1), z.ints(-100), z.ints(0), z.ints(-1))
		odd = whole("Transpose", s, []nn.Attr{intsAttr("perm", 2, 0, 1)}, odd)
		even := z.truth("Not", s, z.truth("Equal", s, odd, z.ints(1)))
		low, high := z.truth("Less", s, odd, z.ints(2)), z.truth("Greater", s, odd, z.ints(0))
		y := z.op("Where", s, nil, even, z.op("Mul", s, nil, z.number(odd, s), z.Float(0.3)), z.Float(-0.5))
		y = z.op("Add", s, nil, z.op("Sub", s, nil, y, z.number(low, s)), z.number(high, s))
		z.head(z.conv(z.Mul(z.conv(z.image(16), 3, 16, 3, 2, 1), y), 16, 32, 3, 2, 1), 32)
	},
}

// roll moves the first rows and columns of an image of 8 by 8 behind the others.
func (z *zoo) roll(x nn.Value, by int64) nn.Value {
	for axis := int64(1); axis < 3; axis++ {
		part := func(from, to int64) nn.Value {
			s := nn.Shape{nn.Batch, 8, 8, 32}
			s[axis] = int(to - from)
			return z.op("Slice", s, nil, x, z.ints(from), z.ints(to), z.ints(axis))
		}
		x = z.Concat(int(axis), part(by, 8), part(0, by))
	}
	return x
}

// masked is self-attention of two heads in 4 windows of 16 tokens with a mask [1, 4, 1, 16, 16].
func (z *zoo) masked(x, mask nn.Value) nn.Value {
	split := func(y nn.Value) nn.Value {
		return z.Transpose(z.Reshape(y, nn.Shape{4 * nn.Batch, 16, 2, 16}), 0, 2, 1, 3)
	}
	q, k, v := split(z.linear(x, 32, 32)), split(z.linear(x, 32, 32)), split(z.linear(x, 32, 32))
	y := z.Reshape(z.MatMul(q, z.Transpose(k, 0, 1, 3, 2)), nn.Shape{nn.Batch, 4, 2, 16, 16})
	y = z.Softmax(z.Reshape(z.Add(y, mask), nn.Shape{4 * nn.Batch, 2, 16, 16}), -1)
	return z.linear(z.Reshape(z.Transpose(z.MatMul(y, v), 0, 2, 1, 3), nn.Shape{4 * nn.Batch, 16, 32}), 32, 32)
}

// regions is -100 where two pixels of a window come from different regions of the image that was rolled by 2: torchvision numbers the
// regions by assigning to slices of an image of zeros, and exporters make a ScatterND of each assignment.
func (z *zoo) regions() nn.Value {
	whole := func(kind string, s nn.Shape, attrs []nn.Attr, in ...nn.Value) nn.Value {
		return z.Op(nn.Op{Type: kind, Name: z.name(kind), Attrs: attrs, Types: []nn.DType{nn.Int64}}.Yields(s), in...)[0]
	}
	image := z.op("ConstantOfShape", nn.Shape{8, 8}, nil, z.ints(8, 8))
	bounds := []int64{0, 4, 6, 8}
	for k := range 9 {
		top, left := bounds[k/3], bounds[k%3]
		h, w := bounds[k/3+1]-top, bounds[k%3+1]-left
		var rows, columns []int64
		for i := range h {
			rows = append(rows, top+i)
		}
		for j := range w {
			columns = append(columns, left+j-8) // counted from the end
		}
		area := nn.Shape{int(h), int(w), 1}
		index := whole("Concat", nn.Shape{int(h), int(w), 2}, []nn.Attr{intAttr("axis", -1)},
			whole("Expand", area, nil, whole("Unsqueeze", nn.Shape{int(h), 1, 1}, nil, z.ints(rows...), z.ints(1, 2)), z.ints(h, w, 1)),
			whole("Expand", area, nil, whole("Unsqueeze", nn.Shape{int(w), 1}, nil, z.ints(columns...), z.ints(1)), z.ints(h, w, 1)))
		count := z.op("Expand", area[:2], nil, z.Float(float32(k)), z.ints(h, w))
		image = z.op("ScatterND", nn.Shape{8, 8}, nil, image, index, count)
	}
	image = z.Reshape(z.Transpose(z.Reshape(image, nn.Shape{2, 4, 2, 4}), 0, 2, 1, 3), nn.Shape{4, 16})
	s := nn.Shape{4, 16, 16}
	apart := z.op("Sub", s, nil, z.op("Unsqueeze", nn.Shape{4, 1, 16}, nil, image, z.ints(1)), z.op("Unsqueeze", nn.Shape{4, 16, 1}, nil, image, z.ints(2)))
	apart = z.truth("Not", s, z.truth("Equal", s, apart, z.Float(0)))
	mask := z.op("Where", s, nil, apart, z.Float(-100), z.Float(0))
	return z.op("Unsqueeze", nn.Shape{1, 4, 1, 16, 16}, nil, mask, z.ints(0, 2))
}
