package embedded

import (
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

// lowering turns one node into steps.
type lowering func(c *compiler, n node) error

// lowerings says how each ONNX operator type is computed.
var lowerings = byClass(map[string]lowering{
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

	"ArgMax": lowerArg,
	"ArgMin": lowerArg,
	"CumSum": lowerCumSum,
	"LRN":    lowerLRN,

	"Where": lowerWhere,
	"Cast":  lowerCast,

	"Add": lowerAdd,

	"Clip": lowerClip,

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
	"GridSample":   lowerGridSample,

	"InstanceNormalization": lowerInstanceNorm,
})

// byClass adds the operators whose class says how they are computed, as soon as there is a kernel.
func byClass(own map[string]lowering) map[string]lowering {
	for _, o := range operators.All() {
		if _, ok := own[o.Name]; !ok && o.Domain == "" && ofClass(o) != nil {
			own[o.Name] = ofClass(o)
		}
	}
	return own
}

func ofClass(o operators.Operator) lowering {
	switch {
	case o.Class == operators.Unary && kernel.HasUnary(o.Name):
		return lowerUnary
	case o.Class == operators.Broadcast && kernel.HasBinary(o.Name):
		return lowerBinary
	case o.Class == operators.Reduction && kernel.HasFold(o.Name):
		return lowerFold
	case o.Class == operators.Rows && kernel.HasRowFunc(o.Name):
		return lowerRows
	case o.Class == operators.Normalisation && kernel.HasNormal(o.Name):
		return lowerNormal
	}
	return nil
}

// Operators lists the ONNX operator types that the engine has, sorted.
func Operators() []string {
	var names []string
	for name := range lowerings {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
