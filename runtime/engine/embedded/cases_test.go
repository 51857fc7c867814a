package embedded_test

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// cases draws a network around each operator of the engine's table.
var cases = map[string]func(d *draw) []nn.Value{
	"Conv":               convolution,
	"ConvTranspose":      transposedConvolution,
	"Gemm":               gemm,
	"MatMul":             matMul,
	"BatchNormalization": normalization,
	"LayerNormalization": layerNorm,
	"Softmax": func(d *draw) []nn.Value {
		s := d.shape(1, 4)
		axis := d.axis(s)
		return []nn.Value{d.b.Softmax(d.input(s), d.signed(axis, len(s)))}
	},

	"MaxPool":           maxPooling,
	"MaxUnpool":         unpooling,
	"AveragePool":       pooling(nn.Average),
	"GlobalMaxPool":     globalPooling(nn.GlobalMax),
	"GlobalAveragePool": globalPooling(nn.GlobalAverage),
	"ReduceMean":        reduction("ReduceMean"),
	"ReduceSum":         reduction("ReduceSum"),
	"ReduceMax":         reduction("ReduceMax"),

	"ReduceMin":       reduction("ReduceMin"),
	"ReduceProd":      reduction("ReduceProd"),
	"ReduceL1":        reduction("ReduceL1"),
	"ReduceL2":        reduction("ReduceL2"),
	"ReduceSumSquare": reduction("ReduceSumSquare"),
	"ReduceLogSum":    positiveReduction("ReduceLogSum"),
	"ReduceLogSumExp": reduction("ReduceLogSumExp"),
	"ArgMax":          position("ArgMax"),
	"ArgMin":          position("ArgMin"),
	"LogSoftmax":      along("LogSoftmax"),
	"Hardmax":         along("Hardmax"),
	"CumSum":          cumSum,

	"LSTM":             recurrent("LSTM", 4),
	"GRU":              recurrent("GRU", 3),
	"RNN":              recurrent("RNN", 1),
	"QuantizeLinear":   quantised,
	"DequantizeLinear": quantised,

	"QLinearConv": integerConv("QLinearConv"), "ConvInteger": integerConv("ConvInteger"),
	"QLinearMatMul": integerMatMul("QLinearMatMul"), "MatMulInteger": integerMatMul("MatMulInteger"),
	"com.microsoft.MatMulIntegerToFloat":     integerMatMul("com.microsoft.MatMulIntegerToFloat"),
	"com.microsoft.DynamicQuantizeMatMul":    integerMatMul("com.microsoft.DynamicQuantizeMatMul"),
	"com.microsoft.QLinearAdd":               integerPair("com.microsoft.QLinearAdd"),
	"com.microsoft.QLinearMul":               integerPair("com.microsoft.QLinearMul"),
	"com.microsoft.QLinearSigmoid":           integerUnary("com.microsoft.QLinearSigmoid", none),
	"com.microsoft.QLinearLeakyRelu":         integerUnary("com.microsoft.QLinearLeakyRelu", func(*draw) []nn.Attr { return []nn.Attr{float("alpha", 0.2)} }),
	"com.microsoft.QLinearAveragePool":       integerUnary("com.microsoft.QLinearAveragePool", func(*draw) []nn.Attr { return []nn.Attr{ints("kernel_shape", 2, 2)} }),
	"com.microsoft.QLinearGlobalAveragePool": integerUnary("com.microsoft.QLinearGlobalAveragePool", none),
	"com.microsoft.QLinearConcat":            integerConcat,
	"com.microsoft.QuantizeLinear":           otherQuantised,
	"com.microsoft.DequantizeLinear":         otherQuantised,

	"GroupNormalization": func(d *draw) []nn.Value {
		groups := d.size()
		s := nn.Shape{d.batch, groups * d.size(), d.size(), d.size()}
		attrs := append(maybe(d, "epsilon", 1e-3), integer("num_groups", groups))
		return []nn.Value{d.op("GroupNormalization", attrs, s, d.input(s), d.b.Param(d.tensor(s[1])), d.b.Param(d.tensor(s[1])))}
	},
	"RMSNormalization": func(d *draw) []nn.Value {
		s := d.shape(2, 4)
		axis := 1 + d.rng.IntN(len(s)-1)
		attrs := append(maybe(d, "epsilon", 1e-3), integer("axis", axis-len(s)))
		return []nn.Value{d.op("RMSNormalization", attrs, s, d.input(s), d.b.Param(d.tensor(s[axis:]...)))}
	},
	"BitShift":   bitShift,
	"BitwiseAnd": bitwise("BitwiseAnd"),
	"BitwiseOr":  bitwise("BitwiseOr"),
	"BitwiseXor": bitwise("BitwiseXor"),
	"GridSample": gridSample,
	"LpNormalization": func(d *draw) []nn.Value {
		s := d.shape(2, 4)
		attrs := []nn.Attr{integer("axis", d.signed(d.axis(s), len(s))), integer("p", one(d, 1, 2))}
		return []nn.Value{d.op("LpNormalization", attrs, s, d.input(s))}
	},

	"Equal":          comparison("Equal"),
	"Less":           comparison("Less"),
	"LessOrEqual":    comparison("LessOrEqual"),
	"Greater":        comparison("Greater"),
	"GreaterOrEqual": comparison("GreaterOrEqual"),
	"And":            logical("And"),
	"Or":             logical("Or"),
	"Xor":            logical("Xor"),
	"Where":          where,
	"Cast":           cast,
	"CastLike":       castLike,
	"Not": func(d *draw) []nn.Value {
		s := d.shape(1, 4)
		return []nn.Value{d.typed("Not", nn.Bool, nil, s, d.truths(s))}
	},
	"IsNaN": func(d *draw) []nn.Value {
		s := d.shape(1, 4)
		return []nn.Value{d.typed("IsNaN", nn.Bool, nil, s, d.b.Act(d.input(s), nn.Act{Type: "Log"}))}
	},
	"Mod": func(d *draw) []nn.Value {
		x, y, out := d.operands()
		return []nn.Value{d.op("Mod", []nn.Attr{integer("fmod", 1)}, out, d.input(x), d.positive(y))}
	},
	"PRelu": func(d *draw) []nn.Value {
		s := d.shape(2, 4)
		return []nn.Value{d.op("PRelu", nil, s, d.input(s), d.b.Param(d.tensor(s[len(s)-1])))}
	},

	"Selu":            unary(plain("Selu")),
	"Celu":            unary(func(d *draw) nn.Act { return nn.Act{Type: "Celu", Attrs: maybe(d, "alpha", 0.7)} }),
	"ThresholdedRelu": unary(func(d *draw) nn.Act { return nn.Act{Type: "ThresholdedRelu", Attrs: maybe(d, "alpha", 0.2)} }),
	"Shrink": unary(func(d *draw) nn.Act {
		return nn.Act{Type: "Shrink", Attrs: append(maybe(d, "bias", 0.3), maybe(d, "lambd", 0.4)...)}
	}),
	"Sign":  unary(plain("Sign")),
	"Sin":   unary(plain("Sin")),
	"Cos":   unary(plain("Cos")),
	"Tan":   within("Tan"),
	"Asin":  within("Asin"),
	"Acos":  within("Acos"),
	"Atan":  unary(plain("Atan")),
	"Sinh":  unary(plain("Sinh")),
	"Cosh":  unary(plain("Cosh")),
	"Asinh": unary(plain("Asinh")),
	"Acosh": func(d *draw) []nn.Value {
		s := d.shape(1, 4)
		return []nn.Value{d.b.Act(d.b.Act(d.positive(s), nn.Act{Type: "Exp"}), nn.Act{Type: "Acosh"})}
	},
	"Atanh": within("Atanh"),

	"Add": pair(func(d *draw, x, y nn.Value) nn.Value { return d.tail(0, func() nn.Value { return d.b.Add(x, y) }) }),
	"Sub": pair(func(d *draw, x, y nn.Value) nn.Value { return d.b.Sub(x, y) }),
	"Mul": pair(func(d *draw, x, y nn.Value) nn.Value { return d.b.Mul(x, y) }),
	"Div": func(d *draw) []nn.Value {
		x, y, _ := d.operands()
		return []nn.Value{d.b.Div(d.input(x), d.positive(y))}
	},
	"Pow": func(d *draw) []nn.Value {
		x, y, out := d.operands()
		if d.coin() { // any base to a whole number
			three := d.b.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{float("value_float", 3)}})[0]
			return []nn.Value{d.op("Pow", nil, x, d.input(x), three)}
		}
		return []nn.Value{d.op("Pow", nil, out, d.positive(x), d.input(y))}
	},
	"Max": several("Max"),
	"Min": several("Min"),
	"Sum": several("Sum"),

	"Relu": unary(func(*draw) nn.Act { return nn.Relu() }),
	"Clip": clip,
	"LeakyRelu": unary(func(d *draw) nn.Act {
		return nn.Act{Type: "LeakyRelu", Attrs: maybe(d, "alpha", 0.3)}
	}),
	"Elu": unary(func(d *draw) nn.Act { return nn.Act{Type: "Elu", Attrs: maybe(d, "alpha", 0.7)} }),
	"HardSigmoid": unary(func(d *draw) nn.Act {
		return nn.Act{Type: "HardSigmoid", Attrs: append(maybe(d, "alpha", 1.0/6), maybe(d, "beta", 0.4)...)}
	}),
	"HardSwish": unary(func(*draw) nn.Act { return nn.HardSwish() }),
	"Swish":     unary(func(d *draw) nn.Act { return nn.Act{Type: "Swish", Attrs: maybe(d, "alpha", 1.5)} }),
	"Sigmoid":   unary(func(*draw) nn.Act { return nn.Sigmoid() }),
	"Tanh":      unary(func(*draw) nn.Act { return nn.Tanh() }),
	"Erf":       unary(func(*draw) nn.Act { return nn.Erf() }),
	"Gelu": unary(func(d *draw) nn.Act {
		if d.coin() {
			return nn.Act{Type: "Gelu", Attrs: []nn.Attr{{Name: "approximate", Kind: nn.AttrString, String: one(d, "tanh", "none")}}}
		}
		return nn.Gelu()
	}),
	"Exp":        unary(plain("Exp")),
	"Log":        unaryOfPositive("Log"),
	"Sqrt":       unaryOfPositive("Sqrt"),
	"Reciprocal": unaryOfPositive("Reciprocal"),
	"Neg":        unary(plain("Neg")),
	"Abs":        unary(plain("Abs")),
	"Floor":      unary(plain("Floor")),
	"Ceil":       unary(plain("Ceil")),
	"Round":      unary(plain("Round")),
	"Softplus":   unary(plain("Softplus")),
	"Softsign":   unary(plain("Softsign")),
	"Mish":       unary(plain("Mish")),

	"Identity": func(d *draw) []nn.Value {
		s := d.shape(1, 4)
		return []nn.Value{d.op("Identity", nil, s, d.input(s))}
	},
	"Dropout": func(d *draw) []nn.Value {
		s := d.shape(1, 4)
		return []nn.Value{d.b.Act(d.op("Dropout", maybe(d, "ratio", 0.5), s, d.input(s)), nn.Relu())}
	},
	"Flatten": func(d *draw) []nn.Value {
		s := d.shape(1, 4)
		axis := 1
		if d.rng.IntN(4) == 0 {
			axis, d.mixes = d.rng.IntN(len(s)+1), true
		}
		return []nn.Value{d.b.Flatten(d.input(s), axis)}
	},
	"Reshape":   reshape,
	"Squeeze":   squeeze,
	"Unsqueeze": unsqueeze,
	"Transpose": transpose,
	"Concat":    concat,
	"Split":     split,
	"Slice":     slice,
	"Gather": func(d *draw) []nn.Value {
		if d.rng.IntN(3) == 0 {
			return gatherLive(d)
		}
		return gather(d)
	},
	"Pad":    pad,
	"Expand": expand,

	"ReverseSequence": reverseSequence,
	"STFT":            stft,
	"DFT":             dft,
	"TopK":            topK,
	"OneHot":          oneHot,
	"GatherElements":  gatherElements,
	"GatherND":        gatherND,
	"ScatterElements": scatterElements,
	"ScatterND":       scatterND,
	"LpPool":          lpPooling,
	"Einsum":          einsum,
	"EyeLike":         eyeLike,
	"Shape":           extents("Shape"),
	"ConstantOfShape": filled,
	"Range":           counted,
	"Size":            extents("Size"),
	"GlobalLpPool": func(d *draw) []nn.Value {
		s := d.image()
		to := append(slices.Clone(s[:2]), slices.Repeat([]int{1}, len(s)-2)...)
		return []nn.Value{d.op("GlobalLpPool", []nn.Attr{integer("p", 1+d.rng.IntN(3))}, to, d.input(s))}
	},
	"IsInf": func(d *draw) []nn.Value {
		s := d.shape(1, 4)
		x := d.b.Act(d.b.Act(d.b.Act(d.input(s), nn.Relu()), nn.Act{Type: "Log"}), nn.Act{Type: one(d, "Neg", "Identity")})
		return []nn.Value{d.typed("IsInf", nn.Bool, []nn.Attr{integer("detect_negative", d.rng.IntN(2)), integer("detect_positive", d.rng.IntN(2))}, s, x)}
	},
	"Mean": several("Mean"),
	"MeanVarianceNormalization": func(d *draw) []nn.Value {
		s := d.shape(4, 4)
		d.mixes, s[1], s[2] = true, s[1]+3, s[2]+1 // of two elements that are almost equal, little but rounding is left
		return []nn.Value{d.op("MeanVarianceNormalization", []nn.Attr{ints("axes", [][]int64{{0, 2, 3}, {2, 3}, {1}}[d.rng.IntN(3)]...)}, s, d.input(s))}
	},
	"DynamicQuantizeLinear": dynamicQuantized,

	"If": branches, "Loop": loop,

	"Tile":         tile,
	"DepthToSpace": depthToSpace,
	"SpaceToDepth": spaceToDepth,
	"Resize":       resize,
	"Trilu": func(d *draw) []nn.Value {
		s := d.shape(3, 4)
		return []nn.Value{d.op("Trilu", []nn.Attr{integer("upper", d.rng.IntN(2))}, s, d.input(s))}
	},
	"InstanceNormalization": instanceNorm,
	"LRN":                   localResponse,
}

