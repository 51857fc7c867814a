package supernet

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/autotailor/autotailor/runtime/nn"
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

// Tables are what a package records of its SubNets.
type Tables struct {
	Original     *nn.Graph // the largest SubNet, as recorded; it must not be changed
	MACs, Params *space.Sum
	Peak         *Peak
}

const peakMemory = "bytes of activations at their peak"

// Tables prepares what n records.
func (n *Net) Tables() (*Tables, error) {
	var t Tables
	var err error
	if t.MACs, err = n.MACs(); err != nil {
		return nil, err
	}
	if t.Original, err = n.Original(); err != nil {
		return nil, err
	}
	if t.Peak, err = n.peak(t.Original); err != nil {
		return nil, err
	}
	t.Params = t.Peak.Params
	return &t, nil
}

// SubNet compares what is recorded of the SubNet of g with its network. The peak of memory may be less than predicted: where a removed block's
// operand is read later as well, the prediction counts it and the block's result.
func (t *Tables) SubNet(g space.Genes, network *nn.Graph) error {
	c := Count(network)
	for _, x := range []struct {
		what      string
		says, has int64
	}{
		{"multiply-accumulates", t.MACs.At(g), c.MACs},
		{"parameters", t.Params.At(g), c.Params},
		{peakMemory, t.Peak.Activations.At(g), network.PeakBytes()},
	} {
		if x.says != x.has && (x.says < x.has || x.what != peakMemory) {
			return fmt.Errorf("the tables have %d %s, the network %d", x.says, x.what, x.has)
		}
	}
	return nil
}

// Check compares what n says with what its Build does: the choices, the digest, and of every sample that it is a network
// which counts, and needs as much memory, as the tables say.
func (n *Net) Check() error {
	if err := space.Check(n.Choices); err != nil {
		return err
	}
	if got := Digest(n); got != n.Digest {
		return fmt.Errorf("the digest is %s, its tables give %s", n.Digest, got)
	}
	tables, err := n.Tables()
	if err != nil {
		return err
	}
	var errs []error
	for _, g := range n.Samples() {
		graph, err := n.Record(g)
		if err == nil {
			err = tables.SubNet(g, graph)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", space.Format(n.Choices, g), err))
		}
	}
	return errors.Join(errs...)
}
