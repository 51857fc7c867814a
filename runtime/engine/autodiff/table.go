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
	"ReduceMax":         {1, makeFold},
	"ReduceMin":         {1, makeFold},
	"ReduceProd":        {1, makeFold},
	"ReduceL1":          {1, makeFold},
	"ReduceL2":          {1, makeFold},
	"ReduceSumSquare":   {1, makeFold},
	"ReduceLogSum":      {1, makeFold},
	"ReduceLogSumExp":   {1, makeFold},
	"ArgMax":            {1, makeArg},
	"ArgMin":            {1, makeArg},

	"LogSoftmax": {1, makeLogSoftmax},
	"Hardmax":    {1, makeHardmax},
	"CumSum":     {2, makeCumSum},
	"LRN":        {1, makeLRN},

	"Add": {2, makeBinary},
	"Sub": {2, makeBinary},
	"Mul": {2, makeBinary},
	"Div": {2, makeBinary},
	"Pow": {2, makeBinary},
	"Mod": {2, makeBinary},
	"Max": {1, makeBinary},
	"Min": {1, makeBinary},
	"Sum": {1, makeBinary},
	"And": {2, makeBinary},
	"Or":  {2, makeBinary},
	"Xor": {2, makeBinary},

	"PRelu":          {2, makeBinary},
	"Equal":          {2, makeBinary},
	"Less":           {2, makeBinary},
	"LessOrEqual":    {2, makeBinary},
	"Greater":        {2, makeBinary},
	"GreaterOrEqual": {2, makeBinary},

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
	"Softsign":    {1, makeUnary},
	"Mish":        {1, makeUnary},
	"Selu":        {1, makeUnary},
	"Celu":        {1, makeUnary},
	"Floor":       {1, makeUnary},
	"Ceil":        {1, makeUnary},
	"Round":       {1, makeUnary},
	"Sign":        {1, makeUnary},
	"IsNaN":       {1, makeUnary},
	"Not":         {1, makeUnary},
	"Sin":         {1, makeUnary},
	"Cos":         {1, makeUnary},
	"Tan":         {1, makeUnary},
	"Asin":        {1, makeUnary},
	"Acos":        {1, makeUnary},
	"Atan":        {1, makeUnary},
	"Sinh":        {1, makeUnary},
	"Cosh":        {1, makeUnary},
	"Asinh":       {1, makeUnary},
	"Acosh":       {1, makeUnary},
	"Atanh":       {1, makeUnary},

	"ThresholdedRelu": {1, makeUnary},

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

	"DepthToSpace": {1, makeDepthToSpace},
	"SpaceToDepth": {1, makeSpaceToDepth},
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
