package gen

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/ir/testgraph"
)

// TestMissingOperands: a node without its operands is an error that names it, whatever pass would have looked at them.
func TestMissingOperands(t *testing.T) {
	text := proto.String
	x := &onnxpb.ValueInfoProto{Name: text("x"), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{TensorType: &onnxpb.TypeProto_Tensor{
		ElemType: proto.Int32(1), Shape: &onnxpb.TensorShapeProto{Dim: []*onnxpb.TensorShapeProto_Dimension{{Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: 4}}}},
	}}}}
	for _, op := range []string{"Sqrt", "ReduceMean", "Sub", "Div", "Clip", "Mul", "Add", "HardSigmoid", "Concat", "Conv", "Reciprocal", "Pow", "Erf", "Split", "Expand", "Softmax"} {
		for _, in := range [][]string{nil, {""}, {"x"}, {"", "x"}} {
			m := &onnxpb.ModelProto{IrVersion: proto.Int64(8), OpsetImport: []*onnxpb.OperatorSetIdProto{{Version: proto.Int64(17)}}, Graph: &onnxpb.GraphProto{
				Input: []*onnxpb.ValueInfoProto{x}, Output: []*onnxpb.ValueInfoProto{{Name: text("w")}},
				Node: []*onnxpb.NodeProto{
					{Name: text("odd"), OpType: text(op), Input: in, Output: []string{"y"}},
					{OpType: text("Sqrt"), Input: []string{"y"}, Output: []string{"z"}}, {OpType: text("Mul"), Input: []string{"y", "z"}, Output: []string{"w"}},
				},
			}}
			data, err := proto.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			_, err = ParseNetwork(data)
			if len(in) != 1 || in[0] == "" {
				if err == nil || !strings.Contains(err.Error(), "odd") {
					t.Errorf("%s of %q: %v", op, in, err)
				}
			}
		}
	}
}

// TestUnknownShapes: what has no shape is named once, with a remedy; what follows from it is not.
func TestUnknownShapes(t *testing.T) {
	for graph, want := range map[string]string{
		"input x Nx4\ns = SequenceEmpty\nt = SequenceInsert s x\ny = SequenceAt t {0}\nz = Relu y\noutput z": `node "s" (SequenceEmpty): it makes a list of tensors`,
		"input x Nx4\ns = mine.Source\ny = Add x s\nz = Relu y\noutput z":                                    `node "s" (Source): the shape of its result is not known: there is no rule for mine.Source`,
	} {
		g, err := testgraph.Parse(graph)
		if err != nil {
			t.Fatal(err)
		}
		_, err = network(g)
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
