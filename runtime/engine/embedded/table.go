package embedded

import "slices"

// lowering turns one node into steps.
type lowering func(c *compiler, n node) error

// operators says how each ONNX operator type is computed.
var operators = map[string]lowering{
	"Conv":               lowerConv,
	"ConvTranspose":      lowerConvTranspose,
	"Gemm":               lowerGemm,
	"MatMul":             lowerMatMul,
	"BatchNormalization": lowerBatchNorm,
	"LayerNormalization": lowerLayerNorm,
	"Softmax":            lowerSoftmax,

	"MaxPool":           lowerPool(false),
	"AveragePool":       lowerPool(true),
	"GlobalMaxPool":     lowerGlobalPool(false),
	"GlobalAveragePool": lowerGlobalPool(true),
	"ReduceMean":        lowerReduce(func(n int) float32 { return 1 / float32(n) }, false),
	"ReduceSum":         lowerReduce(func(int) float32 { return 1 }, false),
	"ReduceMax":         lowerReduce(func(int) float32 { return 1 }, true),

	"ReduceMin":       lowerFold,
	"ReduceProd":      lowerFold,
	"ReduceL1":        lowerFold,
	"ReduceL2":        lowerFold,
	"ReduceSumSquare": lowerFold,
	"ReduceLogSum":    lowerFold,
	"ReduceLogSumExp": lowerFold,
	"ArgMax":          lowerArg,
	"ArgMin":          lowerArg,
	"LogSoftmax":      lowerLogSoftmax,
	"Hardmax":         lowerHardmax,
	"CumSum":          lowerCumSum,
	"LRN":             lowerLRN,

	"Equal":          lowerBinary,
	"Less":           lowerBinary,
	"LessOrEqual":    lowerBinary,
	"Greater":        lowerBinary,
	"GreaterOrEqual": lowerBinary,
	"And":            lowerBinary,
	"Or":             lowerBinary,
	"Xor":            lowerBinary,
	"Mod":            lowerBinary,
	"PRelu":          lowerBinary,
	"Where":          lowerWhere,
	"Cast":           lowerCast,
	"Not":            lowerUnary,

	"Add": lowerAdd,
	"Sub": lowerBinary,
	"Mul": lowerBinary,
	"Div": lowerBinary,
	"Pow": lowerBinary,
	"Max": lowerBinary,
	"Min": lowerBinary,
	"Sum": lowerBinary,

	"Relu":        lowerUnary,
	"Clip":        lowerClip,
	"LeakyRelu":   lowerUnary,
	"Elu":         lowerUnary,
	"HardSigmoid": lowerUnary,
	"HardSwish":   lowerUnary,
	"Swish":       lowerUnary,
	"Sigmoid":     lowerUnary,
	"Tanh":        lowerUnary,
	"Gelu":        lowerUnary,
	"Erf":         lowerUnary,
	"Exp":         lowerUnary,
	"Log":         lowerUnary,
	"Sqrt":        lowerUnary,
	"Reciprocal":  lowerUnary,
	"Neg":         lowerUnary,
	"Abs":         lowerUnary,
	"Floor":       lowerUnary,
	"Ceil":        lowerUnary,
	"Round":       lowerUnary,
	"Softplus":    lowerUnary,
	"Softsign":    lowerUnary,
	"Mish":        lowerUnary,
	"Selu":        lowerUnary,
	"Celu":        lowerUnary,

	"ThresholdedRelu": lowerUnary,

	"Sign":  lowerUnary,
	"IsNaN": lowerUnary,
	"Sin":   lowerUnary,
	"Cos":   lowerUnary,
	"Tan":   lowerUnary,
	"Asin":  lowerUnary,
	"Acos":  lowerUnary,
	"Atan":  lowerUnary,
	"Sinh":  lowerUnary,
	"Cosh":  lowerUnary,
	"Asinh": lowerUnary,
	"Acosh": lowerUnary,
	"Atanh": lowerUnary,

	"Identity":  lowerRename,
	"Dropout":   lowerRename,
	"Flatten":   lowerRename,
	"Reshape":   lowerRename,
	"Squeeze":   lowerRename,
	"Unsqueeze": lowerRename,
	"Transpose": lowerTranspose,
	"Concat":    lowerConcat,
	"Split":     lowerSplit,
	"Slice":     lowerSlice,
	"Gather":    lowerGather,
	"Pad":       lowerPad,
	"Expand":    lowerExpand,

	"Tile":         lowerTile,
	"DepthToSpace": lowerDepthToSpace,
	"SpaceToDepth": lowerSpaceToDepth,
	"Trilu":        lowerTrilu,
	"Resize":       lowerResize,

	"InstanceNormalization": lowerInstanceNorm,
}

// Operators lists the ONNX operator types that the engine has, sorted.
func Operators() []string {
	var names []string
	for name := range operators {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
