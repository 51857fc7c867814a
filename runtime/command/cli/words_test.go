package cli

import (
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestGainsAreNoLosses: a modification that counts more right samples is told as more accuracy, and as less of an error.
func TestGainsAreNoLosses(t *testing.T) {
	plain := accuracy.Table{Header: accuracy.Header{Images: 200}, Base: 188}
	lower := accuracy.Table{Header: accuracy.Header{Metric: accuracy.Metric{Name: "absolute error", LowerIsBetter: true}, Worst: 2, Units: accuracy.PartsOfQuality}, Base: 19000}
	for _, c := range []struct {
		table   accuracy.Table
		correct int
		want    string
	}{
		{plain, 189, "  0.50 % more"}, {plain, 188, "  0.00 % less"}, {plain, 156, " 16.00 % less"},
		{lower, 19010, "  0.0010 less"}, {lower, 19000, "  0.0000 less"}, {lower, 18000, "  0.1000 more"},
	} {
		if got := worse(c.table.Metric(), lossOf(&c.table, c.correct)); got != c.want {
			t.Errorf("%d of %d: %q, want %q", c.correct, c.table.Base, got, c.want)
		}
	}
}

// TestDistinctSubNets: random SubNets differ from each other and from those that are named; where there are too few, all are drawn.
func TestDistinctSubNets(t *testing.T) {
	cs := []space.Choice{{Name: "depth", Values: []string{"3", "2", "1"}}, {Name: "expand", Values: []string{"6", "3"}, Live: space.Need{Gene: 0, Below: 2}}}
	largest, smallest := space.Ends(cs)
	for want, n := range []int{0, 1, 2, 3, 9} {
		seen := map[string]bool{string(largest): true, string(smallest): true}
		list := others(cs, []space.Genes{largest, smallest}, n, rand.New(rand.NewPCG(1, 0)))
		for _, g := range list {
			if seen[string(g)] {
				t.Errorf("%d: %v is there twice", n, g)
			}
			seen[string(g)] = true
		}
		if len(list) != min(want, 3) {
			t.Errorf("%d: %d SubNets", n, len(list))
		}
	}
}

// TestNoPicturesWithoutImages: samples may be text or rows of a table; nothing that every task prints calls them images.
func TestNoPicturesWithoutImages(t *testing.T) {
	plain := accuracy.Header{Images: 200}
	other := accuracy.Header{Task: "regression", Metric: accuracy.Metric{Name: "absolute error", LowerIsBetter: true}, Worst: 2, Units: accuracy.PartsOfQuality}
	for got, want := range map[string]string{
		judges(plain, 0.94, 200): "94.00 % of 200 samples correctly classified",
		judges(other, 0.06, 500): "absolute error 0.0600 on 500 samples",
		values(plain):            "accuracies",
		values(other):            "values of absolute error",
		found{}.unit():           "samples",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
