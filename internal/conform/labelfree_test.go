package conform

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
	"github.com/autotailor/autotailor/runtime/train/tune"
)

// labelFree are models of many kinds: token ids with and without a mask, maps of classes, lists of boxes, sequences, several inputs.
var labelFree = []string{"strangers/text", "strangers/bertmask", "strangers/unet", "cases/yolov8", "strangers/detrx00", "strangers/crnnbatch", "strangers/decoder", "strangers/dlrm"}

// TestLabelFree: every network that the engine runs can be judged by its agreement with the original, and trained for it, without labels or data. The
// quality is the one by hand, sample by sample.
func TestLabelFree(t *testing.T) {
	needs.Time(t)
	for _, name := range labelFree {
		t.Run(name, func(t *testing.T) {
			c, p, w := opened(t, filepath.Join("testdata", filepath.FromSlash(name+".onnx")))
			net := untyped(p, choicesOf(c))
			g, err := net.Original()
			if err != nil {
				t.Fatal(err)
			}
			task := data.Original(data.Agreement)
			const n = 5
			e := sensitivity.Evaluator{Net: net, Engine: embedded.New(embedded.Options{}), Weights: w, Samples: data.NewRandom(g, w, 0, n*max(1, data.FixedBatch(data.InputsOf(g)))), Task: task, Options: sensitivity.Options{Batch: 2}}
			if got, err := e.Count(t.Context(), make(space.Genes, len(net.Choices))); err != nil || got != data.Parts {
				t.Errorf("the original agrees with itself to %d of %d, %v", got, data.Parts, err)
			}
			rng := rand.New(rand.NewPCG(7, 7))
			for range 3 {
				genes := atFullSize(net.Choices, space.Random(net.Choices, rng))
				got, err := e.Count(t.Context(), genes)
				if err != nil {
					t.Fatal(err)
				}
				if want := agreement(t, &e, g, genes); math.Abs(float64(got)-want*data.Parts) > 1 {
					t.Errorf("%s: quality %d, by hand %g", space.Format(net.Choices, genes), got, want*data.Parts)
				}
			}
			o := tune.Defaults()
			o.Steps, o.SubNets, o.Batch, o.Calib, o.Transforms = 2, 2, max(2, data.FixedBatch(data.InputsOf(g))), 0, false
			r := tune.Tuner{Net: net, Engine: e.Engine.(engine.Trainer), Weights: w, Train: e.Samples, Task: task, Options: o, Check: e.Samples}
			out, err := r.Run(t.Context(), "")
			if err != nil && strings.Contains(err.Error(), "cannot be trained") {
				t.Log(err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if last := out.History[len(out.History)-1]; !(last.Loss >= 0) || !(last.Largest >= 0 && last.Largest <= 1) {
				t.Errorf("%+v", last)
			}
		})
	}
}

// untyped is the SuperNet of a package that is not generated.
func untyped(p *view.Package, choices []space.Choice) *supernet.Net {
	return &supernet.Net{Package: "any", Choices: choices, Source: supernet.Source{SHA256: "s"}, Build: func(g []uint8, b nn.Builder) {
		if err := p.Describe(g, b); err != nil {
			panic("internal error: " + err.Error())
		}
	}}
}

// atFullSize is a SubNet at the original's resolution.
func atFullSize(choices []space.Choice, g space.Genes) space.Genes {
	for i, c := range choices {
		if c.Kind == "resolution" {
			g[i] = 0
		}
	}
	return g
}

// agreement is the quality of a SubNet: each sample is run by itself, or in the batch that a network has.
func agreement(t *testing.T, e *sensitivity.Evaluator, original *nn.Graph, genes space.Genes) float64 {
	t.Helper()
	graph, err := e.Net.Record(genes)
	if err != nil {
		t.Fatal(err)
	}
	batch, inputs := max(1, data.FixedBatch(data.InputsOf(original))), data.InputsOf(original)
	once := engine.Once(e.Engine)
	sum, n := 0.0, 0
	for from := 0; from < e.Samples.Len(); from += batch {
		x, err := e.Samples.Inputs(inputs, data.Numbers(from, from+batch))
		if err != nil {
			t.Fatal(err)
		}
		want, err1 := once(original, e.Weights, x)
		got, err2 := once(graph, e.Weights, x)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		q, outputs := 0.0, 0
		for k, v := range graph.Outputs {
			at := slices.IndexFunc(original.Outputs, func(w nn.Value) bool { return original.Values[w].Name == graph.Values[v].Name })
			if !got[k].Type.Fractional() {
				continue
			}
			outputs++
			q += alike(got[k], want[at], batch)
		}
		sum, n = sum+q/float64(outputs)*float64(batch), n+batch
	}
	return sum / float64(n)
}

// alike is the mean quality of the samples of one output, which lie along its first axis.
func alike(got, want nn.Tensor, n int) float64 {
	if fmt.Sprint(got.Shape) != fmt.Sprint(want.Shape) {
		return 0
	}
	y, o := got.Numbers(), want.Numbers()
	each, sum := len(y)/n, 0.0
	for i := range n {
		a, b := y[i*each:(i+1)*each], o[i*each:(i+1)*each]
		if len(got.Shape) == 2 && got.Shape[0] == n && got.Shape[1] > 1 {
			if slices.Index(a, slices.Max(a)) == slices.Index(b, slices.Max(b)) {
				sum++
			}
			continue
		}
		diff, norm := 0.0, 0.0
		for k := range a {
			diff, norm = diff+(a[k]-b[k])*(a[k]-b[k]), norm+b[k]*b[k]
		}
		sum += max(0, 1-math.Sqrt(diff)/math.Sqrt(norm))
	}
	return sum / float64(n)
}
