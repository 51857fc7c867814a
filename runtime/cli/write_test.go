package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/ncnn"
)

// TestExportNCNN: both files are written or neither, float16 is half as large, and the .param file tells what it is.
func TestExportNCNN(t *testing.T) {
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
		{"--fp16 --out x", "--format ncnn"},
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