// geometry draws a window, and an input that it fits.
func (d *draw) geometry(dilated bool) (spatial, kernel, strides, pads, dilations []int, autoPad string) {
	rank := one(d, 1, 1, 2, 2, 2, 3)
	begins, ends := []int{}, []int{}
	for range rank {
		k, dilation := 1+d.rng.IntN(4), 1
		if dilated && d.rng.IntN(3) == 0 {
			dilation = 2
		}
		kernel, strides, dilations = append(kernel, k), append(strides, 1+d.rng.IntN(3)), append(dilations, dilation)
		begins, ends = append(begins, d.rng.IntN(k)), append(ends, d.rng.IntN(k))
		spatial = append(spatial, (k-1)*dilation+1+d.rng.IntN(9))
	}
	if d.rng.IntN(4) == 0 { // ONNX Runtime refuses dilations here
		return spatial, kernel, strides, nil, nil, one(d, "SAME_UPPER", "SAME_LOWER", "VALID")
	}
	return spatial, kernel, strides, append(begins, ends...), dilations, ""
}

func convolution(d *draw) []nn.Value {
	spatial, kernel, strides, pads, dilations, autoPad := d.geometry(true)
	groups, in, out := 1, d.size(), d.size()
	switch d.rng.IntN(4) {
	case 0: // depthwise
		groups, out = in, in
	case 1: // depthwise with a multiplier, or one group again
		groups, out = in, in*(1+d.rng.IntN(2))
	case 2:
		groups = 1 + d.rng.IntN(4)
		in, out = groups*(1+d.rng.IntN(12)), groups*(1+d.rng.IntN(20))
	}
	x := d.input(append(nn.Shape{d.batch, in}, spatial...))
	if pads != nil && d.rng.IntN(8) == 0 { // weights that are computed
		d.mixes = true
		to := nn.Shape{d.batch, out}
		for a, n := range spatial {
			to = append(to, (n+pads[a]+pads[a+len(spatial)]-dilations[a]*(kernel[a]-1)-1)/strides[a]+1)
		}
		attrs := []nn.Attr{ints("strides", wide(strides)...), ints("pads", wide(pads)...), ints("dilations", wide(dilations)...), integer("group", groups)}
		return []nn.Value{d.op("Conv", attrs, to, x, d.input(append(nn.Shape{out, in / groups}, kernel...)))}
	}
	return []nn.Value{d.tail(out, func() nn.Value {
		return d.b.Conv(x, nn.Conv{
			Name: d.name("conv"), Weight: d.tensor(append([]int{out, in / groups}, kernel...)...), Bias: d.bias(out),
			Kernel: kernel, Strides: strides, Pads: pads, Dilations: dilations, Groups: groups, AutoPad: autoPad,
		})
	})}
}

