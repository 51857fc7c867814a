package search

import (
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/terms"
)

// Spread returns n SubNets of a list, or as many others than those in there as it has: one after the other that whose cost is farthest from the
// costs of those in there and of those taken before (farthest-point sampling, Gonzalez 1985). The first one is taken where there are none.
func Spread(cost *terms.Sum, there, list []space.Genes, n int) []space.Genes {
	list = slices.Clone(list)
	costs, far := make([]int64, len(list)), make([]int64, len(list)) // far is the distance to the nearest
	for i, g := range list {
		costs[i], far[i] = cost.At(g), math.MaxInt64
	}
	near := func(g space.Genes) {
		c := cost.At(g)
		for i, h := range list {
			far[i] = min(far[i], max(costs[i]-c, c-costs[i]))
			if slices.Equal(g, h) {
				list[i] = nil
			}
		}
	}
	for _, g := range there {
		near(g)
	}
	var out []space.Genes
	for len(out) < n {
		best := -1
		for i, g := range list {
			if g != nil && (best < 0 || far[i] > far[best]) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		out = append(out, list[best])
		near(list[best])
	}
	return out
}
