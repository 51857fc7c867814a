package onnxfile_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// TestGroupNormalization: parameters of groups stand as they are in opset 18, and have an element for each channel in opset 21.
func TestGroupNormalization(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 6, 4, 4})
		o := nn.Op{Type: "GroupNormalization", Name: "norm", Attrs: []nn.Attr{{Name: "num_groups", Kind: nn.AttrInt, Int: 2}}}
		scale, bias := b.Param(nn.Param{Name: "scale", Shape: nn.Shape{2}}), b.Param(nn.Param{Name: "bias", Shape: nn.Shape{2}})
		b.Output("y", b.Op(o.Yields(nn.Shape{nn.Batch, 6, 4, 4}), x, scale, bias)[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	w := nn.Overlay(nil, map[string]nn.Tensor{"scale": nn.FromFloat32s(nn.Shape{2}, []float32{1, 2}), "bias": nn.FromFloat32s(nn.Shape{2}, []float32{3, 4})})
	for opset, want := range map[int]struct {
		opset int
		scale []float32
	}{13: {18, []float32{1, 2}}, 20: {20, []float32{1, 2}}, 21: {21, []float32{1, 1, 1, 2, 2, 2}}} {
		var file bytes.Buffer
		if err := onnxfile.Write(&file, g, w, onnxfile.WriteOptions{Opset: opset}); err != nil {
			t.Fatal(err)
		}
		m, err := onnxfile.Parse(file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		name := "scale"
		if len(want.scale) > 2 {
			name += "_by_channel"
		}
		got, err := m.Tensor(name)
		if err != nil || m.Opset != want.opset || !slices.Equal(got.Float32s(), want.scale) {
			t.Errorf("asked for opset %d: opset %d, scale %v, want %d and %v (%v)", opset, m.Opset, got.Float32s(), want.opset, want.scale, err)
		}
	}
}
