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

// TestGridSample: modes have the names of the opset that is written.
func TestGridSample(t *testing.T) {
	for _, c := range []struct {
		mode string
		ask  int
		want string
		in   int
	}{{"bilinear", 16, "bilinear", 16}, {"bicubic", 20, "cubic", 20}, {"linear", 13, "linear", 20}, {"nearest", 21, "nearest", 21}} {
		g, err := nn.Record(func(b nn.Builder) {
			x, grid := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 2, 4, 4}), b.Input("grid", nn.Float32, nn.Shape{nn.Batch, 3, 3, 2})
			o := nn.Op{Type: "GridSample", Name: "sample", Attrs: []nn.Attr{{Name: "mode", Kind: nn.AttrString, String: c.mode}}}
			b.Output("y", b.Op(o.Yields(nn.Shape{nn.Batch, 2, 3, 3}), x, grid)[0])
		})
		if err != nil {
			t.Fatal(err)
		}
		m, err := onnxfile.Proto(g, nil, onnxfile.WriteOptions{Opset: c.ask})
		if err != nil {
			t.Fatal(err)
		}
		if mode, opset := string(m.Graph.Node[0].Attribute[0].S), int(m.OpsetImport[0].GetVersion()); mode != c.want || opset != c.in {
			t.Errorf("mode %s, asked for opset %d: mode %s in opset %d, want %s in %d", c.mode, c.ask, mode, opset, c.want, c.in)
		}
	}
}
