package autodiff

import "slices"

// maker adds the step of one node to a plan.
type maker func(p *plan, n node) error

// operator is one ONNX operator type.
type operator struct {
	operands int // at least
	make     maker
}

// operators says how each ONNX operator type is computed and differentiated. One operator is one entry here, one function that makes
// its step, and one case in the gradient test.
var operators = map[string]operator{
	"Conv":               {2, makeConv},
	"Gemm":               {2, makeGemm},
	"MatMul":             {2, makeMatMul},
	"BatchNormalization": {5, makeBatchNorm},
	"LayerNormalization": {2, makeLayerNorm},
	"Softmax":            {1, makeSoftmax},

	"MaxPool":           {1, makePool(false)},
	"AveragePool":       {1, makePool(true)},
	"GlobalAveragePool": {1, makeGlobalPool(true)},
	"GlobalMaxPool":     {1, makeGlobalPool(false)},
	"ReduceMean":        {1, makeReduce(true)},
	"ReduceSum":         {1, makeReduce(false)},

	"Add": {2, makeBinary},
	"Sub": {2, makeBinary},
	"Mul": {2, makeBinary},
	"Div": {2, makeBinary},
	"Pow": {2, makeBinary},

	"Relu":        {1, makeUnary},
	"Clip":        {1, makeClip},
	"LeakyRelu":   {1, makeUnary},
	"Elu":         {1, makeUnary},
	"HardSigmoid": {1, makeUnary},
	"HardSwish":   {1, makeUnary},
	"Swish":       {1, makeUnary},
	"Sigmoid":     {1, makeUnary},
	"Tanh":        {1, makeUnary},
	"Gelu":        {1, makeUnary},
	"Erf":         {1, makeUnary},
	"Exp":         {1, makeUnary},
	"Log":         {1, makeUnary},
	"Sqrt":        {1, makeUnary},
	"Reciprocal":  {1, makeUnary},
	"Neg":         {1, makeUnary},
	"Abs":         {1, makeUnary},
	"Softplus":    {1, makeUnary},

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
}

// Operators lists the ONNX operator types that can be trained, sorted.
func Operators() []string {
	var names []string
	for name := range operators {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
