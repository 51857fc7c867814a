// Package model has the parts that all generated SuperNet packages share: predictors, search and export. They are generic over the SubNet type of a package.
// A generated package has aliases of these types, and functions that call these functions, so its users need not import this package.
//
// This package also has functions that work on genes, without a package's types. Commands use them.
package model

import (
	"fmt"
	"math/rand/v2"
	"sync"

	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// SubNet is the SubNet type of a generated package.
type SubNet interface {
	comparable
	fmt.Stringer
}

// Net is a generated package.
type Net[S SubNet] struct {
	definition *supernet.Net
	subNet     func(space.Genes) S
	genes      func(S) space.Genes
	at         func(S, *space.Sum) int64
	counted    func() counts
}

// counts are the metrics that follow from a package alone. Metrics that are often read have a field of their own.
type counts struct {
	metrics      Metrics
	macs, params *space.Sum
	activations  *space.Max
}

// New returns the package of definition. The function arguments convert genes to a SubNet, a SubNet to genes, and evaluate a sum for a SubNet without allocating.
func New[S SubNet](definition *supernet.Net, subNet func(space.Genes) S, genes func(S) space.Genes, at func(S, *space.Sum) int64) *Net[S] {
	return &Net[S]{definition, subNet, genes, at, sync.OnceValue(func() counts {
		m, err := Counted(definition)
		if err != nil { // the package's own tables, which are tested when it is generated
			panic("internal error: " + err.Error())
		}
		return counts{m, m[MACs].Sum, m[Params].Sum, m[Memory].Max}
	})}
}

// MACs counts the multiply-accumulates of the SubNet of g at batch 1.
func (n *Net[S]) MACs(g space.Genes) int64 { return n.counted().macs.At(g) }

// Params counts the parameters of the SubNet of g. A normalisation that belongs to a convolution counts as the convolution's bias.
func (n *Net[S]) Params(g space.Genes) int64 { return n.counted().params.At(g) }

// PeakMemory predicts the bytes that inference with the SubNet of g at batch 1 needs at its peak. It is exact for SubNets with all blocks, and an upper bound for
// all others.
func (n *Net[S]) PeakMemory(g space.Genes) int64 {
	c := n.counted()
	return floatBytes*c.params.At(g) + c.activations.At(g)
}

// SubNet returns the SubNet of genes.
func (n *Net[S]) SubNet(g space.Genes) S { return n.subNet(g) }

// Genes returns the genes of a SubNet.
func (n *Net[S]) Genes(s S) space.Genes { return n.genes(s) }

// Definition returns the package's untyped description.
func (n *Net[S]) Definition() *supernet.Net { return n.definition }

// Smallest returns the SubNet with the last candidate of every choice.
func (n *Net[S]) Smallest() S {
	_, smallest := space.Ends(n.definition.Choices)
	return n.subNet(smallest)
}

// Random draws each choice's candidate uniformly and independently of the other choices.
func (n *Net[S]) Random(rng *rand.Rand) S { return n.subNet(space.Random(n.definition.Choices, rng)) }
