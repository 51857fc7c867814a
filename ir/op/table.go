package op

import "github.com/autotailor/autotailor/ir/dim"

// table has one entry per operator.
var table = index([]Spec{
	{Name: "Conv", Axes: AxesConv, Operands: 2, Shape: convShape, MACs: convMACs, Attrs: windowDefaults},
	{Name: "ConvTranspose", Axes: AxesConvTranspose, Operands: 2, Shape: convTransposeShape, Attrs: windowDefaults},
	{Name: "Gemm", Axes: AxesGemm, Operands: 2, Shape: gemmShape, MACs: gemmMACs, Attrs: []Default{{"alpha", "1.0"}, {"beta", "1.0"}, {"transA", "0"}, {"transB", "0"}}},
	{Name: "MatMul", Axes: AxesMatMul, Operands: 2, Shape: matmulShape, MACs: matmulMACs},
	{Name: "MaxPool", Axes: AxesPool, Shape: poolShape, Attrs: windowDefaults},
	{Name: "AveragePool", Axes: AxesPool, Shape: poolShape, Attrs: windowDefaults},
	{Name: "LpPool", Axes: AxesPool, Shape: poolShape, Attrs: windowDefaults},
	{Name: "GlobalAveragePool", Axes: AxesGlobalPool, Shape: globalPoolShape},
	{Name: "GlobalMaxPool", Axes: AxesGlobalPool, Shape: globalPoolShape},
	{Name: "BatchNormalization", Axes: AxesBatchNorm, Operands: 5, Shape: channelNormShape, Attrs: []Default{{"momentum", "*"}, {"training_mode", "0"}, {"spatial", "1"}}},
	{Name: "LayerNormalization", Axes: AxesLayerNorm, Operands: 2, Shape: layerNormShape, Attrs: []Default{{"stash_type", "1"}}},
	{Name: "InstanceNormalization", Axes: AxesBatchNorm, Operands: 3, Shape: channelNormShape},
	{Name: "Softmax", Axes: AxesSoftmax, Shape: sameShape},
	{Name: "LogSoftmax", Axes: AxesSoftmax, Shape: sameShape},
	{Name: "Hardmax", Axes: AxesSoftmax, Shape: sameShape},
	{Name: "LRN", Axes: AxesOpaque, Shape: localShape},
	{Name: "CumSum", Axes: AxesOpaque, Operands: 2, Shape: sameShape},
	{Name: "ArgMax", Axes: AxesOpaque, Shape: argShape},
	{Name: "ArgMin", Axes: AxesOpaque, Shape: argShape},
	{Name: "Tile", Axes: AxesOpaque, Operands: 2, Shape: tileShape, List: map[string]int{"repeats": 1}},
	{Name: "DepthToSpace", Axes: AxesDepthToSpace, Shape: blocksToSpace},
	{Name: "SpaceToDepth", Axes: AxesOpaque, Shape: spaceToBlocks},
	{Name: "GatherElements", Axes: AxesOpaque, Operands: 2, Shape: gatherElementsShape},
	{Name: "GatherND", Axes: AxesOpaque, Operands: 2, Shape: gatherNDShape},
	{Name: "ScatterElements", Axes: AxesOpaque, Operands: 3, Shape: sameShape},
	{Name: "Scatter", Axes: AxesOpaque, Operands: 3, Shape: sameShape},
	{Name: "ScatterND", Axes: AxesOpaque, Operands: 3, Shape: sameShape},
	{Name: "TopK", Axes: AxesOpaque, Shape: topKShape},
	{Name: "OneHot", Axes: AxesOpaque, Operands: 3, Shape: oneHotShape},
	{Name: "EyeLike", Axes: AxesOpaque, Shape: sameShape},
	{Name: "Range", Axes: AxesOpaque, Operands: 3, Shape: rangeShape},
	{Name: "Size", Axes: AxesShape, Shape: sizeShape},
	{Name: "Einsum", Axes: AxesOpaque, Shape: einsumShape},
	{Name: "LSTM", Axes: AxesOpaque, Operands: 3, Shape: recurrentShape},
	{Name: "GRU", Axes: AxesOpaque, Operands: 3, Shape: recurrentShape},
	{Name: "RNN", Axes: AxesOpaque, Operands: 3, Shape: recurrentShape},
	{Name: "Flatten", Axes: AxesFlatten, Shape: flattenShape, Attrs: []Default{{"axis", "1"}}},
	{Name: "Reshape", Axes: AxesReshape, Shape: reshapeShape, List: map[string]int{"shape": 1}, Attrs: []Default{{"allowzero", "*"}}},
	{Name: "Squeeze", Axes: AxesSqueeze, Shape: squeezeShape, List: map[string]int{"axes": 1}},
	{Name: "Unsqueeze", Axes: AxesUnsqueeze, Shape: unsqueezeShape, List: map[string]int{"axes": 1}},
	{Name: "Transpose", Axes: AxesTranspose, Shape: transposeShape},
	{Name: "Concat", Axes: AxesConcat, Shape: concatShape},
	{Name: "Split", Axes: AxesSplit, Shape: splitShape, List: map[string]int{"split": 1}},
	{Name: "Gather", Axes: AxesGather, Operands: 2, Shape: gatherShape, Attrs: []Default{{"axis", "0"}}},
	{Name: "Slice", Axes: AxesSlice, Shape: sliceShape, List: map[string]int{"starts": 1, "ends": 2, "axes": 3, "steps": 4}},
	{Name: "Expand", Axes: AxesExpand, Shape: expandShape, List: map[string]int{"shape": 1}},
	{Name: "Pad", Axes: AxesPad, Shape: padShape, List: map[string]int{"pads": 1, "axes": 3}, Attrs: []Default{{"mode", "constant"}}},
	{Name: "Resize", Axes: AxesPad, Shape: resizeShape},
	{Name: "Upsample", Axes: AxesPad, Shape: resizeShape},
	{Name: "ConstantOfShape", Axes: AxesOpaque, Shape: constantOfShape},
	{Name: "Add", Axes: AxesElementwise, Operands: 2, Shape: arithmetic(dim.Add)},
	{Name: "Sub", Axes: AxesElementwise, Operands: 2, Shape: arithmetic(dim.Sub)},
	{Name: "Mul", Axes: AxesElementwise, Operands: 2, Shape: arithmetic(dim.Mul)},
	{Name: "Div", Axes: AxesElementwise, Operands: 2, Shape: arithmetic(dim.FloorDiv)},
	{Name: "Equal", Axes: AxesElementwise, Operands: 2, Shape: arithmetic(equal)},
	{Name: "Where", Axes: AxesElementwise, Operands: 3, Shape: whereShape},
	{Name: "Identity", Axes: AxesSame, Shape: sameInts},
	{Name: "Cast", Axes: AxesSame, Shape: sameInts},
	{Name: "Shape", Axes: AxesShape, Shape: shapeShape},
}, rare, unary, binary, reductions)

