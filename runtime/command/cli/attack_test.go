package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/internal/onnx/attack"
)

// TestBadModels: every command that reads a model ends alike for one that lies, and writes nothing.
func TestBadModels(t *testing.T) {
	base, err := os.ReadFile(model)
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	file := filepath.Join(out, "file")
	for _, m := range attack.Models(t, base) {
		for _, args := range [][]string{
			{"export", "--model", m.Path, "--out", file},
			{"export", "--model", m.Path, "--format", "ncnn", "--out", file},
			{"verify", "--model", m.Path},
			{"profile", "--model", m.Path, "--out", file},
			{"tune", "--model", m.Path, "--data", images, "--out", file},
			{"evaluate", "--model", m.Path, "--data", images},
			{"sensitivity", "--model", m.Path, "--data", images, "--out", file},
		} {
			t.Run(args[0]+" "+m.Name, func(t *testing.T) {
				attack.Refused(t, m, func() (int, string, string) { return invoke(t.Context(), args...) })
			})
		}
	}
	if files, err := filepath.Glob(filepath.Join(out, "*")); err != nil || len(files) > 0 {
		t.Errorf("%v was written, %v", files, err)
	}
}
