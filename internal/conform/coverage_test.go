package conform

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/internal/needs"
)

// enough is the part of a family's parameters and MACs that has to be elastic under what `init` proposes.
const enough = 0.95

// TestCoverage: of the committed models, and of those in the folder that AUTOTAILOR_MODELS names, nearly everything can vary.
func TestCoverage(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	files, err := filepath.Glob(modelPath("*"))
	if err != nil || len(files) < 7 {
		t.Fatalf("%d models, %v", len(files), err)
	}
	if dir := os.Getenv(Models); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "*.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	for _, f := range files {
		path, err := filepath.Abs(f)
		if err != nil {
			t.Fatal(err)
		}
		text, _, err := gen.Init(path, t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		config := filepath.Join(t.TempDir(), "autotailor.toml")
		write(t, config, string(text))
		c, err := gen.Job{Config: config, Model: path}.Compile()
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Inspect()
		if err != nil {
			t.Fatal(err)
		}
		if r.Coverage.Params < enough || r.Coverage.MACs < enough {
			t.Errorf("%s: %.2f %% of parameters and %.2f %% of MACs are elastic", filepath.Base(f), 100*r.Coverage.Params, 100*r.Coverage.MACs)
		}
	}
}