var windowDefaults = []Default{
	{"auto_pad", "NOTSET"}, {"dilations", "1..."}, {"group", "1"}, {"pads", "0..."}, {"strides", "1..."},
	{"ceil_mode", "0"}, {"count_include_pad", "0"}, {"storage_order", "0"},
}

// unary are element-wise functions of one operand (further operands are bounds and slopes that broadcast).
var unary = []string{
	"Relu", "Clip", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Elu", "Selu", "LeakyRelu", "Softplus", "Softsign", "Mish", "Gelu",
	"Erf", "Exp", "Log", "Sqrt", "Reciprocal", "Abs", "Neg", "Floor", "Ceil", "Round", "Sign", "Dropout", "Not", "Sin", "Cos",
	"Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Acosh", "Atanh", "IsNaN", "IsInf", "Celu", "ThresholdedRelu", "Shrink",
	"MeanVarianceNormalization", "Trilu",
}

// binary are element-wise functions that broadcast.
var binary = []string{
	"Pow", "Min", "Max", "PRelu", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor", "Sum", "Mean", "Mod",
}

// reductions have their axes as attribute or operand; without any they reduce all.
var reductions = []string{
	"ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp",
}

func index(specs, rare []Spec, unary, binary, reductions []string) map[[2]string]Spec {
	out := map[[2]string]Spec{}
	for _, s := range append(specs, rare...) {
		out[[2]string{s.Domain, s.Name}] = s
	}
	for _, name := range unary {
		out[[2]string{"", name}] = Spec{Name: name, Axes: AxesSame, Shape: sameShape}
	}
	for _, name := range binary {
		out[[2]string{"", name}] = Spec{Name: name, Axes: AxesElementwise, Shape: broadcastShape}
	}
	for _, name := range reductions {
		out[[2]string{"", name}] = Spec{
			Name: name, Axes: AxesReduce, Shape: reduceShape, List: map[string]int{"axes": 1},
			Attrs: []Default{{"keepdims", "1"}, {"noop_with_empty_axes", "0"}},
		}
	}
	return out
}
