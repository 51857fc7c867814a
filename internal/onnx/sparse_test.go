package onnx

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
)

// TestSparse: sparse initializers become dense ones; what is damaged or too large stays what it is.
func TestSparse(t *testing.T) {
	tensor := func(d DType, dims []int64, raw []byte) *onnxpb.TensorProto {
		return &onnxpb.TensorProto{Name: proto.String("w"), DataType: proto.Int32(int32(d)), Dims: dims, RawData: raw}
	}
	at := func(dims []int64, list ...int64) *onnxpb.TensorProto {
		return &onnxpb.TensorProto{DataType: proto.Int32(int32(Int64)), Dims: dims, Int64Data: list}
	}
	values := tensor(Uint8, []int64{2}, []byte{7, 8})
	for _, c := range []struct {
		name   string
		sparse *onnxpb.SparseTensorProto
		want   []byte // nil where it stays
	}{
		{"flat", &onnxpb.SparseTensorProto{Values: values, Indices: at([]int64{2}, 1, 5), Dims: []int64{2, 3}}, []byte{0, 7, 0, 0, 0, 8}},
		{"by axes", &onnxpb.SparseTensorProto{Values: values, Indices: at([]int64{2, 2}, 0, 2, 1, 0), Dims: []int64{2, 3}}, []byte{0, 0, 7, 8, 0, 0}},
		{"outside", &onnxpb.SparseTensorProto{Values: values, Indices: at([]int64{2}, 1, 6), Dims: []int64{2, 3}}, nil},
		{"outside of an axis", &onnxpb.SparseTensorProto{Values: values, Indices: at([]int64{2, 2}, 0, 3, 1, 0), Dims: []int64{2, 3}}, nil},
		{"too few", &onnxpb.SparseTensorProto{Values: values, Indices: at([]int64{1}, 1), Dims: []int64{2, 3}}, nil},
		{"too large", &onnxpb.SparseTensorProto{Values: values, Indices: at([]int64{2}, 1, 5), Dims: []int64{1 << 20, 1 << 20, 1 << 40}}, nil},
		{"empty", &onnxpb.SparseTensorProto{}, nil},
		{"truncated", &onnxpb.SparseTensorProto{Values: tensor(Int64, []int64{2}, []byte{1}), Indices: at([]int64{2}, 1, 5), Dims: []int64{2, 3}}, nil},
	} {
		data, err := proto.Marshal(&onnxpb.ModelProto{Graph: &onnxpb.GraphProto{SparseInitializer: []*onnxpb.SparseTensorProto{c.sparse}}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := Parse(data, "")
		if err != nil {
			t.Fatal(err)
		}
		g := m.Proto.GetGraph()
		switch {
		case c.want == nil && (len(g.GetInitializer()) > 0 || len(g.GetSparseInitializer()) != 1):
			t.Errorf("%s: it is dense", c.name)
		case c.want != nil && (len(g.GetInitializer()) != 1 || len(g.GetSparseInitializer()) > 0 || g.GetInitializer()[0].GetName() != "w" || !slices.Equal(g.GetInitializer()[0].GetRawData(), c.want)):
			t.Errorf("%s: %v", c.name, g)
		}
	}
}
