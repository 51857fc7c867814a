package nn

import "github.com/autotailor/autotailor/internal/onnx"

// Batch is the size of the open batch axis in a Shape. An axis that joins the batch with k positions of other axes has the size k*Batch.
const Batch = -1

// Shape is the extent of each axis of a tensor, outermost first.
type Shape []int

// Value is a handle to a tensor of the network under construction.
type Value int32

// None is the Value of an absent optional operand.
const None Value = 0

// Param is a named tensor of the SuperNet and the part of it that a SubNet uses.
type Param struct {
	Name string // unique name in the SuperNet, usually the ONNX initializer's
	From string // initializer that stores it, if its name is not Name (deduplicated tensors)
	// Readers are the model's operands that read this tensor, if From is set. A file that stores it as a tensor of its own must change these operands.
	Readers []Reader
	Type    DType  // element type, 0 means float32
	Shape   Shape  // full shape in the SuperNet
	Picks   []Pick // the positions that are kept of each axis; nil keeps all
	// Transposed says that the initializer stores the transpose of this matrix. Shape and Picks are those of the matrix as it is used.
	Transposed bool
	Grids      []Grid // positional axes that are interpolated
}

// Reader is an operand of a node of the model.
type Reader struct {
	Node    string
	Operand int // from 0
}

// Pick selects positions of one axis. The zero Pick keeps the whole axis.
//
// A leaf keeps Keep of Size positions, starting at From. A product is the nest of its
// factors, outermost first (heads x head dim); a sum is the concatenation of its terms (q, k, v).
type Pick struct {
	Size, Keep, From int    // leaf, when Of is empty and Size > 0
	Sum              bool   // Of are concatenated terms, not nested factors
	Of               []Pick // factors or terms
}

// Conv is a convolution with its SuperNet parameters.
// Weight is [out, in/Groups, kernel...]; Bias is [out] or has no Name.
type Conv struct {
	Name         string // node name in the model
	Weight, Bias Param
	Kernel       []int
	Strides      []int // nil means 1 everywhere, like Dilations
	Pads         []int // begins, then ends; nil means 0
	Dilations    []int
	Groups       int    // 0 means 1
	AutoPad      string // "", SAME_UPPER, SAME_LOWER or VALID
}

// Linear is y = alpha*x*W + beta*bias over the last axis of x.
type Linear struct {
	Name         string
	Weight, Bias Param   // Weight is [in, out], or [out, in] when TransB is set
	TransB       bool    // as in Gemm
	Alpha, Beta  float32 // 0 means 1
	BiasName     string  // node name of the separate Add, when the model has MatMul and Add
}

// BatchNorm holds the parameters of a batch normalisation, each of shape [channels].
type BatchNorm struct {
	Name                   string
	Scale, Bias, Mean, Var Param
	Epsilon                float32
}

// LayerNorm holds the parameters of a layer normalisation over the axes from Axis on.
type LayerNorm struct {
	Name        string
	Scale, Bias Param
	Axis        int
	Epsilon     float32
}

// Act is an element-wise function of one operand: an ONNX operator type and its attributes.
type Act struct {
	Type  string
	Attrs []Attr
}

// PoolKind tells what a Pool computes.
type PoolKind uint8

// The kinds of pooling.
const (
	Max PoolKind = iota
	Average
	GlobalMax
	GlobalAverage
)

// Pool is a pooling over the spatial axes. The windowed fields are unused by the global kinds.
type Pool struct {
	Name                             string
	Kind                             PoolKind
	Kernel, Strides, Pads, Dilations []int
	CeilMode                         bool
	CountIncludePad                  bool
	AutoPad                          string
}

// Range is the positions From, From+Step, ... of an axis, up to but not including To. A bound below 0 counts from the end, and one beyond the
// axis stands for its end.
type Range struct {
	Axis     int
	From, To int64
	Step     int64 // 0 means 1
}

// Resize is a change of size by a factor for each axis. A field that is "" or 0 has ONNX's default.
type Resize struct {
	Mode        string // nearest, linear or cubic
	Coordinates string // how positions of the result become positions of the operand, such as half_pixel
	Nearest     string // how those are rounded, such as floor
	CubicA      float32
	Scales      []float32
}

// Op is an operator carried as it stands in the model.
type Op struct {
	Type, Domain, Name string
	Attrs              []Attr
	Outputs            int     // number of outputs, 0 means 1
	Shapes             []Shape // shapes of the results, if the operator's rule is not known
	Types              []DType // element types of the results, if they differ from the first operand's
	MACs               int64   // multiply-accumulates of the subgraphs that it runs, as the compiler counted them
}

// Attr is a named attribute with the value that Kind tells: Int, Float, String, Ints, Floats or Strings. A tensor has its elements in Raw, its
// element type in Int and its shape in Ints. Of a graph, Raw is the ONNX protobuf message.
type Attr = onnx.Attr

// Captures is an attribute of operators with subgraphs. It lists the names by which the subgraphs read values of the graph around them. These values are the operator's
// last operands. The attribute is not written to files.
const Captures = "autotailor.captures"

// AttrKind tells which field of an Attr holds its value; the numbers are ONNX's AttributeType.
type AttrKind = onnx.AttrKind

// The kinds of attributes.
const (
	AttrFloat   = onnx.AttrFloat
	AttrInt     = onnx.AttrInt
	AttrString  = onnx.AttrString
	AttrTensor  = onnx.AttrTensor
	AttrGraph   = onnx.AttrGraph
	AttrFloats  = onnx.AttrFloats
	AttrInts    = onnx.AttrInts
	AttrStrings = onnx.AttrStrings
)

// DType is an element type; the numbers are ONNX's TensorProto.DataType. Bytes is the size of one element, 0 when elements have no fixed size.
type DType = onnx.DType

// The element types that autotailor computes with; others are carried.
const (
	Float32  = onnx.Float32
	Uint8    = onnx.Uint8
	Int8     = onnx.Int8
	Int32    = onnx.Int32
	Int64    = onnx.Int64
	Bool     = onnx.Bool
	Float16  = onnx.Float16
	Float64  = onnx.Float64
	BFloat16 = onnx.BFloat16
)

// Tensor is a dense tensor, row-major, its elements little-endian in Raw.
type Tensor struct {
	Type  DType
	Shape Shape
	Raw   []byte
}

// Weights gives the SuperNet's tensors by name.
type Weights interface {
	// Tensor returns the tensor called name; the error is a NoTensorError when there is none.
	Tensor(name string) (Tensor, error)
}

// NoTensorError says that weights do not have a tensor. Any other error is about a tensor that they have, but cannot read.
type NoTensorError string

// Error names the tensor.
func (e NoTensorError) Error() string { return string(e) }
