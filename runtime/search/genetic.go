package search

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/autotailor/autotailor/runtime/space"
)

// GeneticOptions set up Genetic. Fields that are 0 take the values that Once-for-all uses
// (H. Cai et al., 2020): they stand in parentheses.
type GeneticOptions struct {
	Population    int     // SubNets bred per generation (100)
	Generations   int     // (500)
	Mutation      float64 // probability that a gene is drawn anew (0.1)
	MutationShare float64 // share of children that are mutants, the others are crossed (0.5)
	ParentRatio   float64 // share of the population that breeds, and survives (0.25)
	Seed          uint64
	Beam          BeamOptions
}

// maxDraws bounds how often a child is drawn until it is within the budget.
const maxDraws = 100

func (o GeneticOptions) withDefaults() GeneticOptions {
	o.Population = cmp.Or(o.Population, 100)
	o.Generations = cmp.Or(o.Generations, 500)
	o.Mutation = cmp.Or(o.Mutation, 0.1)
	o.MutationShare = cmp.Or(o.MutationShare, 0.5)
	o.ParentRatio = cmp.Or(o.ParentRatio, 0.25)
	o.Beam = o.Beam.withDefaults()
	return o
}

// Fastest returns the SubNet of lowest cost.
func Fastest(ctx context.Context, p Problem) (Point, error) {
	r, err := fastest(ctx, p)
	if err != nil {
		return Point{}, err
	}
	return r.Points[0], nil
}

// fastest returns a front of one point, the SubNet of lowest cost.
func fastest(ctx context.Context, p Problem) (Result, error) {
	if err := p.Check(); err != nil {
		return Result{}, err
	}
	free, err := space.NewSum(p.Cost.Cards(), 0, nil)
	if err != nil {
		return Result{}, err
	}
	r, err := Front(ctx, Problem{Choices: p.Choices, Cost: p.Cost, Penalty: free}, Options{Workers: 1})
	if err == nil {
		r.Points[0] = p.point(r.Points[0].Genes)
	}
	return r, err
}

// breeder draws SubNets within a budget.
type breeder struct {
	Problem
	budget int64
	rng    *rand.Rand
	o      GeneticOptions
}

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x5eed)) }

// Genetic returns the best SubNet within budget that evolution finds from a population started by beam
// search. It is deterministic given the seed. When ctx ends early it returns the best so far and the
// context's error; when no SubNet is within budget, an *InfeasibleError.
func Genetic(ctx context.Context, p Problem, budget int64, o GeneticOptions) (Point, error) {
	fastest, err := feasible(ctx, p, budget)
	if err != nil {
		return Point{}, err
	}
	o = o.withDefaults()
	b := &breeder{p, budget, newRand(o.Seed), o}
	pool := b.start(fastest)
	for generation := range o.Generations {
		slices.SortFunc(pool, Point.fitter)
		if err := ctx.Err(); err != nil {
			return pool[0], fmt.Errorf("genetic search stopped at generation %d of %d: %w", generation, o.Generations, err)
		}
		pool = b.breed(pool)
	}
	return slices.MinFunc(pool, Point.fitter), nil
}

// feasible returns the fastest SubNet of p, or an *InfeasibleError if that is over budget.
func feasible(ctx context.Context, p Problem, budget int64) (Point, error) {
	r, err := fastest(ctx, p)
	if err != nil {
		return Point{}, err
	}
	return r.Best(budget)
}

// fitter orders points by penalty, cost and genes.
func (p Point) fitter(q Point) int {
	return orders(p.Penalty, q.Penalty, p.Cost, q.Cost, p.Genes, q.Genes)
}

// breed returns the fittest of pool, which is sorted, and as many children as the population has.
func (b *breeder) breed(pool []Point) []Point {
	parents := pool[:min(len(pool), max(1, int(b.o.ParentRatio*float64(b.o.Population))))]
	mutants := int(b.o.MutationShare * float64(b.o.Population))
	next := slices.Clone(parents)
	for i := range b.o.Population {
		x, y := parents[b.rng.IntN(len(parents))], parents[b.rng.IntN(len(parents))]
		draw := func(g []uint8) { b.cross(g, y.Genes) }
		if i < mutants {
			draw = b.mutate
		}
		next = append(next, b.child(x, draw))
	}
	return next
}

// child changes copies of parent until one is within the budget; failing that it is the parent.
func (b *breeder) child(parent Point, change func([]uint8)) Point {
	g := make([]uint8, len(parent.Genes))
	for range maxDraws {
		copy(g, parent.Genes)
		change(g)
		space.Canonical(b.Choices, g)
		if b.Cost.At(g) <= b.budget {
			return b.point(g)
		}
	}
	return parent
}

// mutate draws each gene anew with the mutation probability.
func (b *breeder) mutate(g []uint8) {
	for i := range g {
		if b.rng.Float64() < b.o.Mutation {
			g[i] = uint8(b.rng.IntN(len(b.Choices[i].Values)))
		}
	}
}

// cross takes each gene from either parent with equal probability.
func (b *breeder) cross(g, other []uint8) {
	for i := range g {
		if b.rng.IntN(2) == 1 {
			g[i] = other[i]
		}
	}
}

// Random returns the best SubNet within budget out of n drawn at random and the fastest. It is deterministic
// given the seed. When ctx ends early it returns the best so far and the context's error; when no SubNet is
// within budget, an *InfeasibleError.
func Random(ctx context.Context, p Problem, budget int64, n int, seed uint64) (Point, error) {
	best, err := feasible(ctx, p, budget)
	if err != nil {
		return Point{}, err
	}
	rng := newRand(seed)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return best, fmt.Errorf("random search stopped after %d of %d samples: %w", i, n, err)
		}
		q := p.point(space.Random(p.Choices, rng))
		if q.Cost <= budget && q.fitter(best) < 0 {
			best = q
		}
	}
	return best, nil
}
