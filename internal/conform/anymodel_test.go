package conform

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestAnyModel takes every model of the folder that AUTOTAILOR_MODELS names, and the committed ones: `init` proposes a config, the
// largest SubNet is the original, and random SubNets load and run.
func TestAnyModel(t *testing.T) {
	needs.Time(t)
	e := runtimeEngine(t)
	for _, f := range modelFiles(t) {
		t.Run(filepath.Base(f), func(t *testing.T) {
			path, err := filepath.Abs(f)
			if err != nil {
				t.Fatal(err)
			}
			anyModel(t, e, path)
		})
	}
}

// modelFiles are the committed models, and those of the folder that AUTOTAILOR_MODELS names.
func modelFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(modelPath("*"))
	if err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv(Models); dir != "" {
		more, err := filepath.Glob(filepath.Join(dir, "*.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, more...)
	}
	return files
}

// opened is the SuperNet that `init` proposes for a model file, and the file's weights.
func opened(t *testing.T, path string) (*gen.Compiled, *view.Package, *onnxfile.Model) {
	t.Helper()
	c, err := proposed(t, path).Compile()
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.View("any")
	if err != nil {
		t.Fatal(err)
	}
	w, err := onnxfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return c, p, w
}

func anyModel(t *testing.T, e *ort.Engine, path string) {
	c, p, w := opened(t, path)
	for _, w := range c.Net.Warnings {
		t.Log("warning: ", w)
	}
	r, err := c.Inspect()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v SubNets, %.1f %% of parameters and %.1f %% of MACs elastic, %d operators, %.0f ms",
		r.VariantsDistinct, 100*r.Coverage.Params, 100*r.Coverage.MACs, r.UniqueOpsTotal["none"], r.TimingsMS.Total)
	choices := choicesOf(c)
	rng := rand.New(rand.NewPCG(21, 21))
	worst := 0.0
	for k := range anySubNets + 1 {
		genes := make(space.Genes, len(choices))
		if k > 0 {
			genes = space.Random(choices, rng)
		}
		d := oneSubNet(t, e, p, choices, genes, w, path)
		worst = max(worst, d)
		if k == 0 && d > sameAsOriginal {
			t.Errorf("the largest SubNet is %g from the original", d)
		}
		if d > sameAsReference {
			t.Errorf("%s: %g from the slicing reference", space.Format(choices, genes), d)
		}
	}
	t.Logf("%d SubNets are at most %.2g from their references", anySubNets+1, worst)
}

// anySubNets is the number of random SubNets of a model that are compared.
const anySubNets = 30

// oneSubNet exports a SubNet and returns how far its outputs are from the original's, or from the slicing reference's.
func oneSubNet(t *testing.T, e *ort.Engine, p *view.Package, choices []space.Choice, genes space.Genes, w *onnxfile.Model, path string) float64 {
	t.Helper()
	g, in := described(t, p, genes)
	out := filepath.Join(t.TempDir(), "subnet.onnx")
	exportGraph(t, out, g, w)
	got := evaluate(t, e, out, in...)
	if !slices.ContainsFunc(genes, func(g uint8) bool { return g > 0 }) {
		return distance(evaluate(t, e, path, in...), got)
	}
	reference, cut := slicingReference(t, p, choices, genes, w)
	return distance(cut(evaluateParts(t, e, reference, in...)), got)
}

// exportGraph writes a network with the weights of a model.
func exportGraph(t *testing.T, path string, g *nn.Graph, w *onnxfile.Model) {
	t.Helper()
	writeGraph(t, path, g, w, w.Opset)
}

func writeGraph(t *testing.T, path string, g *nn.Graph, w nn.Weights, opset int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := onnxfile.Write(f, g, w, onnxfile.WriteOptions{Opset: opset}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// described records a SubNet, with made-up inputs for it.
func described(t *testing.T, p *view.Package, genes space.Genes) (*nn.Graph, []nn.Tensor) {
	t.Helper()
	tape := nn.NewTape()
	if err := p.Describe(genes, tape); err != nil {
		t.Fatal(err)
	}
	g, err := tape.Graph()
	if err != nil {
		t.Fatal(err)
	}
	return g, nn.Feed{Seed: 3}.Inputs(g.Bind(1))
}
