package nn

import (
	"encoding/binary"
	"math"
	"slices"
	"unsafe"
)

// littleEndian tells that this machine stores numbers as tensors do.
var littleEndian = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// View returns the elements of a float32 tensor without copying them where the machine allows; nil for any other type.
func (t Tensor) View() []float32 {
	p := unsafe.SliceData(t.Raw)
	if t.Type == Float32 && littleEndian && uintptr(unsafe.Pointer(p))%4 == 0 {
		return unsafe.Slice((*float32)(unsafe.Pointer(p)), len(t.Raw)/4)
	}
	return t.Float32s()
}

// Viewed makes a tensor of float32 elements that shares data where the machine allows.
func Viewed(s Shape, data []float32) Tensor { return Tensor{Float32, slices.Clone(s), Bytes(data)} }

// Bytes returns floats as tensors store them, without copying where the machine allows.
func Bytes(data []float32) []byte {
	if littleEndian {
		return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), 4*len(data))
	}
	to := make([]byte, 0, 4*len(data))
	for _, v := range data {
		to = binary.LittleEndian.AppendUint32(to, math.Float32bits(v))
	}
	return to
}
