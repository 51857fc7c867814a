package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/deploy/ncnn"
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
		{"--format tflite --out x", "formats are ncnn, onnx"},
		{"--format ncnn --batch 4 --out x", "has the batch 1"},
		{"--plain-attention --out x", "--format ncnn"},
		{"--format ncnn --out " + filepath.Join(dir, "none", "x"), "no such file"},
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
