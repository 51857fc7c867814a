package autodiff

import (
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

// maker adds the step of one node to a plan.
type maker func(p *plan, n node) error

// operator is one ONNX operator type.
type operator struct {
	operands int // at least
	make     maker
}

// makers says how each ONNX operator type is computed and differentiated. One operator is one entry here, unless its class has it, one
// function that makes its step, and one case in the gradient test.
var makers = byClass(map[string]operator{
	"Conv":               {2, makeConv},
	"ConvTranspose":      {2, makeConvTranspose},
	"Gemm":               {2, makeGemm},
	"MatMul":             {2, makeMatMul},
	"BatchNormalization": {5, makeBatchNorm},
	"LayerNormalization": {2, makeLayerNorm},

	"InstanceNormalization": {3, makeInstanceNorm},

	"Softmax": {1, makeSoftmax},

	"MaxPool":           {1, makePool(false)},
	"AveragePool":       {1, makePool(true)},
	"GlobalAveragePool": {1, makeGlobalPool(true)},
	"GlobalMaxPool":     {1, makeGlobalPool(false)},
	"ReduceMean":        {1, makeReduce(true)},
	"ReduceSum":         {1, makeReduce(false)},
	"ArgMax":            {1, makeArg},
	"ArgMin":            {1, makeArg},

	"CumSum": {2, makeCumSum},
	"LRN":    {1, makeLRN},

	"Clip": {1, makeClip},

	"Cast":  {1, makeCast},
	"Where": {3, makeWhere},

	"Identity":  {1, makeRename},
	"Dropout":   {1, makeRename},
	"Flatten":   {1, makeRename},
	"Reshape":   {1, makeRename},
	"Squeeze":   {1, makeRename},
	"Unsqueeze": {1, makeRename},
	"Transpose": {1, makeTranspose},
	"Concat":    {1, makeConcat},
	"Split":     {1, makeSplit},
	"Slice":     {1, makeSlice},
	"Gather":    {2, makeGather},
	"Expand":    {1, makeExpand},
	"Pad":       {1, makePad},
	"Tile":      {1, makeTile},
	"Trilu":     {1, makeTrilu},
	"Resize":    {1, makeResize},

	"GridSample":   {2, makeGridSample},
	"DepthToSpace": {1, makeDepthToSpace},
	"SpaceToDepth": {1, makeSpaceToDepth},
})

// byClass adds the operators whose class says how they are differentiated, as soon as there is a kernel.
func byClass(own map[string]operator) map[string]operator {
	for _, o := range operators.All() {
		if _, ok := own[o.Name]; !ok && o.Domain == "" && ofClass(o) != nil {
			own[o.Name] = operator{o.Required(), ofClass(o)}
		}
	}
	return own
}

func ofClass(o operators.Operator) maker {
	switch {
	case o.Class == operators.Unary && kernel.HasUnary(o.Name):
		return makeUnary
	case o.Class == operators.Broadcast && kernel.HasBinary(o.Name):
		return makeBinary
	case o.Class == operators.Reduction && kernel.HasFold(o.Name):
		return makeFold
	case o.Class == operators.Rows && kernel.HasRowFunc(o.Name):
		return makeRows
	case o.Class == operators.Normalisation && kernel.HasNormal(o.Name):
		return makeNormal
	}
	return nil
}

// Operators lists the ONNX operator types that can be trained, sorted.
func Operators() []string {
	var names []string
	for name := range makers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
