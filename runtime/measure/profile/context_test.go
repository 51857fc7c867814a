package profile

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// TestContext: where all kernels take longer in larger networks, the constant that the covering SubNets tell makes the medians of rows fit small
// and large ones; where their times scatter only, and where each operator was seen once, it is zero or nearly so.
func TestContext(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const networks, kernels, choices = 200, 30, 5
	draw := func(slower float64) (c covering, totals []float64) {
		for range networks {
			var list []sighting
			level, total := rng.Float64(), 0.0
			var base [kernels]float64
			for k := range base {
				v := min(int(level*choices+rng.Float64()), choices-1)
				base[k] = 2e4 + 2e4*float64(v)
				total += base[k]
				list = append(list, sighting{id: supernet.ID(k*choices + v)})
			}
			crowded := 1 + slower*(total/(kernels*6e4)-1)
			for k := range list {
				list[k].row = lut.Row{N: 1, Median: time.Duration(base[k] * crowded * (1 + 0.04*rng.NormFloat64()))}
			}
			c.seen, totals = append(c.seen, list), append(totals, total*crowded)
		}
		return c, totals
	}
	still, _ := draw(0)
	if got := still.context(); math.Abs(got) > 2e4 {
		t.Errorf("alike in all networks: a constant of %.0f ns", got)
	}
	c, totals := draw(0.2)
	constant, all := c.context(), elsewhere(c.seen)
	scale, _ := shrunk(all, constant, 1)
	slices.Sort(totals)
	ends := func(scale, constant float64) (small, large float64) {
		for _, n := range all {
			off := (scale*n.sum + constant) / n.took
			switch {
			case n.took < totals[networks/10]:
				small += (off - 1) / (networks / 10)
			case n.took > totals[networks*9/10]:
				large += (off - 1) / (networks / 10)
			}
		}
		return small, large
	}
	small, large := ends(1, 0)
	smallNow, largeNow := ends(scale, constant)
	t.Logf("a constant of %.0f ns: small networks %+.3f, large %+.3f; without it %+.3f and %+.3f", constant, smallNow, largeNow, small, large)
	if small < 0.02 || large > -0.01 || math.Abs(smallNow)+math.Abs(largeNow) > (small-large)/2 {
		t.Error("want the ends to fit twice as well")
	}
	once := covering{seen: [][]sighting{{{1, lut.Row{N: 1, Median: 5}}}, {{2, lut.Row{N: 1, Median: 7}}}}}
	if got := once.context(); got != 0 {
		t.Errorf("each operator seen once: %v", got)
	}
}

// TestMedianBut against sorting what is left.
func TestMedianBut(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 500 {
		list := make([]time.Duration, 2+rng.IntN(9))
		for i := range list {
			list[i] = time.Duration(rng.IntN(8))
		}
		slices.Sort(list)
		i := rng.IntN(len(list))
		if got, want := medianBut(list, list[i]), median(slices.Delete(slices.Clone(list), i, i+1)); got != want {
			t.Fatalf("%v without %v: %v, want %v", list, list[i], got, want)
		}
	}
}
