package model_test

import (
	"bytes"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/vit"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// generated is the folder of what the repository has beside code.
func generated(t *testing.T, elements ...string) string {
	t.Helper()
	needs.Clone(t)
	return filepath.Join(append([]string{"..", "..", "generated"}, elements...)...)
}

func weights(t *testing.T, name string) *onnxfile.Model {
	t.Helper()
	m, err := onnxfile.Open(generated(t, "models", name))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func training(t *testing.T, n int) data.Source {
	t.Helper()
	set, err := data.Open(generated(t, "data", "fashion-mnist"), "train", data.Size{})
	if err != nil {
		t.Fatal(err)
	}
	return data.Source{Transform: data.Transform{Pad: 2, Mean: []float32{0.286}, Std: []float32{0.353}}, Set: set.Slice(0, n)}
}

// TestExportNeedsStatistics: a SubNet is exported with its own statistics, or with others on purpose; nothing is written before that is
// clear. The original has those of the file, and a transformer has none.
func TestExportNeedsStatistics(t *testing.T) {
	w, s := weights(t, "mobilenetv2_tuned.onnx"), mobilenetv2.SubNet{Resolution: mobilenetv2.Resolution20}
	own, err := s.Recalibrate(t.Context(), w, embedded.New(embedded.Options{}), training(t, 50))
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	var foreign *supernet.StatisticsError
	if err := s.ExportONNX(&file, w, mobilenetv2.ExportOptions{}); !errors.As(err, &foreign) || foreign.SubNet != "resolution=20" || foreign.Have != "original" || file.Len() > 0 {
		t.Errorf("with the original's statistics: %v, %d bytes", err, file.Len())
	}
	if err := mobilenetv2.Smallest().ExportONNX(io.Discard, own, mobilenetv2.ExportOptions{}); !errors.As(err, &foreign) || foreign.Have != "resolution=20" {
		t.Errorf("with another SubNet's statistics: %v", err)
	}
	for name, err := range map[string]error{
		"its own":       s.ExportONNX(io.Discard, own, mobilenetv2.ExportOptions{}),
		"on purpose":    s.ExportONNX(io.Discard, w, mobilenetv2.ExportOptions{NoRecalibration: true}),
		"the original":  mobilenetv2.SubNet{}.ExportONNX(io.Discard, w, mobilenetv2.ExportOptions{}),
		"a transformer": vit.Smallest().ExportONNX(io.Discard, weights(t, "vit.onnx"), vit.ExportOptions{}),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestExportOptions: each does what it says, and the SubNet's own statistics are in the file.
func TestExportOptions(t *testing.T) {
	w, s := weights(t, "mobilenetv2_tuned.onnx"), mobilenetv2.SubNet{Resolution: mobilenetv2.Resolution16}
	own, err := s.Recalibrate(t.Context(), w, embedded.New(embedded.Options{}), training(t, 50))
	if err != nil {
		t.Fatal(err)
	}
	export := func(o mobilenetv2.ExportOptions) (*onnxfile.Model, int) {
		t.Helper()
		var file bytes.Buffer
		if err := s.ExportONNX(&file, own, o); err != nil {
			t.Fatal(err)
		}
		m, err := onnxfile.Parse(file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		return m, file.Len()
	}
	plain, size := export(mobilenetv2.ExportOptions{})
	if plain.Opset != 17 || plain.Metadata["autotailor.subnet"] != "resolution=16" || plain.Metadata["autotailor.package"] != "mobilenetv2" {
		t.Errorf("opset %d, metadata %v", plain.Opset, plain.Metadata)
	}
	if _, half := export(mobilenetv2.ExportOptions{Half: true}); half > size*6/10 {
		t.Errorf("in half precision %d bytes, else %d", half, size)
	}
	if m, _ := export(mobilenetv2.ExportOptions{Opset: 21, Metadata: map[string]string{"who": "me"}}); m.Opset != 21 || m.Metadata["who"] != "me" {
		t.Errorf("opset %d, metadata %v", m.Opset, m.Metadata)
	}
	g, err := nn.Record(s.Build)
	if err != nil {
		t.Fatal(err)
	}
	kept, _ := export(mobilenetv2.ExportOptions{KeepBatchNorm: true})
	for _, p := range supernet.Statistics(g) {
		got, err := kept.Tensor(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		want, err1 := nn.Fetch(own, p)
		before, err2 := nn.Fetch(w, p)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got.Float32s(), want.Float32s()) || slices.Equal(got.Float32s(), before.Float32s()) {
			t.Errorf("%s is not what was recomputed", p.Name)
		}
		if _, err := plain.Tensor(p.Name); err == nil {
			t.Errorf("%s is still there when normalisations are folded", p.Name)
		}
	}
	for batch, want := range map[int]string{0: "batch", 3: ""} {
		var file bytes.Buffer
		if err := s.ExportONNX(&file, own, mobilenetv2.ExportOptions{Batch: batch}); err != nil || bytes.Contains(file.Bytes(), []byte("batch")) != (want != "") {
			t.Errorf("batch %d: %v, named axis %v", batch, err, want == "")
		}
	}
	for _, o := range []mobilenetv2.ExportOptions{{Batch: -1}, {Opset: -1}} {
		if err := s.ExportONNX(io.Discard, own, o); err == nil || !strings.Contains(err.Error(), "-1") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