func gemm(d *draw) []nn.Value {
	in, out := d.size(), d.size()
	x := d.input(nn.Shape{d.batch, in})
	return []nn.Value{d.tail(out, func() nn.Value {
		l := nn.Linear{Name: d.name("fc"), Weight: d.tensor(in, out), Bias: d.bias(out)}
		if d.coin() {
			l.Weight.Shape, l.TransB = nn.Shape{out, in}, true
		}
		if !l.TransB || d.coin() { // without any of these it would be a MatMul
			l.Alpha, l.Beta = one(d, float32(1), 0.5), one(d, float32(1), -2)
		}
		return d.b.Linear(x, l)
	})}
}

func matMul(d *draw) []nn.Value {
	k, n := d.size(), d.size()
	lead := d.shape(1, 3)
	x := d.input(append(slices.Clone(lead), k))
	switch d.rng.IntN(3) {
	case 0: // a constant matrix
		rank := len(lead) + 1
		channels := 0
		if rank == 2 {
			channels = n
		} else if rank == 3 && lead[1] > 1 {
			channels = lead[1]
		}
		return []nn.Value{d.tail(channels, func() nn.Value {
			l := nn.Linear{Name: d.name("fc"), Weight: d.tensor(k, n)}
			if d.coin() {
				l.Bias, l.BiasName = d.tensor(n), d.name("bias")
			}
			return d.b.Linear(x, l)
		})}
	case 1: // a stack of constant matrices
		x := d.input(append(slices.Clone(lead), d.size(), k))
		stack := append(slices.Clone(lead[1:]), k, n)
		if len(lead) > 1 && d.coin() {
			stack[0] = 1
		}
		if d.coin() {
			return []nn.Value{d.b.MatMul(x, d.b.Param(d.tensor(stack...)))}
		}
		left := append(slices.Clone(lead[1:]), n, d.size())
		y := append(slices.Clone(lead), left[len(left)-1], d.size())
		return []nn.Value{d.b.MatMul(d.b.Param(d.tensor(left...)), d.input(y))}
	}
	m := d.size()
	xs, ys := append(slices.Clone(lead), m, k), append(slices.Clone(lead), k, n)
	for i := 1; i < len(lead); i++ { // either may be repeated along an axis
		switch d.rng.IntN(4) {
		case 0:
			xs[i] = 1
		case 1:
			ys[i] = 1
		}
	}
	return []nn.Value{d.b.MatMul(d.input(xs), d.input(ys))}
}

