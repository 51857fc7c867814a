package conform

import (
	"context"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// images is how many images the made-up accuracies are counted on.
const images = 10_000

// nanoseconds is a made-up latency of an operator, as of a CPU that does 40 GMAC/s at best: a call, arithmetic at an efficiency of
// its own that the key determines, as off-grid widths have it.
func nanoseconds(o supernet.Op) int64 {
	h := fnv.New32a()
	h.Write([]byte(o.Key()))
	efficiency := 0.6 + 0.4*float64(h.Sum32()%1000)/1000
	return int64(1500 + float64(o.MACs)/(40*efficiency))
}

// lost is a made-up penalty of each candidate: it rises with what is cut, faster towards the end, and at most a few per cent.
func lost(choices []space.Choice) []space.Term {
	rng := rand.New(rand.NewPCG(3, 3))
	share := map[string]float64{"resolution": 0.1, "width_mult": 0.08, "reduce_depth": 0.05}
	var out []space.Term
	for i, c := range choices {
		worst := share[c.Kind]
		if worst == 0 {
			worst = 0.02
		}
		worst *= images * (0.2 + rng.Float64())
		table := make([]int64, len(c.Values))
		for v := range table {
			x := float64(v) / float64(max(1, len(table)-1))
			table[v] = int64(math.Round(worst * x * x * (0.9 + 0.2*rng.Float64())))
		}
		out = append(out, space.Term{Deps: []uint8{uint8(i)}, Live: c.Live, Table: table})
	}
	return out
}

// compiledProblem is the search problem of a SuperNet under the fusion rules called rules, "" for the first, with made-up tables.
func compiledProblem(t testing.TB, c *gen.Compiled) search.Problem {
	t.Helper()
	p, err := c.View("net")
	if err != nil {
		t.Fatal(err)
	}
	net := &supernet.Net{Package: p.Name, Ops: p.Table.Ops}
	for _, x := range p.Choices {
		net.Choices = append(net.Choices, x.Choice)
	}
	for _, r := range p.Table.Rules {
		net.Rules = append(net.Rules, r.Rules)
	}
	cost, err := net.Sum(net.Rules[len(net.Rules)-1].Name, func(id supernet.ID) int64 { return nanoseconds(net.Ops[id]) })
	if err != nil {
		t.Fatal(err)
	}
	penalty, err := space.NewSum(net.Cards(), 0, lost(net.Choices))
	if err != nil {
		t.Fatal(err)
	}
	return search.Problem{Choices: net.Choices, Cost: cost, Penalty: penalty}
}

// frontJobs are the full-size models under the authors' settings and under those that init proposes.
func frontJobs(t testing.TB, dir string) map[string]gen.Job {
	t.Helper()
	out := map[string]gen.Job{}
	for _, row := range table3 {
		name, _, _ := strings.Cut(row.files[0], ".")
		out[name+"/authors"] = gen.Job{Config: filepath.Join("testdata", row.config), Model: filepath.Join(dir, row.files[0]+".onnx")}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name, _, _ := strings.Cut(filepath.Base(f), ".")
		if _, ok := out[name+"/init"]; ok {
			continue
		}
		out[name+"/init"] = proposed(t, f)
	}
	return out
}

// BenchmarkFrontFullSize is the whole exact front of the paper's networks, N = 10,000 images.
func BenchmarkFrontFullSize(b *testing.B) {
	dir := os.Getenv(Models)
	if dir == "" {
		b.Skip("set " + Models + " to the folder of the full-size models to run this benchmark")
	}
	for name, job := range frontJobs(b, dir) {
		b.Run(name, func(b *testing.B) {
			c, err := job.Compile()
			if err != nil {
				b.Fatal(err)
			}
			problem := compiledProblem(b, c)
			var r search.Result
			b.ReportAllocs()
			for b.Loop() {
				if r, err = search.Front(context.Background(), problem, search.Options{}); err != nil {
					b.Fatal(err)
				}
			}
			raw, _ := space.Raw(problem.Choices).Float64()
			b.ReportMetric(raw, "raw")
			b.ReportMetric(float64(len(r.Points)), "points")
			b.ReportMetric(float64(r.States), "states")
			b.ReportMetric(float64(r.Labels), "labels")
			b.ReportMetric(float64(r.Gap), "gap")
			b.Log(r.Method)
		})
	}
}

// proposed is the job of a model under the settings that init proposes.
func proposed(t testing.TB, model string) gen.Job {
	t.Helper()
	model, err := filepath.Abs(model)
	if err != nil {
		t.Fatal(err)
	}
	text, _, err := gen.Init(model, ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "autotailor.toml")
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return gen.Job{Config: config, Model: model}
}

// TestZooFronts: the front of every architecture of the zoo, dense ones too, comes with a certificate; random SubNets keep to it.
func TestZooFronts(t *testing.T) {
	needs.Time(t)
	for name, build := range architectures {
		c, err := proposed(t, zooModel(t, build)).Compile()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p := compiledProblem(t, c)
		r, err := search.Front(context.Background(), p, search.Options{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Logf("%-24s %8v SubNets, %3d points, exact %v, gap %d, %v: %s", name, c.Net.Raw, len(r.Points), r.Exact, r.Gap, r.Elapsed, r.Method)
		rng := rand.New(rand.NewPCG(9, 9))
		for range 1000 {
			g := space.Random(p.Choices, rng)
			cost, penalty := p.Cost.At(g), p.Penalty.At(g)
			if best, err := r.Best(cost); cost >= r.Points[0].Cost && (err != nil || best.Penalty > penalty+r.Gap) {
				t.Fatalf("%s: %s costs %d at penalty %d; the front has %d within %d (%v)", name, space.Format(p.Choices, g), cost, penalty, best.Penalty, r.Gap, err)
			}
		}
	}
}
