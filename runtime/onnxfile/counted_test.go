package onnxfile_test

import (
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// TestCountedResults: what is known at run time only is left open, also behind the operator that counts; other results have their extents.
func TestCountedResults(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{2, 4})
		found := b.Op(nn.Op{Type: "NonZero", Types: []nn.DType{nn.Int64}, Shapes: []nn.Shape{{2, 8}}}, x)[0]
		b.Output("places", b.Transpose(found, 1, 0))
		b.Output("y", b.Softmax(x, 1))
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnxfile.Proto(g, nil, onnxfile.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for k, open := range []bool{true, false} {
		dims := m.Graph.Output[k].GetType().GetTensorType().GetShape().GetDim()
		if len(dims) != 2 || (dims[0].Value == nil) != open {
			t.Errorf("output %s has the shape %v", m.Graph.Output[k].GetName(), dims)
		}
	}
}