func normalization(d *draw) []nn.Value {
	s := d.shape(2, 4)
	y := d.b.BatchNorm(d.input(s), d.norm(s[1]))
	if d.coin() {
		y = d.b.Act(y, nn.Relu())
	}
	return []nn.Value{y}
}

func layerNorm(d *draw) []nn.Value {
	s := d.shape(2, 4)
	axis := 1 + d.rng.IntN(len(s)-1)
	l := nn.LayerNorm{Name: d.name("norm"), Scale: d.tensor(s[axis:]...), Axis: axis - len(s), Epsilon: one(d, float32(1e-5), 1e-3)}
	if d.coin() {
		l.Bias = d.tensor(s[axis:]...)
	}
	return []nn.Value{d.b.LayerNorm(d.input(s), l)}
}

func pooling(kind nn.PoolKind) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		spatial, kernel, strides, pads, dilations, autoPad := d.geometry(true)
		if pads == nil { // ONNX Runtime refuses windows that leave out some of the input
			for i := range strides {
				strides[i] = min(strides[i], kernel[i])
			}
		}
		p := nn.Pool{Name: d.name("pool"), Kind: kind, Kernel: kernel, Strides: strides, Pads: pads, AutoPad: autoPad, CeilMode: d.coin()}
		switch {
		case kind == nn.Max:
			p.Dilations = dilations
		default:
			p.CountIncludePad = d.coin()
		}
		return []nn.Value{d.b.Pool(d.input(append(nn.Shape{d.batch, d.size()}, spatial...)), p)}
	}
}

