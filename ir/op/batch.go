package op

import "github.com/autotailor/autotailor/ir"

// OpenBatch tells whether axis 0 of an input may be an open batch: it is open or 1. A vector has a batch where its extent is open and other inputs
// have the same one in front, such as the ids of a recommender, or where there are vectors only.
func OpenBatch(g *ir.Graph, input ir.ValueID) bool {
	s := g.Values[input].Shape
	if len(s) != 1 {
		return len(s) > 1 && s[0].Size <= 1
	}
	vectors := true
	for _, id := range g.Inputs {
		t := g.Values[id].Shape
		if len(t) > 1 && t[0].Size < 0 && t[0].Sym != "" && t[0].Sym == s[0].Sym {
			return s[0].Size < 0
		}
		vectors = vectors && len(t) <= 1
	}
	return vectors && s[0].Size < 0
}
