package gen

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/internal/onnx/attack"
)

// FuzzInit gives models that were changed to init, and what it proposes to the compiler: a config and a package, or an error. `make chaos` runs
// 10,000.
func FuzzInit(f *testing.F) {
	var models [][]byte
	for _, pattern := range []string{"../internal/conform/testdata/cases/*.onnx", "../internal/conform/testdata/strangers/*.onnx"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range files {
			if info, err := os.Stat(name); err != nil || info.Size() > 1<<16 {
				continue // the same in small is among the others
			}
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			models = append(models, text)
		}
	}
	if len(models) == 0 {
		f.Skip("the models are not part of the module: run this in a clone")
	}
	for i := range 10 {
		f.Add(uint16(3*i), uint64(i))
	}
	dir := f.TempDir()
	model, config := filepath.Join(dir, "model.onnx"), filepath.Join(dir, "autotailor.toml")
	f.Fuzz(func(t *testing.T, which uint16, draw uint64) {
		changed := attack.Mutate(models[int(which)%len(models)], rand.New(rand.NewPCG(uint64(which), draw)))
		if err := os.WriteFile(model, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		text, _, err := Init(model, dir, nil)
		if err != nil {
			return
		}
		if err := os.WriteFile(config, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := (Job{Config: config, Prove: ProveOff}).Compile(); err != nil {
			t.Logf("what init proposed is refused: %v", err)
		}
	})
}