func globalPooling(kind nn.PoolKind) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		return []nn.Value{d.b.Pool(d.input(d.image()), nn.Pool{Name: d.name("pool"), Kind: kind})}
	}
}

func reduction(typ string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		s := d.shape(1, 4)
		keep := d.coin()
		var to nn.Shape
		var axes []int
		for a, n := range s {
			switch gone := a > 0 && d.coin() || a == 0 && (len(s) == 1 || d.rng.IntN(8) == 0); {
			case !gone:
				to = append(to, n)
				continue
			case keep:
				to = append(to, 1)
			}
			axes = append(axes, d.signed(a, len(s)))
			d.mixes = d.mixes || a == 0
		}
		if len(axes) == 0 || len(to) == 0 { // ONNX Runtime's binding has no scalars
			s = d.shape(2, 4)
			axes, to, d.mixes = []int{len(s) - 1}, slices.Clone(s[:len(s)-1]), false
			if keep {
				to = append(to, 1)
			}
		}
		if typ == "ReduceMean" {
			return []nn.Value{d.b.Mean(d.input(s), keep, axes...)}
		}
		list := make([]int64, len(axes))
		for i, a := range axes {
			list[i] = int64(a)
		}
		attrs := []nn.Attr{ints("axes", list...)}
		if !keep {
			attrs = append(attrs, integer("keepdims", 0))
		}
		return []nn.Value{d.op(typ, attrs, to, d.input(s))}
	}
}

