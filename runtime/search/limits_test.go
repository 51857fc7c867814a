package search_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// randomLimits draws limits that some SubNets keep and some do not, sums and max-plus ones.
func randomLimits(t *testing.T, rng *rand.Rand, p search.Problem) []search.Limit {
	var out []search.Limit
	for k := range 1 + rng.IntN(3) {
		m := search.Metric{Name: fmt.Sprint("metric ", k), Sum: randomSum(t, rng, p.Choices, 1+rng.IntN(6), 3, 0, 100)}
		if rng.IntN(2) == 0 {
			var err error
			if m.Max, err = space.NewMax(space.Cards(p.Choices), randomSum(t, rng, p.Choices, 1+rng.IntN(8), 3, 0, 300).Terms()); err != nil {
				t.Fatal(err)
			}
			m.Scale = int64(1 + rng.IntN(4))
		}
		g := space.Random(p.Choices, rng)
		out = append(out, search.Limit{Metric: m, Most: m.At(g) - rng.Int64N(20)})
	}
	return out
}

// TestLimitsEqualBruteForce: the front within limits is that of all SubNets that keep them, and where there are none the
// error's SubNet needs the least slack.
func TestLimitsEqualBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	none := 0
	for i := range 300 {
		p := randomProblem(t, rng, 1+rng.IntN(7))
		p.Limits = randomLimits(t, rng, p)
		want, least := bruteForceWithin(p)
		r, err := search.Front(context.Background(), p, search.Options{})
		var e *search.LimitsError
		if errors.As(err, &e) {
			none++
			if len(want) > 0 {
				t.Fatalf("problem %d: %v, but SubNets keep the limits: %v", i, err, want)
			}
			if e.Factor > least*1.001 || e.Tightest.At(e.Nearest.Genes) != e.Value || e.Value <= e.Tightest.Most {
				t.Fatalf("problem %d: %v needs a factor of %v, the best %v", i, err, e.Factor, least)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		checkFront(t, p, r)
		if got := values(r); !r.Exact || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("problem %d: front %v, want %v", i, got, want)
		}
	}
	t.Logf("%d of 300 have no SubNet within the limits", none)
	if none < 10 || none > 250 {
		t.Errorf("%d of 300 have none: the test does not test", none)
	}
}

func bruteForceWithin(p search.Problem) (front [][2]int64, least float64) {
	var deps []uint8
	for i := range p.Choices {
		deps = append(deps, uint8(i))
	}
	best := map[int64]int64{}
	g := make([]uint8, len(p.Choices))
	least = -1
	eachOf(space.Cards(p.Choices), deps, g, func() {
		factor := 0.0
		ok := true
		for _, l := range p.Limits {
			v := l.At(g)
			ok = ok && v <= l.Most
			factor = max(factor, float64(v)/float64(max(l.Most, 1)))
		}
		if least < 0 || factor < least {
			least = factor
		}
		if c, pen := p.Cost.At(g), p.Penalty.At(g); ok {
			if old, seen := best[c]; !seen || pen < old {
				best[c] = pen
			}
		}
	})
	return pareto(best), least
}
