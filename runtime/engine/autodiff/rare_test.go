package autodiff_test

import (
	"maps"

	"github.com/autotailor/autotailor/runtime/nn"
)

// allCases has all networks.
func allCases() map[string]func(n net) nn.Value {
	all := maps.Clone(cases)
	maps.Copy(all, rareCases)
	for _, name := range []string{"Softsign", "Mish", "Selu", "Celu", "ThresholdedRelu", "Shrink", "Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh"} {
		all[name] = act(nn.Act{Type: name})
	}
	for _, name := range []string{"Asin", "Acos", "Atanh"} {
		all[name] = func(n net) nn.Value { return n.Act(n.Act(n.data(3, 5), nn.Act{Type: "Softsign"}), nn.Act{Type: name}) }
	}
	for _, name := range []string{"Floor", "Ceil", "Round", "Sign"} { // flat, but for jumps
		all[name] = func(n net) nn.Value {
			x := n.data(2, 8)
			return n.Mul(x, n.Act(x, nn.Act{Type: name}))
		}
	}
	for _, name := range []string{"Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"} {
		all[name] = func(n net) nn.Value {
			x, y := n.data(2, 3, 4), n.other(3, 1)
			return n.Mul(x, n.truth(n.typed(name, nn.Bool, nn.Shape{2, 3, 4}, nil, x, y), nn.Shape{2, 3, 4}))
		}
	}
	for _, name := range []string{"And", "Or", "Xor"} {
		all[name] = func(n net) nn.Value {
			s := nn.Shape{2, 9}
			return n.Mul(n.data(2, 9), n.truth(n.typed(name, nn.Bool, s, nil, n.signs("a", s), n.signs("b", s)), s))
		}
	}
	for _, name := range []string{"BitwiseAnd", "BitwiseOr", "BitwiseXor"} { // of integers: nothing depends on its gradient
		all[name] = func(n net) nn.Value {
			s := nn.Shape{2, 9}
			bits := func(x string) nn.Value { return n.cast(n.truth(n.signs(x, s), s), nn.Int32, s) }
			return n.Mul(n.data(2, 9), n.cast(n.typed(name, nn.Int32, s, nil, bits("a"), bits("b")), nn.Float32, s))
		}
	}
	for _, name := range []string{"ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp", "ReduceProd"} {
		all[name] = reduction(name, func(n net) nn.Value { return n.data(2, 3, 4, 5) })
	}
	all["ReduceLogSum"] = reduction("ReduceLogSum", func(n net) nn.Value { return n.Act(n.data(2, 3, 4, 5), nn.Act{Type: "Exp"}) })
	for _, name := range []string{"ArgMax", "ArgMin"} {
		all[name] = func(n net) nn.Value {
			x, axis := n.data(2, 5, 3), named("axis", nn.Attr{Kind: nn.AttrInt, Int: 1})
			at := n.typed(name, nn.Int64, nn.Shape{2, 1, 3}, []nn.Attr{axis}, x)
			return n.Mul(x, n.cast(at, nn.Float32, nn.Shape{2, 1, 3}))
		}
	}
	return all
}

// reduction is over two axes, which are kept or not.
func reduction(name string, x func(n net) nn.Value) func(n net) nn.Value {
	return func(n net) nn.Value {
		o := nn.Op{Type: name, Attrs: []nn.Attr{named("axes", ints(1, 3))}, Shapes: []nn.Shape{{2, 1, 4, 1}}}
		if n.between(0, 1) > 0 {
			o.Attrs, o.Shapes = append(o.Attrs, named("keepdims", nn.Attr{Kind: nn.AttrInt})), []nn.Shape{{2, 4}}
		}
		return n.op(o, x(n))
	}
}

// typed is an operator whose result has an element type of its own.
func (n net) typed(name string, as nn.DType, s nn.Shape, attrs []nn.Attr, xs ...nn.Value) nn.Value {
	return n.op(nn.Op{Type: name, Attrs: attrs, Types: []nn.DType{as}, Shapes: []nn.Shape{s}}, xs...)
}

