package search

import (
	"cmp"
	"slices"

	"github.com/autotailor/autotailor/runtime/space"
)

// BeamOptions set up the beam search that starts Genetic's population. Fields that are 0 take the values in
// parentheses.
type BeamOptions struct {
	Samples int     // random completions that score a partial SubNet (10)
	Keep    int     // partial SubNets kept per step (3)
	Depth   int     // choices fixed at most (4)
	Enough  float64 // share of completions within the budget that ends the search (0.8)
}

// maxDoublings bounds how often the beam search doubles its samples when no completion is within the budget.
const maxDoublings = 6

func (o BeamOptions) withDefaults() BeamOptions {
	o.Samples = cmp.Or(o.Samples, 10)
	o.Keep = cmp.Or(o.Keep, 3)
	o.Depth = cmp.Or(o.Depth, 4)
	o.Enough = cmp.Or(o.Enough, 0.8)
	return o
}

// partial is a SubNet of which only some genes are decided.
type partial struct {
	genes []uint8
	score float64 // share of completions within the budget
}

// start returns the first population: completions of the best partial SubNet that are within the budget.
func (b *breeder) start(fastest Point) []Point {
	best, fixed := b.beam(b.walk())
	pool := []Point{fastest}
	for range maxDraws * b.o.Population {
		if len(pool) == b.o.Population {
			break
		}
		if g := b.complete(best.genes, fixed); b.Cost.At(g) <= b.budget {
			pool = append(pool, b.point(g))
		}
	}
	return pool
}

// walk returns the genes in the order in which the beam search fixes them: the net's, the stages', the blocks'.
func (b *breeder) walk() []uint8 {
	rank := map[string]int{"resolution": -3, "width": -2, "depth": -1}
	var order []uint8
	for i, c := range b.Choices {
		if len(c.Values) > 1 {
			order = append(order, uint8(i))
		}
	}
	slices.SortStableFunc(order, func(x, y uint8) int {
		return rank[b.Choices[x].Kind] - rank[b.Choices[y].Kind]
	})
	return order
}

// beam fixes one choice after the other, keeping the partial SubNets whose random completions are most
// often within the budget; it returns the best and the genes that are fixed in it.
func (b *breeder) beam(order []uint8) (partial, []uint8) {
	samples := b.o.Beam.Samples
	for range maxDoublings {
		best, fixed := b.beamWith(order, samples)
		if best.score > 0 {
			return best, fixed
		}
		samples *= 2
	}
	return partial{genes: make([]uint8, len(b.Choices))}, nil
}

func (b *breeder) beamWith(order []uint8, samples int) (partial, []uint8) {
	kept := []partial{{genes: make([]uint8, len(b.Choices))}}
	depth := min(b.o.Beam.Depth, len(order))
	for d, gene := range order[:depth] {
		var next []partial
		for _, k := range kept {
			for v := range b.Choices[gene].Values {
				p := partial{genes: slices.Clone(k.genes)}
				p.genes[gene] = uint8(v)
				p.score = b.score(p.genes, order[:d+1], samples)
				next = append(next, p)
			}
		}
		slices.SortStableFunc(next, func(x, y partial) int { return cmp.Compare(y.score, x.score) })
		kept = next[:min(len(next), b.o.Beam.Keep)]
		if kept[0].score >= b.o.Beam.Enough {
			return kept[0], order[:d+1]
		}
	}
	return kept[0], order[:depth]
}

// score returns the share of samples random completions of g that are within the budget.
func (b *breeder) score(g, fixed []uint8, samples int) float64 {
	within := 0
	for range samples {
		if b.Cost.At(b.complete(g, fixed)) <= b.budget {
			within++
		}
	}
	return float64(within) / float64(samples)
}

// complete returns a canonical random SubNet with g's values of the genes in fixed.
func (b *breeder) complete(g, fixed []uint8) []uint8 {
	out := make([]uint8, len(g))
	for i, c := range b.Choices {
		out[i] = uint8(b.rng.IntN(len(c.Values)))
	}
	for _, f := range fixed {
		out[f] = g[f]
	}
	space.Canonical(b.Choices, out)
	return out
}
