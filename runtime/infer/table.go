package infer

import (
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// rule sets the shapes of a call's results.
type rule func(c *call) error

// classes has the rule of each class whose operators, but for those in exceptions, do the same to shapes.
var classes = map[operators.Class]rule{
	operators.Unary:     unary,
	operators.Broadcast: broadcasting,
	operators.Rows:      rows,
	operators.Reduction: reduction,
	operators.Window:    pool,
	operators.Sampling:  sampling,
	operators.Spectrum:  spectrum,
}

// norms has the rule of each kind of normalisation.
var norms = map[operators.Norm]rule{
	operators.FromAxis:   normalisation,
	operators.OfChannels: channelNorm,
	operators.OfSpace:    channelNorm,
	operators.OfGroups:   groupNorm,
	operators.OfAxes:     same,
}

// ruleOf is the rule that an operator's row gives it.
func ruleOf(o operators.Operator) rule {
	switch {
	case o.Class == operators.Normalisation:
		return norms[o.Norm]
	case o.Class == operators.Window && !o.Has("kernel_shape"):
		return globalPool
	case o.Class == operators.Reduction && o.Has("axis"):
		return arg
	case o.Like:
		return same
	}
	return classes[o.Class]
}

// exceptions has the rules of operators that differ from their class, or whose class has none.
var exceptions = map[string]rule{
	"PRelu": prelu,
	"LRN":   localResponse,

	"MaxUnpool": unpool,

	"Conv":          conv,
	"ConvTranspose": convTranspose,
	"Gemm":          gemm,
	"MatMul":        matMul,
	"Einsum":        einsum,

	"DeformConv":    picked(conv, 0, 1, 3),
	"QLinearConv":   picked(conv, 0, 3, 8),
	"QLinearMatMul": picked(matMul, 0, 3),
	"ConvInteger":   picked(conv, 0, 1),
	"MatMulInteger": picked(matMul, 0, 1),

	"QuantizeLinear":        same,
	"DequantizeLinear":      same,
	"DynamicQuantizeLinear": dynamicQuantize,

	"LSTM":            recurrent(4),
	"GRU":             recurrent(3),
	"RNN":             recurrent(1),
	"Attention":       attention,
	"RotaryEmbedding": rotary,

	"Flatten":      flatten,
	"Reshape":      reshape,
	"Squeeze":      squeeze,
	"Unsqueeze":    unsqueeze,
	"Transpose":    transpose,
	"Concat":       concat,
	"Split":        split,
	"Slice":        slice,
	"Expand":       expand,
	"Pad":          pad,
	"Tile":         tile,
	"Trilu":        same,
	"DepthToSpace": depthToSpace,
	"SpaceToDepth": spaceToDepth,
	"Resize":       resize,
	"Upsample":     resize,

	"Gather":            gather,
	"GatherElements":    gatherElements,
	"GatherND":          gatherND,
	"Scatter":           scatterElements,
	"ScatterElements":   scatterElements,
	"ScatterND":         scatterND,
	"TopK":              topK,
	"OneHot":            oneHot,
	"NonMaxSuppression": suppression,
	"RoiAlign":          regions,
	"NonZero":           nonZero,

	"Constant":        constant,
	"ConstantOfShape": constantOfShape,
	"EyeLike":         eyeLike,
	"Range":           arithmeticRange,
	"Shape":           shape,
	"Size":            scalar,

	"com.microsoft.FusedConv":             picked(conv, 0, 1, 2),
	"com.microsoft.FusedGemm":             gemm,
	"com.microsoft.FusedMatMul":           turned,
	"com.microsoft.MatMulNBits":           packed,
	"com.microsoft.QGemm":                 picked(gemm, 0, 3, 6),
	"com.microsoft.DynamicQuantizeMatMul": picked(matMul, 0, 1),
	"com.microsoft.MatMulIntegerToFloat":  picked(matMul, 0, 1),
	"com.microsoft.DynamicQuantizeLSTM":   quantisedRecurrent,

	"com.microsoft.Attention":               joinedAttention(4),
	"com.microsoft.QAttention":              joinedAttention(8),
	"com.microsoft.MultiHeadAttention":      multiHead,
	"com.microsoft.GroupQueryAttention":     groupQuery,
	"com.microsoft.MoE":                     same,
	"com.microsoft.EmbedLayerNormalization": embedding,

	"com.microsoft.QLinearSigmoid":           same,
	"com.microsoft.QLinearLeakyRelu":         same,
	"com.microsoft.QLinearSoftmax":           same,
	"com.microsoft.QuantizeLinear":           same,
	"com.microsoft.DequantizeLinear":         same,
	"com.microsoft.QLinearAveragePool":       channelsFirst(pool),
	"com.microsoft.QLinearGlobalAveragePool": channelsFirst(globalPool),
	"com.microsoft.QLinearConcat":            quantisedConcat,

	"com.microsoft.SkipLayerNormalization":           skipNorm,
	"com.microsoft.SkipSimplifiedLayerNormalization": skipNorm,
}

// entry is an operator's row, read, and its rule.
type entry struct {
	row               operators.Operator
	operands, results []operators.Operand
	shape             rule
}

type key struct{ domain, name string }

var table = derive(operators.All())

// derive makes the entries of the operators that have a rule.
func derive(all []operators.Operator) map[key]entry {
	out := map[key]entry{}
	for _, o := range all {
		r := ruleOf(o)
		if own, ok := exceptions[o.Qualified()]; ok {
			r = own
		}
		if r != nil {
			out[key{o.Domain, o.Name}] = entry{o, o.Operands(), o.Results(), r}
		}
	}
	return out
}

func find(domain, name string) (entry, bool) {
	if domain == "ai.onnx" {
		domain = ""
	}
	e, ok := table[key{domain, name}]
	return e, ok
}

// same gives every result the shape of the first operand.
func same(c *call) error {
	c.setAll(slices.Clone(c.shapeOf(0)))
	return nil
}

// scalar says that the result has one element and no axes.
func scalar(c *call) error {
	c.set(0, nn.Shape{})
	return nil
}
