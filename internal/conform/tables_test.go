package conform

import (
	"bytes"
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/resnet50"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// TestTablesCountWhatNetworksCount: on 1,000 random SubNets, sums of the tables are what walking the recorded network counts, and every
// operator of the network is a row of the table.
func TestTablesCountWhatNetworksCount(t *testing.T) {
	needs.Time(t)
	for _, p := range smalls() {
		macs, err := p.net.MACs()
		if err != nil {
			t.Fatal(err)
		}
		params, err := p.net.Params()
		if err != nil {
			t.Fatal(err)
		}
		rows := map[string]bool{}
		for _, o := range p.net.Ops {
			rows[o.Key()] = true
		}
		rng := rand.New(rand.NewPCG(5, 5))
		for k := range 1000 {
			g := space.Random(p.net.Choices, rng)
			graph, err := p.net.Record(g)
			if err != nil {
				t.Fatal(err)
			}
			c := supernet.Count(graph)
			if m, n := macs.At(g), params.At(g); m != c.MACs || n != c.Params {
				t.Fatalf("%s, %s: tables have %d MACs and %d parameters, the network %d and %d", p.name, space.Format(p.net.Choices, g), m, n, c.MACs, c.Params)
			}
			if k < 50 {
				everyOperatorIsARow(t, p, graph, rows)
			}
		}
	}
}

// everyOperatorIsARow describes the network's operators one by one, a normalisation with the convolution before it.
func everyOperatorIsARow(t *testing.T, p small, graph *nn.Graph, rows map[string]bool) {
	t.Helper()
	bound := graph.Bind(1)
	for i := 0; i < len(bound.Nodes); i++ {
		group := []int{i}
		for i+1 < len(bound.Nodes) && belongs(bound, &bound.Nodes[i+1], &bound.Nodes[i]) {
			i++
			group = append(group, i)
		}
		o, err := supernet.OpOf(bound, group)
		if err != nil {
			t.Fatal(err)
		}
		if !rows[o.Key()] {
			t.Errorf("%s: operator %s of node %q is not a row of the table", p.name, o.Key(), bound.Nodes[i].Name)
		}
	}
}

// belongs tells whether a node is one operator with the one before: a normalisation or a bias after a product.
func belongs(g *nn.Graph, n, before *nn.Node) bool {
	if !slices.Contains(n.In, before.Out[0]) {
		return false
	}
	switch n.Type {
	case "BatchNormalization":
		return before.Type == "Conv" || before.Type == "Gemm" || before.Type == "MatMul" || before.Type == "Add"
	case "Add":
		return before.Type == "MatMul" && (g.Values[n.In[0]].Known() || g.Values[n.In[1]].Known())
	}
	return false
}

// latencies is a made-up latency table: MACs and a constant for each kernel.
func latencies(net *supernet.Net) *lut.Table {
	t := lut.New(net, lut.HeaderOf(net))
	for id := range t.Rows {
		d := time.Duration(500 + net.Ops[id].MACs/100)
		t.Rows[id].N, t.Rows[id].Min, t.Rows[id].Median = 30, d, d
	}
	return t
}

// sensitivities is a made-up accuracy table on n images.
func sensitivities(net *supernet.Net, n int) *accuracy.Table {
	rng := rand.New(rand.NewPCG(8, 8))
	t := accuracy.New(net, accuracy.Header{Images: n, Data: "made up", Resize: "none", Engine: "none"})
	t.Base = n * 19 / 20
	for _, list := range t.Correct {
		for v := 1; v < len(list); v++ {
			list[v] = t.Base - rng.IntN(n/50*v)
		}
	}
	return t
}

// typed are the generated predictors over made-up tables.
func typed(t testing.TB) (*mobilenetv2.LUT, *mobilenetv2.Accuracy) {
	t.Helper()
	net := mobilenetv2.Definition()
	var a, b bytes.Buffer
	if err := latencies(net).Write(&a); err != nil {
		t.Fatal(err)
	}
	if err := sensitivities(net, 10_000).Write(&b, net); err != nil {
		t.Fatal(err)
	}
	l, err := mobilenetv2.ReadLUT(&a)
	if err != nil {
		t.Fatal(err)
	}
	s, err := mobilenetv2.ReadAccuracy(&b)
	if err != nil {
		t.Fatal(err)
	}
	return l, s
}

// TestPredictorsDoNotAllocate covers the three typed predictors.
func TestPredictorsDoNotAllocate(t *testing.T) {
	l, a := typed(t)
	s := mobilenetv2.SubNet{Resolution: mobilenetv2.Resolution24, Stage2: mobilenetv2.Stage2{Depth: mobilenetv2.Stage2Depth2}}
	for name, f := range map[string]func(){
		"Latency": func() { _ = l.Latency(s) },
		"MACs":    func() { _ = s.MACs() },
		"Predict": func() { _ = a.Predict(s) },
	} {
		if n := testing.AllocsPerRun(1000, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// TestForeignTablesAreRefused: a table of another package is a *lut.MismatchError or *accuracy.MismatchError.
func TestForeignTablesAreRefused(t *testing.T) {
	other := resnet50.Definition()
	var b bytes.Buffer
	if err := latencies(other).Write(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := mobilenetv2.ReadLUT(&b); err == nil {
		t.Error("a LUT of resnet50 was read")
	}
	b.Reset()
	if err := sensitivities(other, 1000).Write(&b, other); err != nil {
		t.Fatal(err)
	}
	if _, err := mobilenetv2.ReadAccuracy(&b); err == nil {
		t.Error("sensitivities of resnet50 were read")
	}
}

// TestFrontIsExactOnGeneratedPackages: the whole front, certified, and never worse than genetic search at a few budgets.
func TestFrontIsExactOnGeneratedPackages(t *testing.T) {
	needs.Time(t)
	for _, p := range smalls() {
		problem := problemOf(t, p.net)
		r, err := search.Front(context.Background(), problem, search.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Exact || len(r.Points) < 10 {
			t.Errorf("%s: exact %v, %d points", p.name, r.Exact, len(r.Points))
		}
		for k := range 5 {
			budget := r.Points[(len(r.Points)-1)*(k+1)/5].Cost
			best, err := r.Best(budget)
			if err != nil {
				t.Fatal(err)
			}
			g, err := search.Genetic(context.Background(), problem, budget, search.GeneticOptions{Generations: 50, Seed: uint64(k)})
			if err != nil {
				t.Fatal(err)
			}
			if g.Cost <= budget && g.Penalty < best.Penalty {
				t.Errorf("%s: genetic search found a penalty of %d within %d, the front has %d", p.name, g.Penalty, budget, best.Penalty)
			}
		}
	}
}

func problemOf(t testing.TB, net *supernet.Net) search.Problem {
	t.Helper()
	cost, err := latencies(net).Sum(net)
	if err != nil {
		t.Fatal(err)
	}
	penalty, err := sensitivities(net, 10_000).Penalty(net)
	if err != nil {
		t.Fatal(err)
	}
	return search.Problem{Choices: net.Choices, Cost: cost, Penalty: penalty}
}
