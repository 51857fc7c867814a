package onnx

import (
	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
)

// How large sparse initializers may become: a few bytes can stand for a tensor of any size.
const (
	denseBytes = 64 << 20
	denseTimes = 64 // the size of the file
)

// densify makes initializers of the sparse ones, so that nobody else needs to know them. What is too large or damaged stays, to be refused by name.
func (m *Model) densify() {
	g := m.Proto.GetGraph()
	room := denseBytes + denseTimes*m.Size
	var left []*onnxpb.SparseTensorProto
	for _, s := range g.GetSparseInitializer() {
		t := m.dense(s, room)
		if t == nil {
			left = append(left, s)
			continue
		}
		room -= int64(len(t.RawData))
		g.Initializer = append(g.Initializer, t)
	}
	g.SparseInitializer = left
}

// dense is a sparse tensor with its zeros, nil where it has more than room bytes or its indices do not fit.
func (m *Model) dense(s *onnxpb.SparseTensorProto, room int64) *onnxpb.TensorProto {
	values, err := m.Tensor(s.GetValues())
	if err != nil || len(values.Shape) != 1 || values.Raw == nil {
		return nil
	}
	indices, err := m.Tensor(s.GetIndices())
	if err != nil || indices.Type != Int64 {
		return nil
	}
	at, err := indices.Int64s()
	size, count := int64(values.Type.Bytes()), int64(1)
	if err != nil || size == 0 {
		return nil
	}
	for _, d := range s.GetDims() {
		if d < 1 || count > room/size/d {
			return nil
		}
		count *= d
	}
	flat, ok := positions(at, s.GetDims(), values.Shape[0])
	if !ok {
		return nil
	}
	raw := make([]byte, count*size)
	for k, p := range flat {
		if p < 0 || p >= count {
			return nil
		}
		copy(raw[p*size:(p+1)*size], values.Raw[int64(k)*size:])
	}
	return &onnxpb.TensorProto{Name: proto.String(s.GetValues().GetName()), DataType: proto.Int32(int32(values.Type)), Dims: s.GetDims(), RawData: raw}
}

// positions are those of n elements in a tensor: indices give them as such, or axis by axis.
func positions(indices, dims []int64, n int) ([]int64, bool) {
	if len(indices) == n {
		return indices, true
	}
	if len(indices) != n*len(dims) {
		return nil, false
	}
	out := make([]int64, n)
	for k := range out {
		for a, d := range dims {
			i := indices[k*len(dims)+a]
			if i < 0 || i >= d {
				return nil, false
			}
			out[k] = out[k]*d + i
		}
	}
	return out, true
}
