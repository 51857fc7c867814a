package search_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestSpreadIsFarthest: every SubNet that is taken is as far from those before it as any other, none is taken twice or was there, and there
// are as many as asked for, or all.
func TestSpreadIsFarthest(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(6, seed))
		axes, list := axes(t, rng)
		there := list[:rng.IntN(3)]
		list = append(list[len(there):], there...)
		n := 1 + rng.IntN(len(list))
		out := search.Spread(axes, there, list, n)
		if want := min(n, len(list)-len(there)); len(out) != want {
			t.Fatalf("seed %d: %d SubNets, want %d", seed, len(out), want)
		}
		taken := slices.Clone(there)
		for _, g := range out {
			for _, h := range list {
				if !contains(taken, h) && distance(axes, list, taken, h) > distance(axes, list, taken, g)+1e-9 {
					t.Fatalf("seed %d: %v is taken, %v is farther from %v", seed, g, h, taken)
				}
			}
			if contains(taken, g) {
				t.Fatalf("seed %d: %v is taken twice", seed, g)
			}
			taken = append(taken, g)
		}
	}
}

// axes are one or two quantities of up to 9 SubNets, some of them equal.
func axes(t *testing.T, rng *rand.Rand) (axes []*space.Sum, list []space.Genes) {
	n := 3 + rng.IntN(7)
	for i := range n {
		list = append(list, space.Genes{uint8(i)})
	}
	for range 1 + rng.IntN(2) {
		table := make([]int64, n)
		for i := range table {
			table[i] = rng.Int64N(20)
		}
		axis, err := space.NewSum([]uint8{uint8(n)}, 0, []space.Term{{Deps: []uint8{0}, Table: table}})
		if err != nil {
			t.Fatal(err)
		}
		axes = append(axes, axis)
	}
	return axes, list
}

func contains(list []space.Genes, g space.Genes) bool {
	return slices.ContainsFunc(list, func(h space.Genes) bool { return slices.Equal(g, h) })
}

// distance is that to the nearest of those taken, each axis in extents of all.
func distance(axes []*space.Sum, all, taken []space.Genes, g space.Genes) float64 {
	d := math.Inf(1)
	for _, h := range taken {
		sum := 0.0
		for _, axis := range axes {
			var values []int64
			for _, each := range all {
				values = append(values, axis.At(each))
			}
			sum += math.Abs(float64(axis.At(g)-axis.At(h))) / float64(max(1, slices.Max(values)-slices.Min(values)))
		}
		d = min(d, sum)
	}
	return d
}
