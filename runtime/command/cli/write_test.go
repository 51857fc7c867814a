package cli_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/deploy/ncnn"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// TestExportNCNN: both files are written or neither, float16 is half as large, and the .param file tells what it is.
func TestExportNCNN(t *testing.T) {
	needs.Clone(t)
	dir := t.TempDir()
	args := []string{"export", "--model", model, "--subnet", "resolution=16", "--format", "ncnn", "--out"}
	full := result(t, append(args, filepath.Join(dir, "full"))...)
	half := result(t, append(args, filepath.Join(dir, "half.param"), "--fp16")...)
	if f, h := full["bytes"].(float64), half["bytes"].(float64); h > 0.55*f {
		t.Errorf("%v bytes with float16, %v without", h, f)
	}
	param, err := os.ReadFile(filepath.Join(dir, "half.param"))
	if err != nil {
		t.Fatal(err)
	}
	bin, err := os.ReadFile(filepath.Join(dir, "half.bin"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := ncnn.Read(param, bin)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(m.Notes, "autotailor.subnet: resolution=16") {
		t.Errorf("notes %q", m.Notes)
	}
	for _, c := range []struct{ args, want string }{
		{"--format ncnn --out " + filepath.Join(dir, "full"), "--force"},
		{"--format tflite --out x", "formats are ncnn, onnx, safetensors"},
		{"--format ncnn --batch 4 --out x", "has the batch 1"},
		{"--plain-attention --out x", "--format ncnn"},
		{"--format safetensors --opset 17 --out x", "--format onnx"},
		{"--format safetensors --batch 4 --out x", "--batch does not go with"},
		{"--format safetensors --fold-batch-norm --out x", "--fold-batch-norm does not go with"},
		{"--format safetensors --out " + filepath.Join(dir, "none", "x"), "does not exist"},
		{"--format ncnn --out " + filepath.Join(dir, "none", "x"), "does not exist"},
	} {
		code, _, errs := invoke(t.Context(), append([]string{"export", "--model", model}, strings.Fields(c.args)...)...)
		if code == 0 || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit code %d, %s", c.args, code, errs)
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 4 {
		t.Errorf("%v, %v", files, err)
	}
}

// TestExportSafetensors: the weights are those of the ONNX file with the same names, and the file says what it is and whose statistics it has.
func TestExportSafetensors(t *testing.T) {
	needs.Clone(t)
	dir := t.TempDir()
	args := []string{"export", "--model", model, "--subnet", "resolution=16,stage2.depth=2", "--out"}
	whole, file := filepath.Join(dir, "whole.onnx"), filepath.Join(dir, "small.safetensors")
	result(t, append(args, whole, "--fold-batch-norm=false")...)
	r := result(t, append(args, file, "--format", "safetensors")...)
	if warning, _ := r["warning"].(string); r["statistics"] != "borrowed" || !strings.Contains(warning, "--recalibrate") {
		t.Errorf("statistics %v, warning %q", r["statistics"], warning)
	}
	want, err := onnxfile.Open(whole)
	if err != nil {
		t.Fatal(err)
	}
	meta, got := unpacked(t, file)
	for _, key := range []string{"subnet", "package", "digest", "macs", "statistics"} {
		if key = "autotailor." + key; meta[key] == "" || meta[key] != want.Metadata[key] {
			t.Errorf("%s: %q, want %q", key, meta[key], want.Metadata[key])
		}
	}
	for name, tensor := range got {
		if w, err := want.Tensor(name); err != nil || !slices.Equal(w.Shape, tensor.Shape) || !bytes.Equal(w.Raw, tensor.Raw) {
			t.Errorf("%s: shape %v, want %v, %v", name, tensor.Shape, w.Shape, err)
		}
	}
	if len(got) < 100 {
		t.Errorf("%d tensors", len(got))
	}
	half := result(t, append(args, filepath.Join(dir, "half.safetensors"), "--format", "safetensors", "--fp16")...)
	if f, h := r["bytes"].(float64), half["bytes"].(float64); h > 0.6*f {
		t.Errorf("%v bytes with float16, %v without", h, f)
	}
	if code, _, errs := invoke(t.Context(), append(args, file, "--format", "safetensors")...); code != 1 || !strings.Contains(errs, "--force") {
		t.Errorf("an existing file: exit code %d, %s", code, errs)
	}
}

// unpacked reads a file of safetensors: its texts and its tensors.
func unpacked(t *testing.T, path string) (meta map[string]string, tensors map[string]nn.Tensor) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin := 8 + int(binary.LittleEndian.Uint64(data))
	var header map[string]json.RawMessage
	if err := json.Unmarshal(data[8:begin], &header); err != nil {
		t.Fatal(err)
	}
	tensors = map[string]nn.Tensor{}
	for name, text := range header {
		var e struct {
			DType   string
			Shape   nn.Shape
			Offsets [2]int `json:"data_offsets"`
		}
		to := any(&e)
		if name == "__metadata__" {
			to = &meta
		}
		if err := json.Unmarshal(text, to); err != nil {
			t.Fatal(err)
		}
		if name != "__metadata__" {
			tensors[name] = nn.Tensor{Shape: e.Shape, Raw: data[begin+e.Offsets[0] : begin+e.Offsets[1]]}
		}
	}
	return meta, tensors
}

// exportFront writes a bundle, and opens it.
func exportFront(t *testing.T, dir, lut, acc string) {
	t.Helper()
	args := []string{"export", "--model", model, "--lut", lut, "--accuracy", acc, "--front", "3", "--dir", dir}
	r := result(t, args...)
	b, err := bundle.Open(dir, mobilenetv2.Definition())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(b.SubNets); n < 2 || n > 3 || len(r["subnets"].([]any)) != n {
		t.Errorf("%d SubNets, %v", n, r)
	}
	for _, s := range b.SubNets {
		net, err := mobilenetv2.ParseSubNet(s.SubNet)
		if err != nil || s.Memory != net.PeakMemory() || s.MACs != net.MACs() || s.LatencyMS <= 0 {
			t.Errorf("%+v: %v", s, err)
		}
	}
	if code, _, errs := invoke(t.Context(), args...); code != 1 || !strings.Contains(errs, "--force") {
		t.Errorf("an existing bundle: exit code %d, %s", code, errs)
	}
	code, _, errs := invoke(t.Context(), "export", "--model", model, "--front", "3", "--out", "x")
	if code != 2 || !strings.Contains(errs, "--dir") || !strings.Contains(errs, "--lut") || !strings.Contains(errs, "--out does not go") {
		t.Errorf("mistakes: exit code %d, %s", code, errs)
	}
}
