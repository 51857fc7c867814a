package profile

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/internal/fusion"
	"github.com/autotailor/autotailor/runtime/lut"
)

// TestFit: a line through networks is found although one is far off; where it is uncertain the constant is about what is expected, and where the two
// make no sense there is a scale alone.
func TestFit(t *testing.T) {
	var all []calibrated
	for i := range 10 {
		n := calibrated{sum: 1e6 * float64(2+i)}
		n.took = 1.1*n.sum - 2e5
		all = append(all, n)
	}
	all[4].took *= 1.4
	if scale, constant := fit(all, 0, 1e6); math.Abs(scale-1.1) > 1e-9 || math.Abs(constant+2e5) > 1e-3 {
		t.Errorf("scale %v, constant %v", scale, constant)
	}
	if scale, constant := fit(all, 0, 2e5); scale > 1.1 || constant != 0 {
		t.Errorf("where one network would take no time: scale %v, constant %v", scale, constant)
	}
	var alike []calibrated // of which least squares alone tell a constant of -0.5 ms
	for i := range 10 {
		n := calibrated{sum: 5e6 * (1 + 0.01*float64(i))}
		n.took = n.sum * (1 + 0.03*float64(i%2))
		alike = append(alike, n)
	}
	if scale, constant := plane(alike, 0, 0); math.Abs(constant) < 4e5 {
		t.Errorf("alike, least squares: scale %v, constant %v", scale, constant)
	}
	if scale, constant := fit(alike, 0, 5e6); math.Abs(scale-1.015) > 0.02 || math.Abs(constant) > 1e4 {
		t.Errorf("alike: scale %v, constant %v", scale, constant)
	}
	if _, constant := fit(alike, -1e5, 5e6); math.Abs(constant+1e5) > 1e4 {
		t.Errorf("alike, -0.1 ms expected: constant %v", constant)
	}
	same := []calibrated{{2e6, 3e6}, {2e6, 3e6}, {2e6, 3e6}}
	if scale, constant := fit(same, 0, 2e6); math.Abs(scale-1.5) > 1e-9 || constant != 0 {
		t.Errorf("of one size: scale %v, constant %v", scale, constant)
	}
}

// TestAgree on numbers that can be counted by hand.
func TestAgree(t *testing.T) {
	measured := []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for _, c := range []struct {
		predicted []float64
		want      Agreement
	}{
		{[]float64{1.2, 2.08, 3, 4, 5, 6, 7, 8, 9, 9.3}, Agreement{N: 10, Within10: 0.9, Within5: 0.8, Tau: 1, Small10: 0, Large10: 1, Worst: 0.2}},
		{[]float64{1.04, 2.3, 3, 4, 5, 6, 7, 8, 9, 9.3}, Agreement{N: 10, Within10: 0.9, Within5: 0.8, Tau: 1, Small10: 1, Large10: 1, Small5: 1, Worst: 0.15}},
		{[]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 9.8}, Agreement{N: 10, Within10: 1, Within5: 1, Tau: 1, Small10: 1, Large10: 1, Small5: 1, Large5: 1, Worst: 0.02}},
	} {
		a := Agree(c.predicted, measured)
		a.Worst = math.Round(a.Worst*1e9) / 1e9
		if a != c.want {
			t.Errorf("%+v, want %+v", a, c.want)
		}
	}
	if tau := kendall([]float64{1, 2, 3}, []float64{3, 2, 1}); tau != -1 {
		t.Errorf("reversed: tau %v", tau)
	}
	if tau := kendall([]float64{1, 1, 2}, []float64{1, 2, 3}); math.Abs(tau-2/math.Sqrt(6)) > 1e-12 {
		t.Errorf("with a tie: tau %v", tau)
	}
}

// TestMerge: an operator that most places elide is elided, changes of layout count when most places have them.
func TestMerge(t *testing.T) {
	ran := func(d time.Duration) lut.Row { return lut.Row{N: 10, Min: d - 1, Median: d, Spread: 2} }
	bound := ran(40)
	bound.Layout = lut.Layout{N: 10, Min: 3, Median: 4, Spread: 1}
	gone := lut.Row{N: 10, Elided: true}
	for _, c := range []struct {
		rows []lut.Row
		want lut.Row
	}{
		{[]lut.Row{ran(10), ran(30), ran(20)}, lut.Row{N: 30, Min: 9, Median: 20, Spread: 2}},
		{[]lut.Row{gone, gone, ran(20)}, lut.Row{N: 30, Elided: true}},
		{[]lut.Row{gone, ran(20), ran(20)}, lut.Row{N: 20, Min: 19, Median: 20, Spread: 2}},
		{[]lut.Row{bound, bound, ran(40)}, lut.Row{N: 30, Min: 39, Median: 40, Spread: 2, Layout: lut.Layout{N: 20, Min: 3, Median: 4, Spread: 1}}},
		{[]lut.Row{bound, ran(40)}, lut.Row{N: 20, Min: 39, Median: 40, Spread: 2}},
		{nil, lut.Row{Failed: "no SubNet has it"}},
	} {
		if got := merge(c.rows); got != c.want {
			t.Errorf("%+v gives %+v, want %+v", c.rows, got, c.want)
		}
	}
}

// FuzzParseSighting: what is read is written the same again.
func FuzzParseSighting(f *testing.F) {
	for _, text := range []string{"3:12:100:110:5", "3:12:100:110:5:7:8:1", "0:12:0:0:0", "9:1:1:1:1", "x", "1:2:3", "-1:1:1:1:1", "1:1:1:1:1:1:1:1:1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSighting(text, 10)
		if err != nil {
			return
		}
		again, err := parseSighting(s.String(), 10)
		if err != nil || again != s {
			t.Errorf("%q is %+v, then %+v, %v", text, s, again, err)
		}
	})
}

// TestOneKernel: which sequences that a runtime joined its rules join too.
func TestOneKernel(t *testing.T) {
	rules, err := fusion.Named("onnxruntime")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"Conv BatchNormalization Relu": true, "Conv Add Relu": true, "Conv BatchNormalization Add": true, "MatMul Add": true, "MatMul Add Reshape BatchNormalization": true,
		"Transpose MatMul": true, "MatMul Mul": true, "Mul Transpose MatMul": true, "Add LayerNormalization": true, "Reshape Transpose": true,
		"Conv Gelu": false, "Softmax MatMul": false, "Conv Relu Relu": false,
	} {
		if got := oneKernel(rules, strings.Fields(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// TestSurplus: what a clock adds to each kernel is found from what the network takes without it, also where that would leave less than nothing
// of the shortest kernels; where the kernels take less than the network, nothing is.
func TestSurplus(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const clock, runs = 3 * time.Microsecond, 7
	rates := slices.Repeat([]float64{1}, runs)
	var all []*taken
	whole := time.Duration(0)
	for range 100 {
		x := &taken{}
		for range 1 + rng.IntN(3) {
			took := shortest + time.Duration(rng.ExpFloat64()*5e3)
			x.add(slices.Repeat([]time.Duration{took + clock}, runs))
			whole += took
		}
		all = append(all, x)
	}
	if got := surplus(all, rates, whole); (got - clock).Abs() > 2 {
		t.Errorf("%v, want %v", got, clock)
	}
	if got := surplus(all, rates, 2*whole); got != 0 {
		t.Errorf("%v of a network that takes longer than its kernels", got)
	}
	sum := time.Duration(0)
	for _, x := range all {
		sum += x.row(rates, surplus(all, rates, whole/20)).Median
	}
	if sum > whole/20 && sum > 100*shortest {
		t.Errorf("%v is left of %v", sum, whole/20)
	}
}
