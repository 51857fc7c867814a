package conform

import "github.com/autotailor/autotailor/runtime/nn"

// truth is an operator that yields booleans.
func (z *zoo) truth(kind string, s nn.Shape, in ...nn.Value) nn.Value {
	return z.Op(nn.Op{Type: kind, Name: z.name(kind), Types: []nn.DType{nn.Bool}}.Yields(s), in...)[0]
}

// number casts to float32.
func (z *zoo) number(x nn.Value, s nn.Shape) nn.Value {
	return z.Op(nn.Op{Type: "Cast", Name: z.name("cast"), Attrs: []nn.Attr{intAttr("to", int64(nn.Float32))}, Types: []nn.DType{nn.Float32}}.Yields(s), x)[0]
}

func (z *zoo) ints(v ...int64) nn.Value {
	return z.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{intsAttr("value_ints", v...)}})[0]
}

// rareArchitectures have the operators that few networks have, all of those that the engine runs and the others do not have.
var rareArchitectures = map[string]func(z *zoo){
	"rare functions": func(z *zoo) {
		s := nn.Shape{nn.Batch, 16, 8, 8}
		x := z.conv(z.image(16), 3, 16, 3, 2, 1)
		y := z.Act(x, nn.Act{Type: "Softsign"})
		for _, kind := range []string{"Asin", "Acos", "Atanh", "Atan", "Tan", "Sinh", "Cosh", "Asinh", "Sin", "Cos", "Mish", "Selu", "Celu", "Floor", "Sign"} {
			y = z.Add(z.Act(y, nn.Act{Type: "Softsign"}), z.Act(z.Act(y, nn.Act{Type: kind}), nn.Act{Type: "Softsign"}))
			y = z.Act(y, nn.Act{Type: "Softsign"})
		}
		half := z.Floats(0.5)
		y = z.op("Max", s, nil, x, y, half)
		y = z.op("Min", s, nil, y, z.Add(x, half))
		y = z.op("Sum", s, nil, y, x, half)
		y = z.op("Mod", s, []nn.Attr{intAttr("fmod", 1)}, y, z.Floats(1.7))
		low, high := z.truth("LessOrEqual", s, y, x), z.truth("GreaterOrEqual", s, y, half)
		other := z.truth("Xor", s, z.truth("And", s, low, high), z.truth("Or", s, low, z.truth("Not", s, z.truth("IsNaN", s, y))))
		y = z.Op(nn.Op{Type: "Where", Name: "where", Types: []nn.DType{nn.Float32}}.Yields(s), other, x, y)[0]
		z.head(z.conv(z.Add(y, z.number(low, s)), 16, 32, 3, 2, 1), 32)
	},
	"rare reductions": func(z *zoo) {
		s, row := nn.Shape{nn.Batch, 16, 64}, nn.Shape{nn.Batch, 16, 1}
		x := z.Reshape(z.conv(z.image(16), 3, 16, 3, 2, 1), s)
		last := []nn.Attr{intsAttr("axes", 2)}
		y := x
		for _, kind := range []string{"ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceMax", "ReduceMin", "ReduceLogSumExp"} {
			y = z.Add(y, z.Act(z.op(kind, row, last, z.Act(y, nn.Act{Type: "Softsign"})), nn.Act{Type: "Softsign"}))
		}
		y = z.Add(y, z.op("ReduceLogSum", row, last, z.Act(x, nn.Act{Type: "Exp"})))
		y = z.Add(y, z.op("ReduceProd", row, last, z.Act(x, nn.Sigmoid())))
		best := z.Op(nn.Op{Type: "ArgMax", Name: "best", Attrs: []nn.Attr{intAttr("axis", 2)}, Types: []nn.DType{nn.Int64}}.Yields(row), y)[0]
		y = z.Add(y, z.Act(z.number(best, row), nn.Act{Type: "Softsign"}))
		y = z.Add(y, z.op("Hardmax", s, []nn.Attr{intAttr("axis", 1)}, y))
		y = z.Add(y, z.op("CumSum", s, []nn.Attr{intAttr("exclusive", 1), intAttr("reverse", 1)}, z.Act(y, nn.Act{Type: "Softsign"}), z.ints(1)))
		y = z.op("LogSoftmax", s, []nn.Attr{intAttr("axis", -1)}, z.op("Trilu", s, []nn.Attr{intAttr("upper", 0)}, y, z.ints(9)))
		z.head(z.conv(z.Reshape(y, nn.Shape{nn.Batch, 16, 8, 8}), 16, 32, 3, 2, 1), 32)
	},
	"rare moves": func(z *zoo) {
		x := z.conv(z.image(16), 3, 16, 3, 2, 1)
		x = z.op("LRN", nn.Shape{nn.Batch, 16, 8, 8}, []nn.Attr{intAttr("size", 5), {Name: "alpha", Kind: nn.AttrFloat, Float: 0.3}}, x)
		y := z.op("SpaceToDepth", nn.Shape{nn.Batch, 64, 4, 4}, []nn.Attr{intAttr("blocksize", 2)}, x)
		y = z.op("DepthToSpace", nn.Shape{nn.Batch, 16, 8, 8}, []nn.Attr{intAttr("blocksize", 2)}, z.conv(y, 64, 64, 3, 1, 1))
		y = z.op("Tile", nn.Shape{nn.Batch, 16, 16, 8}, nil, z.Add(x, y), z.ints(1, 1, 2, 1))
		for _, mode := range []string{"linear", "cubic"} {
			scales := z.Floats(1, 1, 1, 1.5)
			side := 12
			if mode == "cubic" {
				side = 18
			}
			y = z.op("Resize", nn.Shape{nn.Batch, 16, 16, side}, []nn.Attr{stringAttr("mode", mode), stringAttr("coordinate_transformation_mode", "half_pixel")}, y, nn.None, scales)
		}
		z.head(z.conv(y, 16, 32, 3, 2, 1), 32)
	},
}
