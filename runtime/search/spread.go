package search

import (
	"math"
	"slices"

	"github.com/autotailor/autotailor/internal/farthest"
	"github.com/autotailor/autotailor/runtime/space"
)

// Spread returns n SubNets of a list, or as many others than those in there as it has: one after the other that which is farthest from those in there
// and from those taken before (farthest-point sampling, Gonzalez 1985). The first one is taken where there are none. How far two are from each other is
// the sum of their differences along the axes, each as a share of that axis' extent in the list: with cost and penalty, SubNets lie closer where a front
// is steep.
func Spread(axes []*space.Sum, there, list []space.Genes, n int) []space.Genes {
	all, seen := slices.Clone(there), map[string]bool{}
	taken := make([]int, len(there))
	for k, g := range there {
		taken[k], seen[string(g)] = k, true
	}
	for _, g := range list {
		if !seen[string(g)] {
			all, seen[string(g)] = append(all, g), true
		}
	}
	at := positions(axes, list, all)
	var out []space.Genes
	for _, k := range farthest.Points(len(all), n, taken, func(i, j int) float64 { return apart(at[i], at[j]) }) {
		out = append(out, all[k])
	}
	return out
}

// positions are those of SubNets on the axes, in extents of a list.
func positions(axes []*space.Sum, list, of []space.Genes) [][]float64 {
	out := make([][]float64, len(of))
	for _, axis := range axes {
		low, high := int64(math.MaxInt64), int64(math.MinInt64)
		for _, g := range list {
			low, high = min(low, axis.At(g)), max(high, axis.At(g))
		}
		for k, g := range of {
			out[k] = append(out[k], float64(axis.At(g))/float64(max(high-low, 1)))
		}
	}
	return out
}

func apart(p, q []float64) (sum float64) {
	for i := range p {
		sum += math.Abs(p[i] - q[i])
	}
	return sum
}
