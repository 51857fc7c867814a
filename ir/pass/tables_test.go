package pass

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/ir"
)

// TestTableOf spreads random tables, and finds smaller ones that are the same when they are spread again and have no equal slices.
func TestTableOf(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 500 {
		var shape, extents []int
		for range 1 + rng.IntN(4) {
			shape = append(shape, 1+rng.IntN(3))
			extents = append(extents, 1+rng.IntN(7))
		}
		a := fill(ir.Int64, shape, func([]int) int64 { return int64(rng.IntN(3)) })[0]
		var picks [][]int
		for k, n := range extents {
			p := make([]int, n)
			for i := range p {
				p[i] = rng.IntN(shape[k])
			}
			picks = append(picks, p)
		}
		whole := spreadBy(a, picks)
		small, found, ok := tableOf(whole)
		if !ok {
			t.Fatalf("%v is not regular", whole)
		}
		if back := spreadBy(small, found); !slices.Equal(back.shape, whole.shape) || !slices.Equal(back.v, whole.v) {
			t.Fatalf("%v becomes %v, spread by %v", whole, small, found)
		}
		for axis := range small.shape {
			if _, which := small.distinct(axis); which != nil {
				t.Fatalf("%v, of %v, has equal slices along axis %d", small, whole, axis)
			}
		}
	}
}

// spreadBy is the reference: the element at a position is that of the table at what the picks say.
func spreadBy(a array, picks [][]int) array {
	shape := slices.Clone(a.shape)
	for k, p := range picks {
		if p != nil {
			shape[k] = len(p)
		}
	}
	return fill(a.kind, shape, func(at []int) int64 {
		from := slices.Clone(at)
		for k, p := range picks {
			if p != nil {
				from[k] = p[at[k]]
			}
		}
		return a.at(from)
	})[0]
}

// TestTablesAreBounded: what is random, or large in all directions, stays computed.
func TestTablesAreBounded(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	random := fill(ir.Int64, []int{9, 9}, func([]int) int64 { return rng.Int64() })[0]
	long := fill(ir.Int64, []int{2 * maxPicks}, func(at []int) int64 { return int64(at[0] % 2) })[0]
	for _, a := range []array{random, long} {
		if _, _, ok := tableOf(a); ok {
			t.Errorf("a table was made of the shape %v", a.shape)
		}
	}
}
