package conform

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestPeakMemoryIsTheTrackingAllocators: the prediction, from one recorded network, is what the embedded engine's
// tracking allocator counts when it runs random SubNets, to the byte; and the package's own prediction, which knows
// neither the engine nor the network, is what its rules give for the SubNet itself.
func TestPeakMemoryIsTheTrackingAllocators(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	for _, p := range smalls() {
		original, err := p.net.Original()
		if err != nil {
			t.Fatal(err)
		}
		e := embedded.New(embedded.Options{Threads: 1, Track: true})
		weights, err := onnxfile.Open(fmt.Sprintf("../../generated/models/%s.onnx", p.name))
		if err != nil {
			t.Fatal(err)
		}
		steps, err := e.Steps(original, weights)
		if err != nil {
			t.Fatal(err)
		}
		exact, err := p.net.Activations(original, steps)
		if err != nil {
			t.Fatal(err)
		}
		own, err := p.net.Peak()
		if err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(6, 6))
		largest := 0.0
		for k := range 40 {
			g := space.Random(p.net.Choices, rng)
			if k == 0 {
				clear(g)
			}
			graph, err := p.net.Record(g)
			if err != nil {
				t.Fatal(err)
			}
			peak := trackedPeak(t, e, graph, weights)
			if got := exact.At(g); got != int64(peak) {
				t.Fatalf("%s, %s: predicted %d bytes, the allocator counts %d", p.name, space.Format(p.net.Choices, g), got, peak)
			}
			if got, want := own.Activations.At(g), worst(graph); got != want {
				t.Fatalf("%s, %s: the package predicts %d bytes, its network has %d", p.name, space.Format(p.net.Choices, g), got, want)
			}
			largest = max(largest, float64(own.Activations.At(g))/float64(peak)-1, 1-float64(own.Activations.At(g))/float64(peak))
		}
		t.Logf("%s: 40 SubNets to the byte; the package's own prediction is within %.1f %%", p.name, 100*largest)
	}
}

func trackedPeak(t *testing.T, e *embedded.Engine, g *nn.Graph, w nn.Weights) int {
	t.Helper()
	s, err := e.Compile(g, w)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	shape := g.Values[g.Inputs[0]].Shape.Bind(1)
	if _, err := s.Run(nn.Tensor{Type: nn.Float32, Shape: shape, Raw: make([]byte, 4*shape.Count())}); err != nil {
		t.Fatal(err)
	}
	return s.(embedded.Tracked).PeakBytes()
}

// worst is the peak of the steps of one network, of its own shapes.
func worst(g *nn.Graph) int64 {
	peak, live := 0, 0
	bound := g.Bind(1)
	for _, s := range bound.Steps() {
		for _, v := range s.Made {
			live += 4 * bound.Values[v].Shape.Count()
		}
		peak = max(peak, live)
		for _, v := range s.Freed {
			live -= 4 * bound.Values[v].Shape.Count()
		}
	}
	return int64(peak)
}
