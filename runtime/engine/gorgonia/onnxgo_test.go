//go:build !riscv64

package gorgonia_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/gorgonia"
	"github.com/autotailor/autotailor/runtime/nn"
)

// runs runs a network on inputs, one after the other.
func runs(t *testing.T, e engine.Engine, g *nn.Graph, w nn.Weights, in ...nn.Tensor) [][]float32 {
	t.Helper()
	s := compile(t, e, g, w)
	var out [][]float32
	for _, x := range in {
		out = append(out, run(t, s, x))
	}
	return out
}

// missing is what onnx-go lacks for each family; "" where it has everything.
var missing = map[string][]string{
	"resnet50": nil, "mobilenetv2": {"Clip", "ignores group"}, "mobilenetv3": {"HardSwish", "HardSigmoid", "ignores group"}, "proxyless": {"Clip", "ignores group"},
	"convnext": {"Gelu", "LayerNormalization", "ignores group"}, "levit": {"HardSwish", "Gather", "Split"}, "vit": {"Gelu", "LayerNormalization"},
}

// TestONNXGo: SubNets of ResNet50 give what the embedded engine gives, with changing batches and inputs in one session; of the other families
// everything that is lacking is named.
func TestONNXGo(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	rng := rand.New(rand.NewPCG(1, 2))
	for _, net := range families.All() {
		w := families.Model(t, net)
		for _, genes := range net.Samples()[:3] {
			g, err := net.Record(genes)
			if err != nil {
				t.Fatal(err)
			}
			if lacks := missing[net.Package]; lacks != nil {
				_, err := (gorgonia.ONNXGo{}).Compile(g, w)
				for _, want := range lacks {
					if err == nil || !strings.Contains(err.Error(), want) {
						t.Errorf("%s: %v, want %q", net.Package, err, want)
					}
				}
				continue
			}
			var in []nn.Tensor
			for _, batch := range []int{1, 3, 1} {
				s := g.Values[g.Inputs[0]].Shape.Bind(batch)
				x := make([]float32, s.Count())
				for i := range x {
					x[i] = float32(rng.NormFloat64())
				}
				in = append(in, nn.FromFloat32s(s, x))
			}
			ours, theirs := runs(t, embedded.New(embedded.Options{}), g, w, in...), runs(t, gorgonia.ONNXGo{}, g, w, in...)
			for k := range ours {
				if d := distance(theirs[k], ours[k]); !(d < 1e-4) {
					t.Errorf("%s, input %d: %g off", net.Package, k, d)
				}
			}
		}
	}
}

// TestInputsOfONNXGo: what does not fit is an error.
func TestInputsOfONNXGo(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		b.Output("y", b.Act(b.Input("x", nn.Float32, nn.Shape{nn.Batch, 4}), nn.Relu()))
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := (gorgonia.ONNXGo{}).Compile(g, nn.MapWeights{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, in := range [][]nn.Tensor{nil, {nn.FromFloat32s(nn.Shape{1, 3}, make([]float32, 3))}, {nn.FromInt64s(nn.Shape{1, 4}, make([]int64, 4))}, {nn.FromFloat32s(nn.Shape{0, 4}, nil)}} {
		if _, err := s.Run(in...); err == nil {
			t.Errorf("%d inputs: no error", len(in))
		}
	}
}
