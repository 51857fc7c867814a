package supernet

import (
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// Fits tells whether w has all weights of the original, which uses every tensor, in the shapes that they have in the SuperNet.
func (n *Net) Fits(w nn.Weights) error {
	g, err := n.Record(make(space.Genes, len(n.Choices)))
	if err != nil {
		return err
	}
	return nn.Fits(g, w)
}
