package sensitivity

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestHandedValuesAreAllThatTheRestNeeds: networks cut at values that are handed on compute in two parts what they compute whole, and there are
// as many such values as blocks, at least.
func TestHandedValuesAreAllThatTheRestNeeds(t *testing.T) {
	needs.Clone(t)
	blocks := map[string]int{"convnext": 12, "levit": 12, "mobilenetv2": 16, "mobilenetv3": 15, "proxyless": 16, "resnet50": 16, "vit": 6}
	for _, net := range families.All() {
		t.Run(net.Package, func(t *testing.T) {
			w := families.Model(t, net)
			g, err := net.Record(make([]uint8, len(net.Choices)))
			if err != nil {
				t.Fatal(err)
			}
			var cuts []int
			hands := handed(g)
			for n, v := range hands[:len(g.Nodes)] {
				if v != nn.None {
					cuts = append(cuts, n)
				}
			}
			if len(cuts) < blocks[net.Package] {
				t.Fatalf("%d values are handed on alone, there are %d blocks", len(cuts), blocks[net.Package])
			}
			rng := rand.New(rand.NewPCG(1, 1))
			x := make([]float32, 2*g.Values[g.Inputs[0]].Shape[1:].Count())
			for i := range x {
				x[i] = float32(rng.NormFloat64())
			}
			in := nn.FromFloat32s(append(nn.Shape{2}, g.Values[g.Inputs[0]].Shape[1:]...), x)
			want := runs(t, g, w, in)
			for k := range 4 {
				n := cuts[len(cuts)*(2*k+1)/8]
				half := runs(t, g.Part(0, n, g.Inputs[0], hands[n]), w, in)
				got := runs(t, g.Part(n, len(g.Nodes), hands[n], g.Outputs[0]), w, half)
				for i, v := range got.Float32s() {
					if d := math.Abs(float64(v - want.Float32s()[i])); !(d < 1e-3) {
						t.Fatalf("cut after %d of %d nodes, score %d is off by %g", n, len(g.Nodes), i, d)
					}
				}
			}
		})
	}
}

func runs(t *testing.T, g *nn.Graph, w nn.Weights, x nn.Tensor) nn.Tensor {
	t.Helper()
	s, err := embedded.New(embedded.Options{}).Compile(g, w)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Run(x)
	if err != nil {
		t.Fatal(err)
	}
	return clone(out[0])
}
