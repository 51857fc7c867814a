package embedded

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

// encode is the inverse of engine.Floats for elements of type d.
func encode(s []float32, d nn.DType) ([]byte, error) {
	if d == nn.Float32 || d == 0 {
		return nn.Bytes(s), nil
	}
	if d.Fractional() {
		numbers := make([]float64, len(s))
		for i, v := range s {
			numbers[i] = float64(v)
		}
		return nn.FromNumbers(d, nn.Shape{len(s)}, numbers).Raw, nil
	}
	var out []byte
	for i, v := range s {
		if !(math.Abs(float64(v)) <= engine.MaxExact) {
			return nil, fmt.Errorf("element %d is %g, the embedded engine has integers of at most %d", i, v, engine.MaxExact)
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