func (n net) cast(x nn.Value, as nn.DType, s nn.Shape) nn.Value {
	return n.typed("Cast", as, s, []nn.Attr{named("to", nn.Attr{Kind: nn.AttrInt, Int: int64(as)})}, x)
}

// other is a tensor none of whose elements is near one of the data.
func (n net) other(s ...int) nn.Value {
	by := n.op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_float", Kind: nn.AttrFloat, Float: 0.7}}})
	return n.Mul(n.Param(p("y", s...)), by)
}

// truth is 1.5 where x is true, else 0.5.
func (n net) truth(x nn.Value, s nn.Shape) nn.Value {
	half := n.op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_float", Kind: nn.AttrFloat, Float: 0.5}}})
	return n.Add(n.cast(x, nn.Float32, s), half)
}

// signs tells where a tensor is positive.
func (n net) signs(name string, s nn.Shape) nn.Value {
	zero := n.op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_float", Kind: nn.AttrFloat}}})
	return n.typed("Greater", nn.Bool, s, nil, n.Param(p(name, s...)), zero)
}

func (n net) integers(v ...int64) nn.Value {
	return n.op(nn.Op{Type: "Constant", Attrs: []nn.Attr{named("value_ints", ints(v...))}})
}

// rareCases has the networks of operators that few models train.
var rareCases = map[string]func(n net) nn.Value{
	"Max":         func(n net) nn.Value { return n.op(nn.Op{Type: "Max"}, n.data(2, 3, 4), n.other(3, 1)) },
	"Max of many": func(n net) nn.Value { return n.op(nn.Op{Type: "Max"}, n.data(2, 3), n.other(2, 3), n.Param(p("z", 3))) },
	"Min":         func(n net) nn.Value { return n.op(nn.Op{Type: "Min"}, n.data(2, 3), n.other(2, 3)) },
	"Sum": func(n net) nn.Value {
		return n.op(nn.Op{Type: "Sum"}, n.data(2, 3), n.Param(p("y", 3)), n.Param(p("z", 2, 1)))
	},
	"PRelu": func(n net) nn.Value { return n.op(nn.Op{Type: "PRelu"}, n.data(2, 3, 4), n.Param(p("y", 3, 1))) },
	"Mod": func(n net) nn.Value {
		y := n.Act(n.Param(p("y", 4)), nn.Act{Type: "Exp"})
		return n.op(nn.Op{Type: "Mod", Attrs: []nn.Attr{named("fmod", nn.Attr{Kind: nn.AttrInt, Int: 1})}}, n.data(2, 3, 4), y)
	},
	"Not": func(n net) nn.Value {
		s := nn.Shape{2, 9}
		return n.Mul(n.data(2, 9), n.truth(n.typed("Not", nn.Bool, s, nil, n.signs("a", s)), s))
	},
	"IsNaN": func(n net) nn.Value {
		x := n.data(2, 9)
		return n.Mul(x, n.truth(n.typed("IsNaN", nn.Bool, nn.Shape{2, 9}, nil, x), nn.Shape{2, 9}))
	},
	"Cast": func(n net) nn.Value {
		x := n.data(2, 9)
		return n.Mul(x, n.cast(n.cast(n.Mul(x, x), nn.Int32, nn.Shape{2, 9}), nn.Float32, nn.Shape{2, 9}))
	},
	"CastLike": func(n net) nn.Value {
		x := n.data(2, 9)
		whole := n.cast(n.Mul(x, x), nn.Int32, nn.Shape{2, 9})
		return n.Mul(x, n.typed("CastLike", nn.Float32, nn.Shape{2, 9}, nil, whole, x))
	},
	"Acosh": func(n net) nn.Value { return n.Act(n.Act(n.data(3, 5), nn.Act{Type: "Cosh"}), nn.Act{Type: "Acosh"}) },
	"Shape": func(n net) nn.Value {
		extents := n.typed("Shape", nn.Int64, nn.Shape{2}, nil, n.Param(p("y", 3, 4)))
		return n.Mul(n.data(5, 2), n.cast(extents, nn.Float32, nn.Shape{2}))
	},
	"Size": func(n net) nn.Value {
		x := n.data(2, 9)
		return n.Mul(x, n.cast(n.typed("Size", nn.Int64, nn.Shape{}, nil, x), nn.Float32, nn.Shape{}))
	},
	"Range": func(n net) nn.Value { // positions, as an encoder has them
		x := n.data(2, 9)
		first := int64(n.between(0, 3))
		at := n.typed("Range", nn.Int64, nn.Shape{9}, nil, n.integers(first), n.integers(first+17), n.integers(2))
		return n.Mul(x, n.cast(at, nn.Float32, nn.Shape{9}))
	},
	"ConstantOfShape": func(n net) nn.Value {
		value := nn.Attr{Name: "value", Kind: nn.AttrTensor, Int: int64(nn.Float32), Ints: []int64{1}, Raw: nn.Bytes([]float32{2.5})}
		return n.Mul(n.data(2, 9), n.typed("ConstantOfShape", nn.Float32, nn.Shape{2, 9}, []nn.Attr{value}, n.integers(2, 9)))
	},
	"EyeLike": func(n net) nn.Value {
		x := n.data(4, 5)
		return n.Mul(x, n.typed("EyeLike", nn.Float32, nn.Shape{4, 5}, []nn.Attr{named("k", nn.Attr{Kind: nn.AttrInt, Int: int64(n.between(-2, 2))})}, x))
	},
	"Where": func(n net) nn.Value {
		return n.typed("Where", nn.Float32, nn.Shape{2, 3, 4}, nil, n.signs("c", nn.Shape{3, 4}), n.data(2, 3, 1), n.Param(p("y", 2, 3, 4)))
	},

	"LogSoftmax": func(n net) nn.Value { return n.along("LogSoftmax", n.data(2, 3, 4)) },
	"Hardmax":    func(n net) nn.Value { x := n.data(2, 3, 4); return n.Mul(x, n.along("Hardmax", x)) },
	"CumSum": func(n net) nn.Value {
		o := nn.Op{Type: "CumSum", Shapes: []nn.Shape{{2, 3, 4}}}
		for _, name := range []string{"reverse", "exclusive"} {
			o.Attrs = append(o.Attrs, named(name, nn.Attr{Kind: nn.AttrInt, Int: int64(n.between(0, 1))}))
		}
		return n.op(o, n.data(2, 3, 4), n.integers(int64(n.between(-1, 1))))
	},
	"LRN": func(n net) nn.Value {
		o := nn.Op{Type: "LRN", Shapes: []nn.Shape{{2, 7, 2, 3}}, Attrs: []nn.Attr{named("size", nn.Attr{Kind: nn.AttrInt, Int: int64(n.between(1, 6))})}}
		for name, v := range map[string]float32{"alpha": 0.8, "beta": 0.6, "bias": 0.9} {
			o.Attrs = append(o.Attrs, nn.Attr{Name: name, Kind: nn.AttrFloat, Float: v})
		}
		return n.op(o, n.data(2, 7, 2, 3))
	},
	"GroupNormalization": func(n net) nn.Value {
		groups := named("num_groups", nn.Attr{Kind: nn.AttrInt, Int: 3})
		of := 3 * n.between(1, 2) // parameters of groups, as before opset 21, or of channels
		return n.op(nn.Op{Type: "GroupNormalization", Attrs: []nn.Attr{groups}, Shapes: []nn.Shape{{2, 6, 2, 3}}}, n.data(2, 6, 2, 3), n.Param(p("s", of)), n.Param(p("b", of)))
	},
	"RMSNormalization": func(n net) nn.Value {
		return n.op(nn.Op{Type: "RMSNormalization", Shapes: []nn.Shape{{2, 3, 6}}}, n.data(2, 3, 6), n.Param(p("s", 6)))
	},
	"RMSNormalization over two axes": func(n net) nn.Value {
		axis := named("axis", nn.Attr{Kind: nn.AttrInt, Int: 1})
		return n.op(nn.Op{Type: "RMSNormalization", Attrs: []nn.Attr{axis}, Shapes: []nn.Shape{{2, 3, 6}}}, n.data(2, 3, 6), n.Param(p("s", 3, 6)))
	},
	"BitShift": func(n net) nn.Value { // of integers: nothing depends on its gradient
		s, x := nn.Shape{2, 8}, n.data(2, 8)
		direction := nn.Attr{Name: "direction", Kind: nn.AttrString, String: "LEFT"}
		one := n.op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_float", Kind: nn.AttrFloat, Float: 1}}})
		bits := n.cast(n.truth(n.signs("a", s), s), nn.Uint8, s)
		shifted := n.typed("BitShift", nn.Uint8, s, []nn.Attr{direction}, bits, n.cast(one, nn.Uint8, nn.Shape{}))
		return n.Mul(x, n.cast(shifted, nn.Float32, s))
	},
	"GridSample": func(n net) nn.Value {
		text := func(name, v string) nn.Attr { return nn.Attr{Name: name, Kind: nn.AttrString, String: v} }
		pick := func(list ...string) string { return list[n.rng.IntN(len(list))] }
		attrs := []nn.Attr{text("mode", pick("linear", "cubic")), text("padding_mode", pick("zeros", "border", "reflection")),
			named("align_corners", nn.Attr{Kind: nn.AttrInt, Int: int64(n.between(0, 1))})}
		grid := n.Act(n.Param(p("y", 2, 3, 2, 2)), nn.Act{Type: "Tanh"})
		return n.op(nn.Op{Type: "GridSample", Attrs: attrs, Shapes: []nn.Shape{{2, 3, 3, 2}}}, n.data(2, 3, 4, 5), grid)
	},
	"LpNormalization": func(n net) nn.Value {
		attrs := []nn.Attr{named("axis", nn.Attr{Kind: nn.AttrInt, Int: 1}), named("p", nn.Attr{Kind: nn.AttrInt, Int: int64(n.between(1, 2))})}
		return n.op(nn.Op{Type: "LpNormalization", Attrs: attrs, Shapes: []nn.Shape{{2, 7, 3}}}, n.data(2, 7, 3))
	},
	"InstanceNormalization": func(n net) nn.Value {
		return n.op(nn.Op{Type: "InstanceNormalization", Shapes: []nn.Shape{{2, 3, 4, 5}}}, n.data(2, 3, 4, 5), n.Param(p("s", 3)), n.Param(p("b", 3)))
	},

	"Gather by inputs": func(n net) nn.Value {
		index := n.cast(n.Act(n.data(2, 3), nn.Act{Type: "Round"}), nn.Int64, nn.Shape{2, 3})
		axis := named("axis", nn.Attr{Kind: nn.AttrInt, Int: 1})
		return n.op(nn.Op{Type: "Gather", Attrs: []nn.Attr{axis}, Shapes: []nn.Shape{{2, 2, 3, 3}}}, n.Param(p("y", 2, 4, 3)), index)
	},
	"Pad by reflection": func(n net) nn.Value {
		mode := nn.Attr{Name: "mode", Kind: nn.AttrString, String: []string{"reflect", "edge", "wrap"}[n.between(0, 2)]}
		return n.op(nn.Op{Type: "Pad", Attrs: []nn.Attr{mode, named("pads", ints(0, 0, 2, 1, 0, 0, 1, 2))}, Shapes: []nn.Shape{{2, 3, 7, 7}}}, n.data(2, 3, 4, 4))
	},
	"Tile": func(n net) nn.Value {
		return n.op(nn.Op{Type: "Tile", Shapes: []nn.Shape{{4, 3, 8}}}, n.data(2, 3, 4), n.integers(2, 1, 2))
	},
	"Trilu": func(n net) nn.Value {
		upper := named("upper", nn.Attr{Kind: nn.AttrInt, Int: int64(n.between(0, 1))})
		return n.op(nn.Op{Type: "Trilu", Attrs: []nn.Attr{upper}, Shapes: []nn.Shape{{2, 4, 5}}}, n.data(2, 4, 5), n.integers(int64(n.between(-1, 1))))
	},
	"DepthToSpace": func(n net) nn.Value {
		mode := nn.Attr{Name: "mode", Kind: nn.AttrString, String: []string{"DCR", "CRD"}[n.between(0, 1)]}
		return n.op(nn.Op{Type: "DepthToSpace", Attrs: []nn.Attr{mode, named("blocksize", nn.Attr{Kind: nn.AttrInt, Int: 2})}, Shapes: []nn.Shape{{2, 3, 4, 6}}}, n.data(2, 12, 2, 3))
	},
	"SpaceToDepth": func(n net) nn.Value {
		return n.op(nn.Op{Type: "SpaceToDepth", Attrs: []nn.Attr{named("blocksize", nn.Attr{Kind: nn.AttrInt, Int: 2})}, Shapes: []nn.Shape{{2, 12, 2, 3}}}, n.data(2, 3, 4, 6))
	},
	"Resize": func(n net) nn.Value {
		mode := nn.Attr{Name: "mode", Kind: nn.AttrString, String: []string{"nearest", "linear", "cubic"}[n.between(0, 2)]}
		like := n.typed("Shape", nn.Int64, nn.Shape{4}, nil, n.Param(p("as large as", 2, 3, 7, 2)))
		return n.op(nn.Op{Type: "Resize", Attrs: []nn.Attr{mode}, Shapes: []nn.Shape{{2, 3, 7, 2}}}, n.data(2, 3, 4, 5), nn.None, nn.None, like)
	},
	"ConvTranspose": func(n net) nn.Value {
		groups, in, out, k, stride := n.between(1, 2), n.between(1, 9), n.between(1, 20), n.between(1, 4), n.between(1, 3)
		h, w, begin, end := n.between(2, 6), n.between(2, 6), n.between(0, k-1), n.between(0, k-1)
		extra := n.between(0, stride-1)
		to := nn.Shape{2, groups * out, max(1, stride*(h-1)+k-begin-end+extra), stride*(w-1) + k}
		if to[2] == 1 {
			begin, end, extra, to[2] = 0, 0, 0, stride*(h-1)+k
		}
		attrs := []nn.Attr{
			named("group", nn.Attr{Kind: nn.AttrInt, Int: int64(groups)}), named("strides", ints(int64(stride), int64(stride))),
			named("pads", ints(int64(begin), 0, int64(end), 0)), named("output_padding", ints(int64(extra), 0)),
		}
		operands := []nn.Value{n.data(2, groups*in, h, w), n.Param(p("w", groups*in, out, k, k))}
		if n.between(0, 1) > 0 {
			operands = append(operands, n.Param(p("b", groups*out)))
		}
		return n.op(nn.Op{Type: "ConvTranspose", Attrs: attrs, Shapes: []nn.Shape{to}}, operands...)
	},
	"ConvTranspose of one axis": func(n net) nn.Value {
		o := nn.Op{Type: "ConvTranspose", Attrs: []nn.Attr{named("strides", ints(2)), {Name: "auto_pad", Kind: nn.AttrString, String: "SAME_UPPER"}}, Shapes: []nn.Shape{{2, 5, 14}}}
		return n.op(o, n.data(2, 3, 7), n.Param(p("w", 3, 5, 3)), n.Param(p("b", 5)))
	},
}

// along is an operator along any axis.
func (n net) along(name string, x nn.Value) nn.Value {
	return n.op(nn.Op{Type: name, Attrs: []nn.Attr{named("axis", nn.Attr{Kind: nn.AttrInt, Int: int64(n.between(-1, 2))})}, Shapes: []nn.Shape{{2, 3, 4}}}, x)
}
