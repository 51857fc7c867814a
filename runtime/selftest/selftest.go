// Package selftest checks a generated SuperNet package against itself: what its tables say, and what its Build does, must agree.
package selftest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/count"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
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

// Run checks the digest of a package, and of every sample that it is a network, that the tables count it as its recorded graph does, and
// that its genes and its text, which parse reads, give the SubNet back.
func Run[S model.SubNet](t *testing.T, net *model.Net[S], parse func(text string) (S, error)) {
	t.Helper()
	definition := net.Definition()
	if err := space.Check(definition.Choices); err != nil {
		t.Error(err)
	}
	if got := supernet.Digest(definition); got != definition.Digest {
		t.Errorf("the digest is %s, its tables give %s", definition.Digest, got)
	}
	for _, g := range Samples(definition) {
		s := net.SubNet(g)
		if err := check(net, s, g); err != nil {
			t.Errorf("%v: %v", s, err)
		}
		if back, err := parse(s.String()); err != nil || back != s {
			t.Errorf("%v: read back as %v, %v", s, back, err)
		}
	}
}

// check compares a SubNet with its canonical genes, and what the tables count with the recorded network.
func check[S model.SubNet](net *model.Net[S], s S, g space.Genes) error {
	if back := net.Genes(s); !slices.Equal(back, g) {
		return fmt.Errorf("its genes are %v, not %v", back, g)
	}
	graph, err := net.Definition().Record(g)
	if err != nil {
		return err
	}
	c := count.Of(graph)
	if m, p := net.MACs(g), net.Params(g); m != c.MACs || p != c.Params {
		return fmt.Errorf("the tables have %d multiply-accumulates and %d parameters, the network %d and %d", m, p, c.MACs, c.Params)
	}
	return nil
}
