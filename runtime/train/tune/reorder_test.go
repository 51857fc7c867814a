package tune

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// groups are the least numbers of groups in the generated packages: what choices cut, resolution and depth apart.
var groups = map[string]int{"convnext": 8, "levit": 20, "mobilenetv2": 16, "mobilenetv3": 14, "proxyless": 20, "resnet50": 20, "vit": 20}

// scores runs the original with the given weights on random images.
func scores(t *testing.T, g *nn.Graph, w nn.Weights) []float32 {
	t.Helper()
	s, err := embedded.New(embedded.Options{}).Compile(g, w)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	var out []float32
	shape := g.Values[g.Inputs[0]].Shape.Bind(1)
	for range 3 {
		x := make([]float32, shape.Count())
		for i := range x {
			x[i] = float32(rng.NormFloat64())
		}
		y, err := s.Run(nn.FromFloat32s(shape, x))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, y[0].Float32s()...)
	}
	return out
}

// distance is the largest difference over the largest value of a.
func distance(a, b []float32) float64 {
	var diff, most float64
	for i := range a {
		diff, most = max(diff, math.Abs(float64(a[i]-b[i]))), max(most, math.Abs(float64(a[i])))
	}
	return diff / most
}

// TestReorderedIsTheSame: any order of the positions of every group leaves the original's function as it is, in all families, and every
// channel that a choice cuts is in some group.
func TestReorderedIsTheSame(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	for _, net := range families.All() {
		s, err := newStore(net, families.Model(t, net), true)
		if err != nil {
			t.Fatalf("%s: %v", net.Package, err)
		}
		if n := len(net.Groups); n < groups[net.Package] {
			t.Errorf("%s: %d groups, want at least %d", net.Package, n, groups[net.Package])
		}
		want := scores(t, s.graph, s.base)
		if d := distance(want, scores(t, s.graph, s.weights(nil))); d != 0 {
			t.Errorf("%s: weights of the store differ by %g", net.Package, d)
		}
		before := s.clone()
		rng := rand.New(rand.NewPCG(3, 4))
		for k, g := range net.Groups {
			if err := s.check(g); err != nil {
				t.Fatalf("%s: group %d: %v", net.Package, k, err)
			}
			s.reorder(g, rng.Perm(g.Size))
		}
		if d := distance(want, scores(t, s.graph, s.weights(nil))); d > 1e-5 {
			t.Errorf("%s: reordered at random, results differ by %g", net.Package, d)
		}
		moved := 0
		for name, v := range before {
			if distance(v, s.params[name].Value) > 0 {
				moved++
			}
		}
		if moved < len(net.Groups) {
			t.Errorf("%s: only %d tensors have changed", net.Package, moved)
		}
		if err := s.sortChannels(); err != nil {
			t.Fatalf("%s: %v", net.Package, err)
		}
		if d := distance(want, scores(t, s.graph, s.weights(nil))); d > 1e-5 {
			t.Errorf("%s: sorted, results differ by %g", net.Package, d)
		}
		for k, g := range net.Groups {
			imp := s.importance(g)
			for i := range imp[1:] {
				if imp[i+1] > imp[i]*(1+1e-6) {
					t.Errorf("%s: group %d: channel %d is more important than the one before", net.Package, k, i+1)
					break
				}
			}
		}
	}
}

// TestReplacedFile: what is written reads back as what was written, in all families, those included whose model stores equal tensors once.
func TestReplacedFile(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	for _, net := range families.All() {
		data, err := os.ReadFile(families.Path(t, net))
		if err != nil {
			t.Fatal(err)
		}
		s, err := newStore(net, families.Model(t, net), true)
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(5, 6))
		for _, name := range s.names {
			for i := range s.params[name].Value {
				s.params[name].Value[i] *= 1 + 0.1*rng.Float32()
			}
		}
		file, err := onnxfile.Replace(data, s.graph, s.tensors(nil))
		if err != nil {
			t.Fatalf("%s: %v", net.Package, err)
		}
		m, err := onnxfile.Parse(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := distance(scores(t, s.graph, s.weights(nil)), scores(t, s.graph, m)); d != 0 {
			t.Errorf("%s: the file's results differ by %g", net.Package, d)
		}
		if g, err := gen.ParseNetwork(file); err != nil {
			t.Errorf("%s: the file is no network any more: %v", net.Package, err)
		} else if d := distance(scores(t, s.graph, s.weights(nil)), scores(t, g, m)); d > 1e-5 {
			t.Errorf("%s: the file is another network, its results differ by %g", net.Package, d)
		}
	}
}
