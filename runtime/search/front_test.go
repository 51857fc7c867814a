package search_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// randomProblem returns a small problem with a random interaction graph, conditions and signed penalties.
func randomProblem(t testing.TB, rng *rand.Rand, genes int) search.Problem {
	p := search.Problem{Choices: make([]space.Choice, genes)}
	for i := range p.Choices {
		c := &p.Choices[i]
		c.Name = fmt.Sprint("c", i)
		for v := range 1 + rng.IntN(3) {
			c.Values = append(c.Values, fmt.Sprint(v))
		}
		if j := rng.IntN(genes); j < i && p.Choices[j].Live.Below == 0 && rng.IntN(2) == 0 {
			c.Live = space.Need{Gene: uint8(j), Below: uint8(1 + rng.IntN(2))}
		}
	}
	p.Cost = randomSum(t, rng, p.Choices, 1+rng.IntN(2*genes), 3, 0, 1000)
	p.Penalty = randomSum(t, rng, p.Choices, 1+rng.IntN(2*genes), 2, -10, []int64{3, 40, 1e12}[rng.IntN(3)])
	return p
}

// randomSum returns a sum of n terms over at most deps choices each and their conditions. Values do not
// depend on the choices of removed blocks.
func randomSum(t testing.TB, rng *rand.Rand, cs []space.Choice, n, deps int, lo, hi int64) *space.Sum {
	cards := space.Cards(cs)
	var ts []space.Term
	for range n {
		var term space.Term
		for _, g := range rng.Perm(len(cs))[:rng.IntN(min(len(cs), deps)+1)] {
			for _, d := range []uint8{uint8(g), cs[g].Live.Gene} {
				if (d == uint8(g) || cs[g].Live.Below > 0) && !bytes.Contains(term.Deps, []byte{d}) {
					term.Deps = append(term.Deps, d)
				}
			}
		}
		values := map[string]int64{}
		g := make([]uint8, len(cs))
		eachOf(cards, term.Deps, g, func() {
			canonical := bytes.Clone(g)
			space.Canonical(cs, canonical)
			v, ok := values[string(canonical)]
			if !ok {
				v = lo + rng.Int64N(hi-lo)
				values[string(canonical)] = v
			}
			term.Table = append(term.Table, v)
		})
		ts = append(ts, term)
	}
	s, err := space.NewSum(cards, lo, ts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// eachOf calls f with g running through all values of the genes in deps, the last fastest.
func eachOf(cards, deps []uint8, g []uint8, f func()) {
	if len(deps) == 0 {
		f()
		return
	}
	for v := range cards[deps[0]] {
		g[deps[0]] = v
		eachOf(cards, deps[1:], g, f)
	}
	g[deps[0]] = 0
}

// bruteForce returns the values of the Pareto front by enumeration.
func bruteForce(p search.Problem) [][2]int64 {
	var deps []uint8
	for i := range p.Choices {
		deps = append(deps, uint8(i))
	}
	best := map[int64]int64{} // penalty by cost
	g := make([]uint8, len(p.Choices))
	eachOf(space.Cards(p.Choices), deps, g, func() {
		c, pen := p.Cost.At(g), p.Penalty.At(g)
		if old, ok := best[c]; !ok || pen < old {
			best[c] = pen
		}
	})
	return pareto(best)
}

// checkFront fails unless r is a well-formed front of p.
func checkFront(t *testing.T, p search.Problem, r search.Result) {
	t.Helper()
	for i, point := range r.Points {
		canonical := bytes.Clone(point.Genes)
		space.Canonical(p.Choices, canonical)
		if !bytes.Equal(canonical, point.Genes) {
			t.Fatalf("point %d: genes %v are not canonical", i, point.Genes)
		}
		if c, pen := p.Cost.At(point.Genes), p.Penalty.At(point.Genes); c != point.Cost || pen != point.Penalty {
			t.Fatalf("point %d: says %d, %d but is %d, %d", i, point.Cost, point.Penalty, c, pen)
		}
		if i > 0 && (point.Cost <= r.Points[i-1].Cost || point.Penalty >= r.Points[i-1].Penalty) {
			t.Fatalf("point %d does not improve strictly: %v after %v", i, point, r.Points[i-1])
		}
	}
}

func values(r search.Result) [][2]int64 {
	var out [][2]int64
	for _, p := range r.Points {
		out = append(out, [2]int64{p.Cost, p.Penalty})
	}
	return out
}

func TestFrontEqualsBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 2))
	for i := range 600 {
		p := randomProblem(t, rng, 1+rng.IntN(9))
		want := bruteForce(p)
		r, err := search.Front(context.Background(), p, search.Options{})
		if err != nil {
			t.Fatalf("problem %d: %v", i, err)
		}
		checkFront(t, p, r)
		if got := values(r); !r.Exact || r.Gap != 0 || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("problem %d: front %v (exact %v, gap %d), want %v", i, got, r.Exact, r.Gap, want)
		}
	}
}

func TestFrontStaysWithinItsGapWhenBoundsAreTight(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 2))
	inexact := 0
	for i := range 400 {
		p := randomProblem(t, rng, 7+rng.IntN(3))
		want := bruteForce(p)
		o := search.Options{States: 1 << rng.IntN(8)}
		if i%2 == 0 {
			o = search.Options{Labels: 1 + rng.IntN(100)}
		}
		r, err := search.Front(context.Background(), p, o)
		if err != nil {
			t.Fatalf("problem %d: %v", i, err)
		}
		checkFront(t, p, r)
		if r.Exact {
			if r.Gap != 0 || fmt.Sprint(values(r)) != fmt.Sprint(want) {
				t.Fatalf("problem %d: %v (gap %d) is said to be exact, want %v", i, values(r), r.Gap, want)
			}
			continue
		}
		inexact++
		for _, w := range want {
			if w[0] < r.Points[0].Cost {
				continue
			}
			best, err := r.Best(w[0])
			if err != nil || best.Penalty > w[1]+r.Gap {
				t.Fatalf("problem %d (%s): at cost %d penalty %d, want %d within %d (%v)", i, r.Method, w[0], best.Penalty, w[1], r.Gap, err)
			}
		}
	}
	t.Logf("%d of 400 inexact", inexact)
	if inexact < 40 {
		t.Errorf("only %d fronts were inexact: the test does not test", inexact)
	}
}
