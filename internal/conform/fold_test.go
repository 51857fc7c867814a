package conform

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestFoldedExports: with normalisations multiplied in, SubNets compute what they did, in ONNX Runtime and in fewer nodes.
func TestFoldedExports(t *testing.T) {
	needs.Time(t)
	e := runtimeEngine(t)
	for _, p := range smalls() {
		t.Run(p.name, func(t *testing.T) {
			w, err := onnxfile.Open(modelPath(p.name))
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(11, 11))
			worst, before, after := 0.0, 0, 0
			for k := range 6 {
				genes := make(space.Genes, len(p.net.Choices))
				if k > 0 {
					genes = space.Random(p.net.Choices, rng)
				}
				space.Canonical(p.net.Choices, genes)
				text := space.Format(p.net.Choices, genes)
				in := image(1, int(parseSetting(t, text).get("resolution", 32)))
				g, err := p.net.Record(genes)
				if err != nil {
					t.Fatal(err)
				}
				folded, fw, err := nn.FoldBatchNorm(g, w)
				if err != nil {
					t.Fatal(err)
				}
				if n := norms(folded); n != 0 {
					t.Errorf("%s: %d of %d normalisations are left", text, n, norms(g))
				}
				before, after = before+len(g.Nodes), after+len(folded.Nodes)
				d := distance(evaluate(t, e, store(t, p.net.Source.Opset, g, w), in), evaluate(t, e, store(t, p.net.Source.Opset, folded, fw), in))
				if worst = max(worst, d); d > sameAsOriginal {
					t.Errorf("%s: the folded export is %g from the other", text, d)
				}
			}
			if after > before {
				t.Errorf("folding made %d nodes of %d", after, before)
			}
			t.Logf("at most %.2g apart, %d nodes became %d", worst, before, after)
		})
	}
}

func norms(g *nn.Graph) int {
	n := 0
	for _, node := range g.Nodes {
		if node.Type == "BatchNormalization" {
			n++
		}
	}
	return n
}

// store writes a network in a file of the test.
func store(t *testing.T, opset int, g *nn.Graph, w nn.Weights) string {
	t.Helper()
	var model bytes.Buffer
	if err := onnxfile.Write(&model, g, w, onnxfile.WriteOptions{Opset: opset}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "network.onnx")
	if err := os.WriteFile(path, model.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
