package supernet

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/autotailor/autotailor/runtime/space"
)

// samples is how many random SubNets are checked beside the ends.
const samples = 20

// Samples returns the original, the smallest SubNet and some random ones, always the same.
func (n *Net) Samples() []space.Genes {
	largest, smallest := space.Ends(n.Choices)
	out := []space.Genes{largest, smallest}
	rng := rand.New(rand.NewPCG(1, 2))
	for range samples {
		out = append(out, space.Random(n.Choices, rng))
	}
	return out
}

// Check compares what n says with what its Build does: the choices, the digest, and of every sample that it is a network
// whose recorded graph counts as the tables do.
func (n *Net) Check() error {
	if err := space.Check(n.Choices); err != nil {
		return err
	}
	if got := Digest(n); got != n.Digest {
		return fmt.Errorf("the digest is %s, its tables give %s", n.Digest, got)
	}
	macs, err := n.MACs()
	if err != nil {
		return err
	}
	params, err := n.Params()
	if err != nil {
		return err
	}
	var errs []error
	for _, g := range n.Samples() {
		graph, err := n.Record(g)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", space.Format(n.Choices, g), err))
			continue
		}
		c := Count(graph)
		if m, p := macs.At(g), params.At(g); m != c.MACs || p != c.Params {
			errs = append(errs, fmt.Errorf("%s: the tables have %d multiply-accumulates and %d parameters, the network %d and %d",
				space.Format(n.Choices, g), m, p, c.MACs, c.Params))
		}
	}
	return errors.Join(errs...)
}
