package nn

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/autotailor/autotailor/internal/onnx"
)

// codec reads and writes one element of a type.
type codec struct {
	read  func(b []byte) float64
	write func(b []byte, v float64)
}

var little = binary.LittleEndian

// codecs are those of the types whose elements are numbers.
var codecs = map[DType]codec{
	Bool:        {func(b []byte) float64 { return float64(b[0]) }, func(b []byte, v float64) { b[0] = byte(v) }},
	Uint8:       {func(b []byte) float64 { return float64(b[0]) }, func(b []byte, v float64) { b[0] = byte(v) }},
	Int8:        {func(b []byte) float64 { return float64(int8(b[0])) }, func(b []byte, v float64) { b[0] = byte(int8(v)) }},
	onnx.Uint16: {func(b []byte) float64 { return float64(little.Uint16(b)) }, func(b []byte, v float64) { little.PutUint16(b, uint16(v)) }},
	onnx.Int16:  {func(b []byte) float64 { return float64(int16(little.Uint16(b))) }, func(b []byte, v float64) { little.PutUint16(b, uint16(int16(v))) }},
	onnx.Uint32: {func(b []byte) float64 { return float64(little.Uint32(b)) }, func(b []byte, v float64) { little.PutUint32(b, uint32(v)) }},
	Int32:       {func(b []byte) float64 { return float64(int32(little.Uint32(b))) }, func(b []byte, v float64) { little.PutUint32(b, uint32(int32(v))) }},
	onnx.Uint64: {func(b []byte) float64 { return float64(little.Uint64(b)) }, func(b []byte, v float64) { little.PutUint64(b, uint64(v)) }},
	Int64:       {func(b []byte) float64 { return float64(int64(little.Uint64(b))) }, func(b []byte, v float64) { little.PutUint64(b, uint64(int64(v))) }},
	Float64:     {func(b []byte) float64 { return math.Float64frombits(little.Uint64(b)) }, func(b []byte, v float64) { little.PutUint64(b, math.Float64bits(v)) }},
	Float32: {
		func(b []byte) float64 { return float64(math.Float32frombits(little.Uint32(b))) },
		func(b []byte, v float64) { little.PutUint32(b, math.Float32bits(float32(v))) },
	},
	BFloat16: { // the upper half of a float32
		func(b []byte) float64 { return float64(math.Float32frombits(uint32(little.Uint16(b)) << 16)) },
		func(b []byte, v float64) { little.PutUint16(b, uint16(math.Float32bits(float32(v))>>16)) },
	},
	Float16: {
		func(b []byte) float64 { return float64(FromFloat16(little.Uint16(b))) },
		func(b []byte, v float64) {
			h, _ := ToFloat16(float32(v))
			little.PutUint16(b, h)
		},
	},
}

// Numbers returns the elements of t, of any type of numbers; nil for others.
func (t Tensor) Numbers() []float64 {
	c, ok := codecs[t.Type]
	if !ok {
		return nil
	}
	size := t.Type.Bytes()
	out := make([]float64, len(t.Raw)/size)
	for i := range out {
		out[i] = c.read(t.Raw[i*size:])
	}
	return out
}

// FromNumbers makes a tensor with elements of type d from numbers. They are truncated or rounded as d requires. If d is not a type of numbers, all bits are zero.
func FromNumbers(d DType, s Shape, numbers []float64) Tensor {
	size := d.Bytes()
	t := Tensor{Type: d, Shape: slices.Clone(s), Raw: make([]byte, size*len(numbers))}
	c, ok := codecs[d]
	if !ok {
		return t
	}
	for i, v := range numbers {
		c.write(t.Raw[i*size:], v)
	}
	return t
}
