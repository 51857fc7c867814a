// Package selftest checks a generated SuperNet package against itself: what its tables say, and what its Build does, must agree.
package selftest

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/runtime/count"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/terms"
)

// samples is how many random SubNets are checked beside the ends.
const samples = 20

// Samples returns the original, the smallest SubNet and some random ones, always the same.
func Samples(net *supernet.Net) []space.Genes { return draw(net, samples) }

func draw(net *supernet.Net, n int) []space.Genes {
	largest, smallest := space.Ends(net.Choices)
	out := []space.Genes{largest, smallest}
	rng := rand.New(rand.NewPCG(1, 2))
	for range n {
		out = append(out, space.Random(net.Choices, rng))
	}
	return out
}

// Run checks net's digest, that every sample is a network, and that the tables count it as its recorded graph does.
func Run(t *testing.T, net *supernet.Net) {
	t.Helper()
	if err := space.Check(net.Choices); err != nil {
		t.Error(err)
	}
	if got := supernet.Digest(net); got != net.Digest {
		t.Errorf("the digest is %s, its tables give %s", net.Digest, got)
	}
	macs, err := net.MACs()
	if err != nil {
		t.Fatal(err)
	}
	params, err := net.Params()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range Samples(net) {
		if err := check(net, g, macs, params); err != nil {
			t.Errorf("%s: %v", space.Format(net.Choices, g), err)
		}
	}
}

// check compares the tables' sums with what the recorded network counts.
func check(net *supernet.Net, g space.Genes, macs, params *terms.Sum) error {
	graph, err := net.Record(g)
	if err != nil {
		return err
	}
	c := count.Of(graph)
	if m, p := macs.At(g), params.At(g); m != c.MACs || p != c.Params {
		return fmt.Errorf("the tables have %d multiply-accumulates and %d parameters, the network %d and %d", m, p, c.MACs, c.Params)
	}
	return nil
}
