package space_test

import (
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/runtime/space"
)

// TestMaxIsTheLargestTerm compares with looking at every term, for random terms over up to seven genes with conditions.
func TestMaxIsTheLargestTerm(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for range 300 {
		cards := make([]uint8, 1+rng.IntN(8))
		for i := range cards {
			cards[i] = uint8(1 + rng.IntN(3))
		}
		var ts []space.Term
		for range rng.IntN(9) {
			var x space.Term
			size := 1
			for _, g := range rng.Perm(len(cards))[:rng.IntN(len(cards)+1)] {
				x.Deps = append(x.Deps, uint8(g))
				size *= int(cards[g])
			}
			if rng.IntN(2) == 0 {
				x.Live = space.Need{Gene: uint8(rng.IntN(len(cards))), Below: uint8(1 + rng.IntN(2))}
			}
			for range size {
				x.Table = append(x.Table, rng.Int64N(100))
			}
			ts = append(ts, x)
		}
		m, err := space.NewMax(cards, ts)
		if err != nil {
			t.Fatal(err)
		}
		g := make([]uint8, len(cards))
		for range 50 {
			for i, c := range cards {
				g[i] = uint8(rng.IntN(int(c)))
			}
			if got, want := m.At(g), largest(cards, ts, g); got != want {
				t.Fatalf("At(%v) = %d, want %d of %v", g, got, want, ts)
			}
		}
		if n := testing.AllocsPerRun(10, func() { m.At(g) }); n > 0 {
			t.Errorf("At allocates %v times", n)
		}
	}
}

func largest(cards []uint8, ts []space.Term, g []uint8) int64 {
	top := int64(0)
	for _, x := range ts {
		k := 0
		for _, d := range x.Deps {
			k = k*int(cards[d]) + int(g[d])
		}
		if x.Live.Below == 0 || g[x.Live.Gene] < x.Live.Below {
			top = max(top, x.Table[k])
		}
	}
	return top
}
