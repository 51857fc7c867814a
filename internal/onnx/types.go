// Package onnx is the one reader of ONNX files: it opens models and the files beside them that hold their weights, and decodes tensors and
// attributes. The compiler (package ir) and the programs that it generates (package runtime/nn) share its types.
//
// A file is not trusted. What it says of sizes, offsets and other files is compared with what is there before memory is taken.
package onnx

import (
	"fmt"
	"strconv"
	"strings"
)

// DType is an element type; the numbers are ONNX's TensorProto.DataType.
type DType int32

// The element types of ONNX.
const (
	Undefined  DType = 0
	Float32    DType = 1
	Uint8      DType = 2
	Int8       DType = 3
	Uint16     DType = 4
	Int16      DType = 5
	Int32      DType = 6
	Int64      DType = 7
	String     DType = 8
	Bool       DType = 9
	Float16    DType = 10
	Float64    DType = 11
	Uint32     DType = 12
	Uint64     DType = 13
	Complex64  DType = 14
	Complex128 DType = 15
	BFloat16   DType = 16
)

// dtypes has the name of each element type, the size of an element, and the field of a TensorProto that holds elements which are not raw.
var dtypes = [...]struct {
	name  string
	bits  int
	field field
}{
	{"undefined", 0, nowhere}, {"f32", 32, floatData}, {"u8", 8, int32Data}, {"i8", 8, int32Data}, {"u16", 16, int32Data}, {"i16", 16, int32Data},
	{"i32", 32, int32Data}, {"i64", 64, int64Data}, {"string", 0, nowhere}, {"bool", 8, int32Data}, {"f16", 16, int32Data}, {"f64", 64, doubleData},
	{"u32", 32, uint64Data}, {"u64", 64, uint64Data}, {"c64", 64, floatData}, {"c128", 128, doubleData}, {"bf16", 16, int32Data},
	{"f8e4m3fn", 8, int32Data}, {"f8e4m3fnuz", 8, int32Data}, {"f8e5m2", 8, int32Data}, {"f8e5m2fnuz", 8, int32Data},
	{"u4", 4, int32Data}, {"i4", 4, int32Data}, {"f4e2m1", 4, int32Data},
}

func (d DType) known() bool { return d >= 0 && int(d) < len(dtypes) }

// String returns a short name such as "f32".
func (d DType) String() string {
	if d.known() {
		return dtypes[d].name
	}
	return fmt.Sprintf("dtype%d", int32(d))
}

// ParseDType reads what String writes.
func ParseDType(text string) (DType, error) {
	for d := range dtypes {
		if dtypes[d].name == text {
			return DType(d), nil
		}
	}
	n, err := strconv.ParseInt(strings.TrimPrefix(text, "dtype"), 10, 32)
	if err != nil {
		return Undefined, fmt.Errorf("unknown element type %q", text)
	}
	return DType(n), nil
}

// Bits is the size of one element, 0 for strings and unknown types.
func (d DType) Bits() int {
	if d.known() {
		return dtypes[d].bits
	}
	return 0
}

// Bytes is the size of one element, 0 when an element is not a whole number of bytes.
func (d DType) Bytes() int { return d.Bits() / 8 }

// Fractional tells whether elements may lie between whole numbers.
func (d DType) Fractional() bool {
	return d == Float32 || d == Float16 || d == BFloat16 || d == Float64
}

// AttrKind tells which field of an Attr holds its value; the numbers are ONNX's AttributeType.
type AttrKind uint8

// The kinds of attributes.
const (
	AttrFloat   AttrKind = 1
	AttrInt     AttrKind = 2
	AttrString  AttrKind = 3
	AttrTensor  AttrKind = 4
	AttrGraph   AttrKind = 5
	AttrFloats  AttrKind = 6
	AttrInts    AttrKind = 7
	AttrStrings AttrKind = 8
)

// Attr is a named attribute with the value that Kind tells.
//
// A tensor's element type is Int, its shape is Ints, and its elements are Raw, or Strings. Graphs and rare kinds are carried as they are: Raw is
// the ONNX AttributeProto message.
type Attr struct {
	Name    string
	Kind    AttrKind
	Int     int64
	Float   float32
	String  string
	Ints    []int64
	Floats  []float32
	Strings []string
	Raw     []byte
}

// TensorAttr is an attribute whose value is t.
func TensorAttr(name string, t Tensor) Attr {
	return Attr{Name: name, Kind: AttrTensor, Int: int64(t.Type), Ints: dims(t.Shape), Raw: t.Raw, Strings: t.Strings}
}

// Tensor returns the value of an attribute that is a tensor; ok is false for any other.
func (a Attr) Tensor() (t Tensor, ok bool) {
	if a.Kind != AttrTensor {
		return Tensor{}, false
	}
	t = Tensor{Type: DType(a.Int), Shape: make([]int, len(a.Ints)), Raw: a.Raw, Strings: a.Strings}
	for k, n := range a.Ints {
		t.Shape[k] = int(n)
	}
	return t, true
}

// Constant is the tensor that a Constant node with these attributes makes; ok is false for a form that has no elements of a fixed size.
func Constant(attrs []Attr) (t Tensor, ok bool) {
	if len(attrs) != 1 {
		return Tensor{}, false
	}
	switch a := attrs[0]; a.Name {
	case "value":
		return a.Tensor()
	case "value_int":
		return FromInt64s([]int{}, []int64{a.Int}), true
	case "value_ints":
		return FromInt64s([]int{len(a.Ints)}, a.Ints), true
	case "value_float":
		return FromFloat32s([]int{}, []float32{a.Float}), true
	case "value_floats":
		return FromFloat32s([]int{len(a.Floats)}, a.Floats), true
	}
	return Tensor{}, false
}
