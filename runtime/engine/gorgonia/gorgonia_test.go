//go:build !riscv64

package gorgonia_test

import (
	"math"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/gorgonia"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestAgreesWithTheEmbeddedEngine runs SubNets of all families, with two batch sizes each.
func TestAgreesWithTheEmbeddedEngine(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	for _, net := range families.All() {
		w := families.Model(t, net)
		for _, genes := range net.Samples()[:2] {
			g, err := net.Record(genes)
			if err != nil {
				t.Fatal(err)
			}
			a, b := compile(t, gorgonia.New(gorgonia.Options{}), g, w), compile(t, embedded.New(embedded.Options{}), g, w)
			for _, batch := range []int{1, 3} {
				s := g.Values[g.Inputs[0]].Shape.Bind(batch)
				in := make([]float32, s.Count())
				for i := range in {
					in[i] = float32(math.Sin(float64(i)))
				}
				x, y := run(t, a, nn.FromFloat32s(s, in)), run(t, b, nn.FromFloat32s(s, in))
				for k := range y {
					if d := math.Abs(float64(x[k] - y[k])); d > 1e-3 {
						t.Fatalf("%s, batch %d: element %d is %g, the embedded engine has %g", net.Package, batch, k, x[k], y[k])
					}
				}
			}
		}
	}
}

func compile(t *testing.T, e engine.Engine, g *nn.Graph, w nn.Weights) engine.Session {
	t.Helper()
	s, err := e.Compile(g, w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func run(t *testing.T, s engine.Session, in nn.Tensor) []float32 {
	t.Helper()
	out, err := s.Run(in)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(out[0].Float32s())
}
