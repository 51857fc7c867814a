package model_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

const images = 1000

// device is a made-up latency table; with energies, if energy says so.
func device(t testing.TB, energy bool) *mobilenetv2.LUT {
	t.Helper()
	net := mobilenetv2.Definition()
	table := lut.New(net, lut.HeaderOf(net))
	for id := range table.Rows {
		r := &table.Rows[id]
		r.N, r.Median = 30, time.Duration(2000+net.Ops[id].MACs/10)
		r.Min = r.Median
		if energy {
			r.Energy = 5_000 + net.Ops[id].MACs/3
		}
	}
	var file bytes.Buffer
	if err := table.Write(&file); err != nil {
		t.Fatal(err)
	}
	l, err := mobilenetv2.ReadLUT(&file)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// sensitivities are made up: a smaller candidate loses more images.
func sensitivities(t testing.TB) *mobilenetv2.Accuracy {
	t.Helper()
	net := mobilenetv2.Definition()
	rng := rand.New(rand.NewPCG(8, 8))
	table := accuracy.New(net, accuracy.Header{Images: images, Data: "made up", Resize: "none", Engine: "none"})
	table.Base = 950
	for _, list := range table.Correct {
		for v := 1; v < len(list); v++ {
			list[v] = table.Base - 3*v - rng.IntN(10)
		}
	}
	var file bytes.Buffer
	if err := table.Write(&file, net); err != nil {
		t.Fatal(err)
	}
	a, err := mobilenetv2.ReadAccuracy(&file)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// some are SubNets to compare with: all with one or two choices changed, and random ones.
func some(t testing.TB) []mobilenetv2.SubNet {
	t.Helper()
	net := mobilenetv2.Definition()
	var genes []space.Genes
	probes := append(space.Probes(net.Choices), make(space.Genes, len(net.Choices)))
	for i, a := range probes {
		for _, b := range probes[i:] {
			g := make(space.Genes, len(a))
			for k := range g {
				g[k] = max(a[k], b[k])
			}
			genes = append(genes, g)
		}
	}
	var out []mobilenetv2.SubNet
	for _, g := range genes {
		s, err := mobilenetv2.ParseSubNet(space.Format(net.Choices, g))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	rng := rand.New(rand.NewPCG(3, 3))
	for range 3000 {
		out = append(out, mobilenetv2.Random(rng))
	}
	return append(out, mobilenetv2.Smallest())
}

// TestPredictionsAreTheTables: what typed predictors say is what the tables' sums say, and what the network counts.
func TestPredictionsAreTheTables(t *testing.T) {
	l, a := device(t, true), sensitivities(t)
	for _, s := range some(t)[:200] {
		g, err := nn.Record(s.Build)
		if err != nil {
			t.Fatal(err)
		}
		c := supernet.Count(g)
		if s.MACs() != c.MACs || s.Params() != c.Params || s.FLOPs() != 2*c.MACs || s.BytesFP32() != 4*c.Params || s.PeakMemory() <= 4*c.Params {
			t.Errorf("%v: %d MACs, %d parameters, %d bytes; the network has %d and %d", s, s.MACs(), s.Params(), s.PeakMemory(), c.MACs, c.Params)
		}
		millijoules, err := l.Energy(s)
		if err != nil || millijoules <= 0 || l.Latency(s) <= 0 || a.Predict(s) <= 0 || a.Predict(s) > 0.95 {
			t.Errorf("%v: %v mJ (%v), %v, accuracy %v", s, millijoules, err, l.Latency(s), a.Predict(s))
		}
	}
	constant, err := l.AtPower(2)
	if err != nil {
		t.Fatal(err)
	}
	s := mobilenetv2.Smallest()
	if got, err := constant.Energy(s); err != nil || math.Abs(got-2*float64(l.Latency(s))/1e6) > 1e-4 {
		t.Errorf("2 W for %v are %v mJ (%v)", l.Latency(s), got, err)
	}
	if m := a.Metric(); m.Name != "accuracy" || m.Unit == "" || m.LowerIsBetter || !m.Better(0.9, 0.8) {
		t.Errorf("the metric is %+v", m)
	}
}

func TestLookUpsDoNotAllocate(t *testing.T) {
	l, a, s := device(t, true), sensitivities(t), mobilenetv2.Smallest()
	for name, f := range map[string]func(){
		"Latency": func() { _ = l.Latency(s) }, "Energy": func() { _, _ = l.Energy(s) }, "Predict": func() { _ = a.Predict(s) },
		"MACs": func() { _ = s.MACs() }, "Params": func() { _ = s.Params() }, "PeakMemory": func() { _ = s.PeakMemory() },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// keeps is an independent reading of Limits.
func keeps(s mobilenetv2.SubNet, q mobilenetv2.Search) bool {
	energy, _ := q.LUT.Energy(s)
	within := func(v, most float64) bool { return most == 0 || v <= most }
	l := q.Limits
	return within(float64(q.LUT.Latency(s)), float64(l.Latency)) && within(energy, l.Energy) && within(float64(s.PeakMemory()), float64(l.Memory)) &&
		within(float64(s.MACs()), float64(l.MACs)) && within(float64(s.Params()), float64(l.Params)) && q.Accuracy.Predict(s) >= l.Quality
}

// TestBestKeepsItsLimits: with random limits, the best SubNet keeps them, and none of many others that do is better; the front has no
// point that does not, and nothing is better than its points for their cost.
func TestBestKeepsItsLimits(t *testing.T) {
	needs.Time(t)
	l, a, others := device(t, true), sensitivities(t), some(t)
	rng := rand.New(rand.NewPCG(5, 5))
	original := mobilenetv2.SubNet{}
	energy, err := l.Energy(original)
	if err != nil {
		t.Fatal(err)
	}
	const rounds = 20
	found := 0
	for k := range rounds {
		var shares [6]float64 // of what the original has; few, as many limits together take long
		for range 1 + k%3 {
			shares[rng.IntN(len(shares))] = 0.5 + rng.Float64()/2
		}
		q := mobilenetv2.Search{LUT: l, Accuracy: a, Limits: mobilenetv2.Limits{
			Latency: time.Duration(shares[0] * float64(l.Latency(original))), Energy: shares[1] * energy, Memory: int64(shares[2] * float64(original.PeakMemory())),
			MACs: int64(shares[3] * float64(original.MACs())), Params: int64(shares[4] * float64(original.Params())), Quality: shares[5] * 0.95,
		}, Against: []model.Quantity{"", model.Latency, model.MACs, model.Energy, model.Params}[k%5]}
		front, err := mobilenetv2.Front(t.Context(), q)
		if err != nil {
			for _, s := range others {
				if keeps(s, q) {
					t.Fatalf("%+v: %v, but %v keeps the limits", q.Limits, err, s)
				}
			}
			continue
		}
		found++
		best, err := mobilenetv2.Best(t.Context(), q)
		if err != nil || best != front.Points[len(front.Points)-1] {
			t.Fatalf("%+v: best %+v is not the front's last point (%v)", q.Limits, best, err)
		}
		for _, p := range front.Points {
			if !keeps(p.SubNet, q) || p.Latency != l.Latency(p.SubNet) || p.Quality.Value != a.Predict(p.SubNet) || p.Quality.Name != "accuracy" {
				t.Errorf("%+v: %+v is on the front", q.Limits, p)
			}
		}
		for _, s := range others {
			if keeps(s, q) && a.Predict(s) > best.Quality.Value {
				t.Errorf("%+v: %v with %v is better than %+v", q.Limits, s, a.Predict(s), best)
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d of %d limits can be kept: they test little", found, rounds)
	}
}

func TestInfeasibleLimitsNameTheNearestSubNet(t *testing.T) {
	l, a := device(t, false), sensitivities(t)
	var infeasible *search.InfeasibleError
	var limits *search.LimitsError
	var quality *model.QualityError
	var unknown *model.UnknownError
	for _, c := range []struct {
		name   string
		limits mobilenetv2.Limits
		as     any
		want   string
	}{
		{"latency", mobilenetv2.Limits{Latency: 1}, &infeasible, "no SubNet takes at most 1ns; the fastest takes "},
		{"memory", mobilenetv2.Limits{Memory: 1000}, &limits, "memory: at most 1000 bytes, but the nearest SubNet has "},
		{"quality", mobilenetv2.Limits{Quality: 0.96}, &quality, "no SubNet within the limits has accuracy 0.9600 (share of images); the best has accuracy 0.9500"},
		{"energy", mobilenetv2.Limits{Energy: 1}, &unknown, "state a constant power"},
		{"negative", mobilenetv2.Limits{Latency: -1, Quality: math.NaN()}, nil, "limit latency: -1 is not a valid limit"},
	} {
		_, err := mobilenetv2.Best(t.Context(), mobilenetv2.Search{LUT: l, Accuracy: a, Limits: c.limits})
		if err == nil || !strings.Contains(err.Error(), c.want) || c.as != nil && !errors.As(err, c.as) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := mobilenetv2.Best(t.Context(), mobilenetv2.Search{Limits: mobilenetv2.Limits{Latency: time.Second}}); !errors.As(err, &unknown) {
		t.Errorf("a limit of latency without a table: %v", err)
	}
	if _, err := mobilenetv2.Best(t.Context(), mobilenetv2.Search{Limits: mobilenetv2.Limits{Quality: 0.5}}); err == nil {
		t.Error("a limit of quality without sensitivities is ignored")
	}
	if _, err := mobilenetv2.Best(t.Context(), mobilenetv2.Search{Against: model.Memory}); err == nil {
		t.Error("peak memory is traded against, which is not a sum")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := mobilenetv2.Front(ctx, mobilenetv2.Search{LUT: l, Accuracy: a}); !errors.Is(err, context.Canceled) {
		t.Errorf("after it was cancelled: %v", err)
	}
}

// TestSearchWithoutTables: the package alone finds the SubNet with the fewest MACs; its quality is unknown.
func TestSearchWithoutTables(t *testing.T) {
	best, err := mobilenetv2.Best(t.Context(), mobilenetv2.Search{})
	if err != nil || best.SubNet.MACs() > mobilenetv2.Smallest().MACs() || best.Quality.String() != "unknown quality" || best.Latency != 0 {
		t.Errorf("%v: %+v", err, best)
	}
}

// TestNeighbours: for any SubNet, the nearest points on both sides, in the front's order.
func TestNeighbours(t *testing.T) {
	l := device(t, false)
	front, err := mobilenetv2.Front(t.Context(), mobilenetv2.Search{LUT: l, Accuracy: sensitivities(t)})
	if err != nil || len(front.Points) < 20 || !front.Certificate.Exact {
		t.Fatalf("%v: %d points, %+v", err, len(front.Points), front.Certificate)
	}
	for i, p := range front.Points {
		cheaper, dearer := front.Neighbours(p.SubNet, 2)
		from, to := max(0, i-2), min(len(front.Points), i+3)
		if !equal(cheaper, front.Points[from:i]) || !equal(dearer, front.Points[i+1:to]) {
			t.Errorf("point %d has the neighbours %v and %v", i, cheaper, dearer)
		}
	}
	for _, s := range some(t)[:300] {
		cheaper, dearer := front.Neighbours(s, 1)
		for _, p := range front.Points {
			if p.Latency < l.Latency(s) && (len(cheaper) == 0 || p.Latency > cheaper[0].Latency) || p.Latency > l.Latency(s) && (len(dearer) == 0 || p.Latency < dearer[0].Latency) {
				t.Fatalf("%v, %v: %v is nearer than %v and %v", s, l.Latency(s), p, cheaper, dearer)
			}
		}
	}
	if cheaper, dearer := front.Neighbours(mobilenetv2.SubNet{}, -1); len(cheaper)+len(dearer) > 0 {
		t.Error("-1 neighbours are some")
	}
}

func equal(a, b []mobilenetv2.Point) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestRandomIsUniform: every value of every choice of blocks that are always there comes up about as often as the others.
func TestRandomIsUniform(t *testing.T) {
	const n = 6000
	rng := rand.New(rand.NewPCG(1, 1))
	counts := map[mobilenetv2.Resolution]int{}
	for range n {
		counts[mobilenetv2.Random(rng).Resolution]++
	}
	values := mobilenetv2.Resolution{}.Values()
	for _, v := range values {
		if expected := float64(n) / float64(len(values)); math.Abs(float64(counts[v])-expected) > 5*math.Sqrt(expected) {
			t.Errorf("resolution %v was drawn %d times of %d, expected about %.0f", v, counts[v], n, expected)
		}
	}
	values[0] = mobilenetv2.Resolution16
	if mobilenetv2.Resolution16.Values()[0] != mobilenetv2.Resolution32 {
		t.Error("a caller can change the list of values")
	}
}

// TestGeneticKnowsOneLimit: it is within its budget and never better than the exact search; other limits are refused.
func TestGeneticKnowsOneLimit(t *testing.T) {
	l, a := device(t, false), sensitivities(t)
	q := mobilenetv2.Search{LUT: l, Accuracy: a, Limits: mobilenetv2.Limits{Latency: l.Latency(mobilenetv2.SubNet{}) / 2}}
	g, err := mobilenetv2.Genetic(t.Context(), q, search.GeneticOptions{Generations: 20})
	if err != nil || g.Latency > q.Limits.Latency {
		t.Fatalf("%v: %+v", err, g)
	}
	if best, err := mobilenetv2.Best(t.Context(), q); err != nil || best.Quality.Value < g.Quality.Value {
		t.Errorf("%v: exact search has %+v, evolution %+v", err, best, g)
	}
	for _, l := range []mobilenetv2.Limits{{}, {Latency: 1, Memory: 1}, {Latency: 1, Quality: 0.5}} {
		q.Limits = l
		if _, err := mobilenetv2.Genetic(t.Context(), q, search.GeneticOptions{}); err == nil || !strings.Contains(err.Error(), "genetic search needs") {
			t.Errorf("%+v: %v", l, err)
		}
	}
}

func BenchmarkLookUps(b *testing.B) {
	l, a, s := device(b, false), sensitivities(b), mobilenetv2.SubNet{Resolution: mobilenetv2.Resolution24, Stage2: mobilenetv2.Stage2{Depth: mobilenetv2.Stage2Depth2}}
	b.Run("Latency", func(b *testing.B) {
		for b.Loop() {
			l.Latency(s)
		}
	})
	b.Run("Predict", func(b *testing.B) {
		for b.Loop() {
			a.Predict(s)
		}
	})
	b.Run("MACs", func(b *testing.B) {
		for b.Loop() {
			s.MACs()
		}
	})
	b.Run("PeakMemory", func(b *testing.B) {
		for b.Loop() {
			s.PeakMemory()
		}
	})
}
