package search_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// dense is a problem whose layers read the concatenation of up to reach layers before: the cost of each depends on all those widths and
// on the resolution, as in DenseNet. No order of elimination keeps its tables small when reach is large.
func dense(t testing.TB, resolutions, layers, widths, reach int, seed uint64) search.Problem {
	b := builder{t: t, rng: rand.New(rand.NewPCG(seed, 7)), in: instance{widths: widths, images: 10000}}
	res := b.choice("resolution", resolutions, space.Need{}, 0.1)
	var made []uint8
	for k := range layers {
		deps := append([]uint8{res}, made[max(0, len(made)-reach):]...)
		made = append(made, b.width(fmt.Sprint("layer", k)))
		b.cost(space.Need{}, 1e6, append(deps, made[k])...)
	}
	return b.problem()
}

// coupled is a problem in which every two of the choices interact.
func coupled(t testing.TB, choices, widths int, seed uint64) search.Problem {
	b := builder{t: t, rng: rand.New(rand.NewPCG(seed, 8)), in: instance{widths: widths, images: 10000}}
	for k := range choices {
		x := b.width(fmt.Sprint("layer", k))
		for y := range x {
			b.cost(space.Need{}, 1e5, y, x)
		}
	}
	return b.problem()
}

// withinGap fails unless at every budget the front is within its gap of want, the true front.
func withinGap(t *testing.T, r search.Result, want [][2]int64) {
	t.Helper()
	if r.Exact && (r.Gap != 0 || fmt.Sprint(values(r)) != fmt.Sprint(want)) {
		t.Fatalf("%v is said to be exact (gap %d), want %v", values(r), r.Gap, want)
	}
	for _, w := range want {
		if w[0] < r.Points[0].Cost {
			continue
		}
		if best, err := r.Best(w[0]); err != nil || best.Penalty > w[1]+r.Gap {
			t.Fatalf("%s: at cost %d penalty %d, want %d within %d (%v)", r.Method, w[0], best.Penalty, w[1], r.Gap, err)
		}
	}
}

// TestDenseFrontsStayWithinTheirGap compares with brute force what Front does on dense problems when it may keep few states.
func TestDenseFrontsStayWithinTheirGap(t *testing.T) {
	inexact := 0
	for seed := range uint64(30) {
		for _, p := range []search.Problem{dense(t, 3, 7, 3, 7, seed), coupled(t, 8, 3, seed)} {
			want := bruteForce(p)
			for _, states := range []int{0, 2000, 200, 20} {
				r, err := search.Front(context.Background(), p, search.Options{States: states})
				if err != nil {
					t.Fatal(err)
				}
				checkFront(t, p, r)
				withinGap(t, r, want)
				if states == 0 && !r.Exact {
					t.Errorf("seed %d: a small problem is not solved exactly", seed)
				}
				if !r.Exact {
					inexact++
				}
			}
		}
	}
	t.Logf("%d of 240 fronts inexact", inexact)
	if inexact < 60 {
		t.Errorf("only %d fronts were inexact: the test does not test", inexact)
	}
}

// TestDenseFrontsEnd: problems without small tables end with a bound.
func TestDenseFrontsEnd(t *testing.T) {
	needs.Time(t)
	for name, p := range map[string]search.Problem{
		"dense": dense(t, 5, 24, 3, 7, 1), "denser": dense(t, 2, 20, 3, 10, 1), "coupled": coupled(t, 60, 3, 1),
	} {
		r, err := search.Front(context.Background(), p, search.Options{States: 1 << 20, Labels: 1 << 20})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		checkFront(t, p, r)
		if !r.Exact && r.Gap <= 0 {
			t.Errorf("%s: an inexact front without a bound: %+v", name, r.Certificate)
		}
		t.Logf("%s (%.2g SubNets): %d points, gap %d of %d images, %v, %d states, %d labels: %s", name, raw(p), len(r.Points), r.Gap, 10000, r.Elapsed, r.States, r.Labels, r.Method)
	}
}

func raw(p search.Problem) float64 {
	n, _ := space.Raw(p.Choices).Float64()
	return n
}
