package search_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestFrontIsNeverWorseThanGenetic runs 1,000 searches of full length when AUTOTAILOR_FULL is set.
func TestFrontIsNeverWorseThanGenetic(t *testing.T) {
	runs, o := 24, search.GeneticOptions{Generations: 40}
	if os.Getenv("AUTOTAILOR_FULL") != "" {
		runs, o = 1000, search.GeneticOptions{}
	}
	rng := rand.New(rand.NewPCG(8, 8))
	worse, missed := 0, int64(0)
	for _, in := range instances[:2] {
		p := in.problem(t, 3)
		r, err := search.Front(context.Background(), p, search.Options{})
		if err != nil || !r.Exact {
			t.Fatal(err, r.Gap)
		}
		checkFront(t, p, r)
		lo, hi := r.Points[0].Cost, r.Points[len(r.Points)-1].Cost
		for i := range runs / 2 {
			budget := lo + rng.Int64N(hi-lo)
			o.Seed = uint64(i)
			g, err := search.Genetic(context.Background(), p, budget, o)
			if err != nil {
				t.Fatal(err)
			}
			best, err := r.Best(budget)
			if err != nil {
				t.Fatal(err)
			}
			if g.Cost > budget || best.Cost > budget || best.Penalty > g.Penalty {
				t.Fatalf("%v, budget %d: front has %v, genetic search %v", in, budget, best, g)
			}
			if g.Penalty > best.Penalty {
				worse++
				missed += g.Penalty - best.Penalty
			}
		}
	}
	t.Logf("genetic search missed the optimum in %d of %d runs, by %.1f images of 10000 on average", worse, runs, float64(missed)/float64(max(worse, 1)))
}

func TestSearchesAreSeededAndTerminate(t *testing.T) {
	p := instances[0].problem(t, 5)
	fastest, err := search.Fastest(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, budget := range []int64{fastest.Cost, fastest.Cost + 1000, fastest.Cost * 2} {
		o := search.GeneticOptions{Generations: 20, Seed: 7}
		a, err := search.Genetic(ctx, p, budget, o)
		b, err2 := search.Genetic(ctx, p, budget, o)
		if err != nil || err2 != nil || fmt.Sprint(a) != fmt.Sprint(b) || a.Cost > budget {
			t.Errorf("budget %d: %v and %v (%v, %v)", budget, a, b, err, err2)
		}
		a, err = search.Random(ctx, p, budget, 500, 7)
		b, err2 = search.Random(ctx, p, budget, 500, 7)
		if err != nil || err2 != nil || fmt.Sprint(a) != fmt.Sprint(b) || a.Cost > budget {
			t.Errorf("random, budget %d: %v and %v (%v, %v)", budget, a, b, err, err2)
		}
	}
}

func TestInfeasibleBudgetNamesTheFastest(t *testing.T) {
	p := instances[0].problem(t, 5)
	ctx := context.Background()
	r, err := search.Front(ctx, p, search.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fastest := r.Points[0]
	budget := fastest.Cost - 1
	_, byFront := r.Best(budget)
	_, byGenetic := search.Genetic(ctx, p, budget, search.GeneticOptions{})
	_, byRandom := search.Random(ctx, p, budget, 10, 1)
	for name, err := range map[string]error{"front": byFront, "genetic": byGenetic, "random": byRandom} {
		var infeasible *search.InfeasibleError
		if !errors.As(err, &infeasible) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		if g, err := space.Parse(p.Choices, infeasible.Text); err != nil || p.Cost.At(g) != fastest.Cost || infeasible.Fastest.Cost != fastest.Cost {
			t.Errorf("%s: names %q of cost %d, want cost %d", name, infeasible.Text, infeasible.Fastest.Cost, fastest.Cost)
		}
	}
}

func TestStoppedSearchesSaySo(t *testing.T) {
	p := instances[0].problem(t, 5)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, err := search.Front(ctx, p, search.Options{})
	if !errors.Is(err, context.Canceled) || r.Exact || r.Gap != -1 {
		t.Errorf("front: %v, exact %v", err, r.Exact)
	}
	if _, err := search.Genetic(ctx, p, 1e9, search.GeneticOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("genetic: %v", err)
	}
}

func TestFrontDoesNotDependOnWorkers(t *testing.T) {
	p := instances[0].problem(t, 6)
	var first string
	for workers := range 4 {
		r, err := search.Front(context.Background(), p, search.Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		r.Elapsed = 0
		if text := fmt.Sprint(r.Points, r.Certificate); first == "" {
			first = text
		} else if text != first {
			t.Errorf("%d workers: another result", workers)
		}
	}
}

func TestProblemsAreChecked(t *testing.T) {
	p := instances[0].problem(t, 5)
	p.Penalty = instances[3].problem(t, 5).Penalty
	if _, err := search.Front(context.Background(), p, search.Options{}); err == nil {
		t.Error("no error for a penalty of another space")
	}
}

func BenchmarkGenetic(b *testing.B) {
	for _, in := range instances {
		p := in.problem(b, 1)
		r, err := search.Front(context.Background(), p, search.Options{})
		if err != nil {
			b.Fatal(err)
		}
		budget := (r.Points[0].Cost + r.Points[len(r.Points)-1].Cost) / 2
		best, err := r.Best(budget)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(in.name, func(b *testing.B) {
			missed := int64(0)
			for i := range b.N {
				g, err := search.Genetic(context.Background(), p, budget, search.GeneticOptions{Seed: uint64(i)})
				if err != nil {
					b.Fatal(err)
				}
				missed += g.Penalty - best.Penalty
			}
			b.ReportMetric(float64(missed)/float64(b.N), "images-missed")
		})
	}
}
