package pass

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// dropEmpty takes constants without elements out of Concats, to which they add nothing: exporters write them where a list of a model is empty.
func dropEmpty(g *ir.Graph) error {
	for _, n := range g.Nodes {
		if n.Op != "Concat" || n.Domain != "" {
			continue
		}
		full := slices.DeleteFunc(slices.Clone(n.In), func(id ir.ValueID) bool {
			c := g.Values[id].Const
			return c != nil && c.NumElements() == 0
		})
		switch {
		case len(full) == 0 || len(full) == len(n.In):
		case len(full) == 1:
			n.Op, n.Attrs, n.In = "Identity", nil, full
		default:
			n.In = full
		}
	}
	return nil
}
