package embedded

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Booleans and integers are kept as float32s, which hold whole numbers up to maxExact exactly. Inputs and outputs beyond it are refused
// rather than rounded. Results of 8 bits wrap around.

// maxExact is the largest integer up to which float32 has all.
const maxExact = 1 << 24

// decode returns a tensor's elements as float32s; those of a float32 tensor without copying where the machine allows.
func decode(t nn.Tensor) ([]float32, error) {
	if t.Type == nn.Float32 {
		return t.View(), nil
	}
	size := t.Type.Bytes()
	read, ok := readers[t.Type]
	if !ok {
		return nil, fmt.Errorf("element type %d, the embedded engine computes with float32 and integers only", t.Type)
	}
	out := make([]float32, len(t.Raw)/size)
	for i := range out {
		v := read(t.Raw[i*size:])
		if v < -maxExact || v > maxExact {
			return nil, fmt.Errorf("element %d is %d, the embedded engine has integers of at most %d", i, v, maxExact)
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

// encode is the inverse of decode for elements of type d.
func encode(s []float32, d nn.DType) ([]byte, error) {
	if d == nn.Float32 || d == 0 {
		return nn.Bytes(s), nil
	}
	var out []byte
	for i, v := range s {
		if !(math.Abs(float64(v)) <= maxExact) {
			return nil, fmt.Errorf("element %d is %g, the embedded engine has integers of at most %d", i, v, maxExact)
		}
		switch n := int64(v); d {
		case nn.Bool, nn.Uint8, nn.Int8:
			out = append(out, byte(n))
		case nn.Int32:
			out = binary.LittleEndian.AppendUint32(out, uint32(n))
		case nn.Int64:
			out = binary.LittleEndian.AppendUint64(out, uint64(n))
		default:
			return nil, fmt.Errorf("element type %d is not supported", d)
		}
	}
	return out, nil
}

// typ is the element type of a value.
func (c *compiler) typ(v nn.Value) nn.DType {
	if t := c.graph.Values[v].Type; t != 0 {
		return t
	}
	return nn.Float32
}
