package ir

import "github.com/autotailor/autotailor/internal/onnx"

// DType is an element type; the numbers are ONNX's TensorProto.DataType.
type DType = onnx.DType

// The element types of ONNX.
const (
	Undefined  = onnx.Undefined
	Float32    = onnx.Float32
	Uint8      = onnx.Uint8
	Int8       = onnx.Int8
	Uint16     = onnx.Uint16
	Int16      = onnx.Int16
	Int32      = onnx.Int32
	Int64      = onnx.Int64
	String     = onnx.String
	Bool       = onnx.Bool
	Float16    = onnx.Float16
	Float64    = onnx.Float64
	Uint32     = onnx.Uint32
	Uint64     = onnx.Uint64
	Complex64  = onnx.Complex64
	Complex128 = onnx.Complex128
	BFloat16   = onnx.BFloat16
)

// Attr is a named attribute. That of a graph, and of a rare kind, is carried as the ONNX AttributeProto message.
type Attr = onnx.Attr

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