// operands draws two shapes that broadcast, and their result's.
func (d *draw) operands() (x, y, out nn.Shape) {
	out = d.shape(1, 4)
	x, y = slices.Clone(out), slices.Clone(out)
	for i := 1; i < len(out); i++ {
		switch d.rng.IntN(6) {
		case 0:
			x[i] = 1
		case 1:
			y[i] = 1
		}
	}
	if d.rng.IntN(4) == 0 { // of lower rank, so the same for every image
		y = y[d.rng.IntN(len(y)):]
		if len(y) > 0 && len(y) == len(out) {
			y = y[1:]
		}
	}
	if d.coin() {
		x, y = y, x
	}
	out, _ = nn.Broadcast(x, y) // which are alike but for extents of 1
	return x, y, out
}

// pair is an operator of two operands, one of which may be a constant.
func pair(f func(d *draw, x, y nn.Value) nn.Value) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		if d.rng.IntN(3) == 0 {
			s := d.shape(2, 4)
			c := slices.Clone(s[d.rng.IntN(len(s)):])
			if c[0] = one(d, 1, c[0]); len(c) == len(s) {
				c[0] = 1
			}
			return []nn.Value{f(d, d.input(s), d.b.Param(d.tensor(c...)))}
		}
		x, y, _ := d.operands()
		return []nn.Value{f(d, d.input(x), d.input(y))}
	}
}

// several is an operator of any number of operands.
func several(typ string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		s := d.shape(1, 4)
		xs := []nn.Value{d.input(s)}
		for range d.rng.IntN(4) {
			other := slices.Clone(s)
			for i := 1; i < len(other); i++ {
				if d.rng.IntN(5) == 0 {
					other[i] = 1
				}
			}
			xs = append(xs, d.input(other))
		}
		return []nn.Value{d.op(typ, nil, s, xs...)}
	}
}

func unary(act func(d *draw) nn.Act) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value { return []nn.Value{d.b.Act(d.input(d.shape(1, 4)), act(d))} }
}

func plain(typ string) func(*draw) nn.Act { return func(*draw) nn.Act { return nn.Act{Type: typ} } }

func unaryOfPositive(typ string) func(d *draw) []nn.Value {
	return func(d *draw) []nn.Value {
		return []nn.Value{d.b.Act(d.positive(d.shape(1, 4)), nn.Act{Type: typ})}
	}
}

// maybe is an attribute that may be left out.
func maybe(d *draw, name string, v float32) []nn.Attr {
	if d.coin() {
		return nil
	}
	return []nn.Attr{float(name, v)}
}

func clip(d *draw) []nn.Value {
	x := d.input(d.shape(1, 4))
	switch d.rng.IntN(3) {
	case 0:
		return []nn.Value{d.b.Act(x, nn.Clip(-0.3, 0.6))}
	case 1:
		return []nn.Value{d.b.Act(x, nn.Act{Type: "Clip", Attrs: []nn.Attr{float("max", 0.5)}})}
	}
	return []nn.Value{d.b.Act(x, nn.Act{Type: "Clip", Attrs: []nn.Attr{float("min", -0.5)}})}
}
