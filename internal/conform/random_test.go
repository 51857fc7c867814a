package conform

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/model"
)

func floatList(name string, list ...float32) *onnxpb.TensorProto {
	return onnx.FromFloat32s([]int{len(list)}, list).Proto(name)
}

// randomPackage takes the model of a seed through init, gen and the proof. What init proposes must generate, and what is generated is right, or says
// what is not proven. The first result says what the proof found.
func randomPackage(dir string, seed uint64) (*gen.Output, error) {
	path := filepath.Join(dir, "model.onnx")
	if err := os.WriteFile(path, randomModel(seed), 0o600); err != nil {
		return nil, err
	}
	text, _, err := gen.Init(path, dir, nil)
	if err != nil {
		return nil, fmt.Errorf("init: %w", err)
	}
	j := gen.Job{Config: filepath.Join(dir, "autotailor.toml"), Name: "random", Prove: gen.ProveQuick}
	if err := os.WriteFile(j.Config, text, 0o600); err != nil {
		return nil, err
	}
	out, err := j.Run()
	if err != nil {
		return nil, fmt.Errorf("gen: %w", err)
	}
	return out, nil
}

// randomModels is how many random models are taken through init, gen and proof.
const randomModels = 120

// TestRandomPackages: random models with all operators of the table, shared weights, several inputs and outputs and fixed and open batches become
// packages that are proven, or that name what is not.
func TestRandomPackages(t *testing.T) {
	needs.Time(t)
	count := map[model.Status]int{}
	frozen, compared, subNets := 0, 0, 0
	for seed := range uint64(randomModels) {
		out, err := randomPackage(t.TempDir(), seed)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
			continue
		}
		count[out.Proof.Status]++
		compared, subNets = compared+out.Proof.Compared, subNets+out.Proof.SubNets
		if out.Config != nil {
			frozen++
			t.Logf("seed %d: %v", seed, out.Notes)
		}
		if out.Proof.Status != model.Proven {
			t.Logf("seed %d: %v", seed, out.Proof)
		}
	}
	t.Logf("%d models: %v, %d with choices that the proof froze; %d of %d SubNets had a reference", randomModels, count, frozen, compared, subNets)
}

// TestRandomPackagesCompile: the Go of some of them is a program.
func TestRandomPackagesCompile(t *testing.T) {
	needs.Time(t)
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	overlay := map[string][]byte{}
	var patterns []string
	for _, seed := range []uint64{1, 18, 42, 65, 100} {
		out, err := randomPackage(t.TempDir(), seed)
		if err != nil {
			t.Fatal(err)
		}
		folder := fmt.Sprintf("random%d", seed)
		patterns = append(patterns, "./generated/"+folder)
		for _, f := range out.Files {
			if filepath.Dir(f.Name) == "." && filepath.Ext(f.Name) == ".go" && !strings.HasSuffix(f.Name, "_test.go") {
				overlay[filepath.Join(root, "generated", folder, f.Name)] = f.Data
			}
		}
	}
	list, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedImports | packages.NeedDeps | packages.NeedFiles, Dir: root, Overlay: overlay}, patterns...)
	if err != nil || len(list) != len(patterns) {
		t.Fatalf("%d packages, %v", len(list), err)
	}
	for _, p := range list {
		for _, e := range p.Errors {
			t.Errorf("%s: %v", p.PkgPath, e)
		}
	}
}

// FuzzPackages is TestRandomPackages for any seed.
func FuzzPackages(f *testing.F) {
	f.Add(uint64(randomModels))
	f.Fuzz(func(t *testing.T, seed uint64) {
		if _, err := randomPackage(t.TempDir(), seed); err != nil {
			t.Errorf("seed %d: %v", seed, err)
		}
	})
}
