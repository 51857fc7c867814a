package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Tensor is a dense tensor, row-major. Its elements are little-endian in Raw, those of a String tensor are Strings.
type Tensor struct {
	Type    DType
	Shape   []int
	Raw     []byte
	Strings []string
}

// NumElements is the number of elements of a tensor.
func (t Tensor) NumElements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// FromFloat32s makes a float32 tensor. It copies data.
func FromFloat32s(shape []int, data []float32) Tensor {
	raw := make([]byte, 4*len(data))
	for i, v := range data {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(v))
	}
	return Tensor{Type: Float32, Shape: shape, Raw: raw}
}

// FromInt64s makes an int64 tensor. It copies data.
func FromInt64s(shape []int, data []int64) Tensor {
	raw := make([]byte, 8*len(data))
	for i, v := range data {
		binary.LittleEndian.PutUint64(raw[8*i:], uint64(v))
	}
	return Tensor{Type: Int64, Shape: shape, Raw: raw}
}

// integers read one element of a type.
var integers = map[DType]func(b []byte) int64{
	Int64:  func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) },
	Uint64: func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) },
	Int32:  func(b []byte) int64 { return int64(int32(binary.LittleEndian.Uint32(b))) },
	Uint32: func(b []byte) int64 { return int64(binary.LittleEndian.Uint32(b)) },
	Int16:  func(b []byte) int64 { return int64(int16(binary.LittleEndian.Uint16(b))) },
	Uint16: func(b []byte) int64 { return int64(binary.LittleEndian.Uint16(b)) },
	Int8:   func(b []byte) int64 { return int64(int8(b[0])) },
	Uint8:  func(b []byte) int64 { return int64(b[0]) },
	Bool:   func(b []byte) int64 { return int64(b[0]) },
}

// Whole tells whether elements of the type are integers or booleans.
func (t DType) Whole() bool { return integers[t] != nil }

// Int64s returns the elements of an integer or boolean tensor that is in memory.
func (t Tensor) Int64s() ([]int64, error) {
	read, size, n := integers[t.Type], t.Type.Bytes(), t.NumElements()
	switch {
	case read == nil || len(t.Raw) < size*n:
		return nil, fmt.Errorf("want integers in memory, have %v", t.Type)
	case t.Type == Int64:
		return Int64s(t.Raw[:size*n]), nil
	}
	out := make([]int64, n)
	for i := range out {
		out[i] = read(t.Raw[size*i:])
	}
	return out, nil
}

// Float32s returns the elements of a float32 tensor that is in memory.
func (t Tensor) Float32s() ([]float32, error) {
	n := t.NumElements()
	if t.Type != Float32 || len(t.Raw) < 4*n {
		return nil, fmt.Errorf("want float32 in memory, have %v", t.Type)
	}
	return Float32s(t.Raw[:4*n]), nil
}

// Float32s decodes float32 elements.
func Float32s(raw []byte) []float32 {
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out
}

// Int64s decodes int64 elements.
func Int64s(raw []byte) []int64 {
	out := make([]int64, len(raw)/8)
	for i := range out {
		out[i] = int64(binary.LittleEndian.Uint64(raw[8*i:]))
	}
	return out
}

func dims(shape []int) []int64 {
	out := make([]int64, len(shape))
	for k, n := range shape {
		out[k] = int64(n)
	}
	return out
}

// Integers encodes integers of a type; ok is false for types that are none.
func Integers(t DType, list []int64) (raw []byte, ok bool) {
	if integers[t] == nil {
		return nil, false
	}
	raw = make([]byte, 0, t.Bytes()*len(list))
	for _, v := range list {
		raw = appendLow(raw, uint64(v), 8*t.Bytes())
	}
	return raw, true
}
