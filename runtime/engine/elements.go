package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/autotailor/autotailor/runtime/nn"
)

// MaxExact is the largest integer up to which float32 has all. Our engines keep booleans and integers as float32s; inputs and outputs
// beyond it are refused rather than rounded.
const MaxExact = 1 << 24

// Floats returns a tensor's elements as float32s; those of a float32 tensor without copying where the machine allows. Other floats are
// computed with as float32s, too.
func Floats(t nn.Tensor) ([]float32, error) {
	if t.Type == nn.Float32 {
		return t.View(), nil
	}
	if t.Type.Fractional() {
		out := make([]float32, 0, t.Shape.Count())
		for _, v := range t.Numbers() {
			out = append(out, float32(v))
		}
		return out, nil
	}
	size := t.Type.Bytes()
	read, ok := readers[t.Type]
	if !ok {
		return nil, fmt.Errorf("element type %d, the embedded engine computes with float32 and integers only", t.Type)
	}
	out := make([]float32, len(t.Raw)/size)
	for i := range out {
		v := read(t.Raw[i*size:])
		if v < -MaxExact || v > MaxExact {
			return nil, fmt.Errorf("element %d is %d, the embedded engine has integers of at most %d", i, v, MaxExact)
		}
		out[i] = float32(v)
	}
	return out, nil
}

// readers read one integer of a type.
var readers = map[nn.DType]func(b []byte) int64{
	nn.Bool: func(b []byte) int64 { return int64(b[0]) }, nn.Uint8: func(b []byte) int64 { return int64(b[0]) },
	nn.Int8:  func(b []byte) int64 { return int64(int8(b[0])) },
	nn.Int32: func(b []byte) int64 { return int64(int32(binary.LittleEndian.Uint32(b))) },
	nn.Int64: func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) },
}
