package gen

import (
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/model"
)

// TestOutputsOfTheirOwn: a model whose outputs are an input, an initializer or the same value twice, or that has no nodes, goes the whole way to proven
// code.
func TestOutputsOfTheirOwn(t *testing.T) {
	text := proto.String
	value := func(name string) *onnxpb.ValueInfoProto {
		return &onnxpb.ValueInfoProto{Name: text(name), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{TensorType: &onnxpb.TypeProto_Tensor{
			ElemType: proto.Int32(1), Shape: &onnxpb.TensorShapeProto{Dim: []*onnxpb.TensorShapeProto_Dimension{
				{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: 1}}, {Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: 4}},
			}},
		}}}}
	}
	add := &onnxpb.NodeProto{Name: text("add"), OpType: text("Add"), Input: []string{"x", "w"}, Output: []string{"y"}}
	w := &onnxpb.TensorProto{Name: text("w"), Dims: []int64{1, 4}, DataType: proto.Int32(1), FloatData: []float32{1, 2, 3, 4}}
	for _, c := range []struct {
		name    string
		nodes   []*onnxpb.NodeProto
		outputs []string
	}{
		{"an input", []*onnxpb.NodeProto{add}, []string{"y", "x"}},
		{"an initializer", []*onnxpb.NodeProto{add}, []string{"w", "y"}},
		{"one value twice", []*onnxpb.NodeProto{add}, []string{"y", "y"}},
		{"no nodes", nil, []string{"x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			graph := &onnxpb.GraphProto{Name: text("g"), Node: c.nodes, Input: []*onnxpb.ValueInfoProto{value("x")}, Initializer: []*onnxpb.TensorProto{w}}
			for _, name := range c.outputs {
				graph.Output = append(graph.Output, value(name))
			}
			data, err := proto.Marshal(&onnxpb.ModelProto{IrVersion: proto.Int64(8), OpsetImport: []*onnxpb.OperatorSetIdProto{{Version: proto.Int64(17)}}, Graph: graph})
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			file := filepath.Join(dir, "odd.onnx")
			if err := os.WriteFile(file, data, 0o600); err != nil {
				t.Fatal(err)
			}
			config, _, err := Init(file, dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			j := Job{Config: filepath.Join(dir, "autotailor.toml"), Name: "odd", Prove: ProveQuick}
			if err := os.WriteFile(j.Config, config, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := j.Run()
			if err != nil {
				t.Fatal(err)
			}
			if out.Proof.Status != model.Proven {
				t.Errorf("%v", out.Proof)
			}
		})
	}
}
