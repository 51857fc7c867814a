package conform

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestTunedFiles: a model file with other weights, as tune writes it, computes what the package's network computes with them. Exporters store equal
// tensors once, such as the ones of untrained normalisations; in the new file each use has values of its own.
func TestTunedFiles(t *testing.T) {
	needs.Clone(t)
	needs.Time(t)
	e := runtimeEngine(t)
	for _, folder := range []string{"strangers", "cases"} {
		files, err := filepath.Glob(filepath.Join("testdata", folder, "*.onnx"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, f := range files {
			t.Run(folder+"/"+filepath.Base(f), func(t *testing.T) {
				if filepath.Base(f) == "bntraining.onnx" {
					t.Skip("init refuses it, see TestCases")
				}
				c, p, w := opened(t, f)
				g, in := described(t, p, make(space.Genes, len(choicesOf(c))))
				raw, err := os.ReadFile(f)
				if err != nil {
					t.Fatal(err)
				}
				values := perturbed(t, g, w)
				tuned, err := onnxfile.Replace(raw, g, values)
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(t.TempDir(), "tuned.onnx")
				if err := os.WriteFile(path, tuned, 0o600); err != nil {
					t.Fatal(err)
				}
				own := filepath.Join(t.TempDir(), "own.onnx")
				writeGraph(t, own, g, nn.Overlay(w, values), w.Opset)
				if d := distance(evaluate(t, e, path, in...), evaluate(t, e, own, in...)); !(d < 1e-4) {
					t.Errorf("the file is %g from the network", d)
				}
			})
		}
	}
}

// perturbed are other values of each parameter of float32s, which differ from use to use where a file stores several together.
func perturbed(t *testing.T, g *nn.Graph, w nn.Weights) map[string]nn.Tensor {
	t.Helper()
	out := map[string]nn.Tensor{}
	for _, info := range g.Values {
		if info.Param == nil || info.Type != nn.Float32 || out[info.Param.Name].Shape != nil {
			continue
		}
		x, err := w.Tensor(info.Param.Source())
		if err != nil {
			t.Fatal(err)
		}
		k := float32(len(out)%7+1) / 100
		v := append([]float32{}, x.Float32s()...)
		for i := range v {
			v[i] = v[i]*(1+k) + k/10
		}
		out[info.Param.Name] = nn.FromFloat32s(x.Shape, v)
	}
	return out
}
