package autodiff_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

func record(t testing.TB, net *supernet.Net, genes space.Genes) *nn.Graph {
	t.Helper()
	g, err := net.Record(genes)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func noise(rng *rand.Rand, s nn.Shape) nn.Tensor {
	v := make([]float32, s.Count())
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return nn.FromFloat32s(s, v)
}

// TestFamilies compares derivatives of SubNets of all committed packages, along random directions, with central differences.
func TestFamilies(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	trainer := embedded.New(embedded.Options{Threads: 2})
	for _, net := range families.All() {
		w := families.Model(t, net)
		for k, genes := range net.Samples()[:4] {
			rng := rand.New(rand.NewPCG(uint64(k), 2))
			g := record(t, net, genes)
			params := families.Trainables(t, g, w)
			training, err := trainer.Train(g, params)
			if err != nil {
				t.Fatalf("%s: %v", net.Package, err)
			}
			l := &loss{training: training, in: []nn.Tensor{noise(rng, g.Values[g.Inputs[0]].Shape.Bind(8))}}
			l.weigh(t, rng)
			if err := training.Backward(l.weights...); err != nil {
				t.Fatal(err)
			}
			names := slices.Sorted(maps.Keys(params))
			for _, some := range [][]string{names, {names[rng.IntN(len(names))]}, {names[rng.IntN(len(names))]}} {
				got, want, size := along(t, l, params, some, rng) // kinks of activations are why the bounds are wide
				if d := math.Abs(got - want); !(d < 0.06*size+0.1) {
					t.Errorf("%s, SubNet %d, by %s: the derivative is %g, differences say %g (size %g)", net.Package, k, some[0], got, want, size)
				}
			}
			if err := training.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// along returns the derivative along a random direction of some tensors, what differences say, and how large derivatives along single axes are.
func along(t *testing.T, l *loss, params engine.Params, names []string, rng *rand.Rand) (got, want, size float64) {
	t.Helper()
	direction, old := map[string][]float32{}, map[string][]float32{}
	for _, name := range names {
		p := params[name]
		if p.Grad == nil {
			continue
		}
		old[name] = slices.Clone(p.Value)
		norm := 0.0
		for _, v := range p.Value {
			norm += float64(v) * float64(v)
		}
		norm = math.Sqrt(norm/float64(len(p.Value))) + 1e-3
		d := make([]float32, len(p.Value))
		for i := range d {
			d[i] = float32(rng.NormFloat64() * norm)
			got += float64(d[i]) * float64(p.Grad[i])
			size += math.Pow(float64(d[i])*float64(p.Grad[i]), 2)
		}
		direction[name] = d
	}
	const h = 1e-4
	ends := [2]float64{}
	for k, step := range []float32{h, -h} {
		for name, d := range direction {
			for i := range d {
				params[name].Value[i] = old[name][i] + step*d[i]
			}
		}
		ends[k] = l.at(t)
	}
	for name, v := range old {
		copy(params[name].Value, v)
	}
	return got, (ends[0] - ends[1]) / (2 * h), math.Sqrt(size)
}

// TestThreads: derivatives are the same bits whatever the number of threads, and for a second training in the same memory.
func TestThreads(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	for _, net := range families.All() {
		w := families.Model(t, net)
		g := record(t, net, net.Samples()[2])
		var want engine.Params
		for _, threads := range []int{1, 2, 3} {
			trainer := autodiff.New(kernel.Best(), threads)
			for range 2 {
				rng := rand.New(rand.NewPCG(3, 4))
				params := families.Trainables(t, g, w)
				training, err := trainer.Train(g, params)
				if err != nil {
					t.Fatal(err)
				}
				l := &loss{training: training, in: []nn.Tensor{noise(rng, g.Values[g.Inputs[0]].Shape.Bind(5))}}
				l.weigh(t, rng)
				if err := training.Backward(l.weights...); err != nil {
					t.Fatal(err)
				}
				if err := training.Close(); err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = params
				}
				for name, p := range params {
					if !slices.Equal(p.Grad, want[name].Grad) {
						t.Fatalf("%s: derivatives by %s with %d threads differ from those with one", net.Package, name, threads)
					}
				}
			}
		}
	}
}
