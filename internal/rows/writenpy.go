package rows

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/autotailor/autotailor/internal/onnx"
)

// npyLetters are the inverse of npyTypes for the types that networks compute.
var npyLetters = map[onnx.DType]string{
	onnx.Bool: "|b1", onnx.Int8: "|i1", onnx.Int16: "<i2", onnx.Int32: "<i4", onnx.Int64: "<i8", onnx.Uint8: "|u1", onnx.Uint16: "<u2", onnx.Uint32: "<u4",
	onnx.Uint64: "<u8", onnx.Float16: "<f2", onnx.Float32: "<f4", onnx.Float64: "<f8",
}

// AppendNPY appends an npy file with a tensor.
func AppendNPY(b []byte, t onnx.Tensor) ([]byte, error) {
	letter, ok := npyLetters[t.Type]
	if !ok {
		return nil, fmt.Errorf("npy files have no elements of type %v", t.Type)
	}
	shape := ""
	for _, d := range t.Shape {
		shape += fmt.Sprintf("%d, ", d)
	}
	const multiple = 64 // that the elements begin at
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", letter, shape)
	start := len(npyMagic) + 2 + 2
	text += strings.Repeat(" ", multiple-1-(start+len(text))%multiple) + "\n"
	b = append(append(b, npyMagic...), 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(text)))
	return append(append(b, text...), t.Raw...), nil
}
