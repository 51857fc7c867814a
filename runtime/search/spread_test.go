package search_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/terms"
)

// TestSpreadIsFarthest: every SubNet that is taken is as far from those before it as any other, none is taken twice or was there, and there
// are as many as asked for, or all.
func TestSpreadIsFarthest(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(6, seed))
		cost, list := costs(t, rng)
		there := list[:rng.IntN(3)]
		list = append(list[len(there):], there...)
		n := 1 + rng.IntN(len(list))
		out := search.Spread(cost, there, list, n)
		if want := min(n, len(list)-len(there)); len(out) != want {
			t.Fatalf("seed %d: %d SubNets, want %d", seed, len(out), want)
		}
		taken := slices.Clone(there)
		for _, g := range out {
			for _, h := range list {
				if !contains(taken, h) && distance(cost, taken, h) > distance(cost, taken, g) {
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

// costs are those of up to 9 SubNets, some of them equal.
func costs(t *testing.T, rng *rand.Rand) (*terms.Sum, []space.Genes) {
	n := 3 + rng.IntN(7)
	table := make([]int64, n)
	var list []space.Genes
	for i := range table {
		table[i] = rng.Int64N(20)
		list = append(list, space.Genes{uint8(i)})
	}
	cost, err := terms.New([]uint8{uint8(n)}, 0, []terms.Term{{Deps: []uint8{0}, Table: table}})
	if err != nil {
		t.Fatal(err)
	}
	return cost, list
}

func contains(list []space.Genes, g space.Genes) bool {
	return slices.ContainsFunc(list, func(h space.Genes) bool { return slices.Equal(g, h) })
}

// distance is that to the nearest of a list.
func distance(cost *terms.Sum, list []space.Genes, g space.Genes) int64 {
	d := int64(math.MaxInt64)
	for _, h := range list {
		d = min(d, max(cost.At(g)-cost.At(h), cost.At(h)-cost.At(g)))
	}
	return d
}
