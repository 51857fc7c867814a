package conform

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// TestBorrowedStatistics: what a package says of statistics that are not a SubNet's own is what recalibration finds. Both the original and the SubNet
// are recalibrated on the same images; where nothing is borrowed, the kept positions have the same means and variances, and a SubNet that borrows has
// others somewhere.
func TestBorrowedStatistics(t *testing.T) {
	needs.Time(t)
	nets, weights := map[string]*supernet.Net{}, map[string]*onnxfile.Model{}
	for _, p := range smalls() {
		nets[p.name] = p.net
		w, err := onnxfile.Open(modelPath(p.name))
		if err != nil {
			t.Fatal(err)
		}
		weights[p.name] = w
	}
	_, p, w := opened(t, zooModel(t, lateChoice))
	nets["late choice"], weights["late choice"] = definition(t, p), w
	for name, net := range nets {
		original := make(space.Genes, len(net.Choices))
		means := recalibratedMeans(t, net, original, weights[name])
		if names, err := net.Borrowed(original); err != nil || len(names) > 0 {
			t.Errorf("%s: the original borrows %v, %v", name, names, err)
		}
		borrows, list := 0, []space.Genes{}
		for rng := rand.New(rand.NewPCG(12, 12)); len(list) < 8; {
			list = append(list, space.Random(net.Choices, rng))
		}
		if name == "late choice" {
			list = space.Probes(net.Choices)
		}
		for _, g := range list {
			names, err := net.Borrowed(g)
			if err != nil {
				t.Fatal(err)
			}
			if len(names) > 0 {
				borrows++
			}
			differ := 0
			for node, m := range recalibratedMeans(t, net, g, weights[name]) {
				for i, at := range m.kept {
					if full := means[node]; full.values[at] != m.values[i] {
						differ++
						if !slices.Contains(names, node) {
							t.Errorf("%s, %s: node %s has other statistics, %v are named", name, space.Format(net.Choices, g), node, names)
						}
						break
					}
				}
			}
			if (differ > 0) != (len(names) > 0) {
				t.Errorf("%s, %s: %d normalisations have other statistics, %d are named", name, space.Format(net.Choices, g), differ, len(names))
			}
		}
		if none := len(means) == 0; none != (borrows == 0) || name == "late choice" && borrows == len(list) {
			t.Errorf("%s: %d of %d SubNets borrow statistics of %d normalisations", name, borrows, len(list), len(means))
		}
	}
}

// lateChoice is a network with a choice that stands behind its last normalisation.
func lateChoice(z *zoo) {
	x := z.conv(z.image(16), 3, 16, 3, 1, 1)
	x = z.Flatten(z.Pool(x, nn.Pool{Name: "pool", Kind: nn.GlobalAverage}), 1)
	z.Output("logits", z.linear(z.Act(z.linear(x, 16, 64), nn.Relu()), 64, 10))
}

// moments are the recalibrated means of a normalisation, of the positions that a SubNet keeps.
type moments struct {
	kept   []int
	values []float32
}

// recalibratedMeans recalibrates the SubNet of g and returns the means of its normalisations by their nodes.
func recalibratedMeans(t *testing.T, net *supernet.Net, g space.Genes, w nn.Weights) map[string]moments {
	t.Helper()
	graph, err := net.Record(g)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]moments{}
	norms := supernet.Normalisations(graph)
	if len(norms) == 0 {
		return out
	}
	shape := slices.Clone(graph.Values[graph.Inputs[0]].Shape)
	shape[0] = 4
	x := drawn(rand.New(rand.NewPCG(1, uint64(shape.Count()))), shape)
	own, err := embedded.New(embedded.Options{Threads: 1}).Recalibrate(t.Context(), graph, w, func(yield func([]nn.Tensor, error) bool) { yield([]nn.Tensor{x}, nil) }, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range norms {
		p := graph.Values[graph.Nodes[i].In[3]].Param
		m, err := nn.Fetch(own, *p)
		if err != nil {
			t.Fatal(fmt.Errorf("%s: %w", net.Package, err))
		}
		out[graph.Nodes[i].Name] = moments{p.Kept(0), m.Float32s()}
	}
	return out
}
