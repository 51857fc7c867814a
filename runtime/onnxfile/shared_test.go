package onnxfile_test

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// TestReplaceStoredOnce: exporters store equal tensors once. An untrained normalisation's bias and mean are both zeros, so that one node reads one
// tensor twice, here once behind an Identity; each use gets values of its own.
func TestReplaceStoredOnce(t *testing.T) {
	tensor := func(name string, v float32) *onnxpb.TensorProto {
		return &onnxpb.TensorProto{Name: &name, DataType: proto.Int32(int32(nn.Float32)), Dims: []int64{2}, FloatData: []float32{v, v}}
	}
	m := &onnxpb.ModelProto{
		IrVersion: proto.Int64(8), OpsetImport: []*onnxpb.OperatorSetIdProto{{Version: proto.Int64(13)}},
		Graph: &onnxpb.GraphProto{
			Initializer: []*onnxpb.TensorProto{tensor("scale", 1), tensor("zeros", 0)},
			Node: []*onnxpb.NodeProto{
				{OpType: proto.String("Identity"), Name: proto.String("copy"), Input: []string{"zeros"}, Output: []string{"mean"}},
				{OpType: proto.String("BatchNormalization"), Name: proto.String("norm"), Input: []string{"x", "scale", "zeros", "mean", "scale"}, Output: []string{"y"}},
			},
		},
	}
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	param := func(name, from string, operand int) nn.Param {
		p := nn.Param{Name: name, From: from, Shape: nn.Shape{2}}
		if from != "" {
			p.Readers = []nn.Reader{{Node: "norm", Operand: operand}}
		}
		return p
	}
	values := map[string]nn.Tensor{}
	for i, name := range []string{"scale", "zeros", "zeros#2", "scale#2"} {
		values[name] = nn.FromFloat32s(nn.Shape{2}, []float32{float32(i), 9})
	}
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 2, 3, 3})
		b.Output("y", b.BatchNorm(x, nn.BatchNorm{
			Name: "norm", Scale: param("scale", "", 1), Bias: param("zeros", "", 2), Mean: param("zeros#2", "zeros", 3), Var: param("scale#2", "scale", 4),
		}))
	})
	if err != nil {
		t.Fatal(err)
	}
	replaced, err := onnxfile.Replace(data, g, values)
	if err != nil {
		t.Fatal(err)
	}
	var got onnxpb.ModelProto
	if err := proto.Unmarshal(replaced, &got); err != nil {
		t.Fatal(err)
	}
	if in, want := got.Graph.Node[1].Input, []string{"x", "scale", "zeros", "zeros#2", "scale#2"}; !slices.Equal(in, want) {
		t.Errorf("the normalisation reads %v, want %v", in, want)
	}
	file, err := onnxfile.Parse(replaced)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range values {
		if x, err := file.Tensor(name); err != nil || !slices.Equal(x.Float32s(), want.Float32s()) {
			t.Errorf("%s: %v, %v, want %v", name, x.Float32s(), err, want.Float32s())
		}
	}
}
