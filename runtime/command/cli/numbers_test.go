package cli_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestWeightsAreNumbers: a model with one weight that is NaN or infinite is refused by all commands that compute with it, by the tensor's name, and
// nothing is written.
func TestWeightsAreNumbers(t *testing.T) {
	needs.Clone(t)
	dir := t.TempDir()
	net := mobilenetv2.Definition()
	g, err := net.Record(make(space.Genes, len(net.Choices)))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	w, err := onnxfile.Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	var p nn.Param
	for _, v := range g.Values {
		if v.Param != nil && len(v.Param.Shape) == 4 {
			p = *v.Param
		}
	}
	whole, err := nn.Fetch(w, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		v := append([]float32(nil), whole.Float32s()...)
		v[len(v)/2] = float32(bad)
		changed, err := onnxfile.Replace(content, g, map[string]nn.Tensor{p.Source(): nn.FromFloat32s(whole.Shape, v)})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "bad.onnx")
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, "out")
		for _, line := range []string{
			"export --no-recalibration --subnet resolution=16 --out " + out, "export --format ncnn --out " + out, "verify --runs 1", "evaluate --images 5 --data " + images,
			"sensitivity --images 5 --data " + images + " --out " + out, "tune --steps 1 --data " + images + " --out " + out, "prove",
		} {
			code, _, errs := invoke(t.Context(), append(strings.Fields(line), "--model", path)...)
			if code != 1 || !strings.Contains(errs, p.Source()) {
				t.Errorf("%g, %s: exit code %d, %s", bad, line, code, errs)
			}
		}
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) > 0 {
		t.Errorf("%v was written, %v", list, err)
	}
}
