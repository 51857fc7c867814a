package embedded_test

import (
	"bytes"
	"cmp"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// ladder is both ends of a space and random SubNets.
func ladder(t testing.TB, net *supernet.Net, n int) (all []*nn.Graph) {
	t.Helper()
	rng := rand.New(rand.NewPCG(11, 12))
	for k := range n {
		g := space.Random(net.Choices, rng)
		for i := range g {
			switch k {
			case 0:
				g[i] = 0
			case 1:
				g[i] = uint8(len(net.Choices[i].Values) - 1)
			}
		}
		space.Canonical(net.Choices, g)
		graph, err := net.Record(g)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, graph)
	}
	return all
}

func inputOf(g *nn.Graph, batch int, rng *rand.Rand) nn.Tensor {
	s := g.Values[g.Inputs[0]].Shape.Bind(batch)
	data := make([]float32, s.Count())
	for i := range data {
		data[i] = float32(rng.NormFloat64())
	}
	return nn.FromFloat32s(s, data)
}

// otherStatistics draws other means and variances for every normalisation of g.
func otherStatistics(t *testing.T, g *nn.Graph, w nn.Weights, rng *rand.Rand) map[string]nn.Tensor {
	over := map[string]nn.Tensor{}
	for _, n := range g.Nodes {
		if n.Type != "BatchNormalization" {
			continue
		}
		for _, v := range n.In[3:] {
			p := g.Values[v].Param
			full, err := nn.Fetch(w, nn.Param{Name: p.Name, From: p.From, Shape: p.Shape})
			if err != nil {
				t.Fatal(err)
			}
			data := full.Float32s()
			for i := range data {
				data[i] *= 0.8 + 0.4*rng.Float32()
			}
			over[p.Name] = nn.FromFloat32s(p.Shape, data)
		}
	}
	return over
}

// someTransforms are kernel transforms, near the middle, of about half of net's smaller windows.
func someTransforms(t *testing.T, net *supernet.Net, rng *rand.Rand) map[string]nn.Tensor {
	t.Helper()
	windows, err := net.Windows()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]nn.Tensor{}
	for _, p := range windows {
		if rng.IntN(2) == 0 {
			continue
		}
		w, _ := p.Window()
		m := w.Middle().Float32s()
		for i := range m {
			m[i] += 0.05 * float32(rng.NormFloat64())
		}
		out[w.Name] = nn.FromFloat32s(nn.Shape{len(w.Taps), w.All}, m)
	}
	return out
}

// TestShare: SubNets over shared weights, with kernel transforms and without, compute the same bits as sessions of their own, and with
// statistics of their own what those compute up to rounding.
func TestShare(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	for _, net := range families.All() {
		for _, u := range kernel.All() {
			t.Run(net.Package+"/"+u.String(), func(t *testing.T) {
				rng, graphs := rand.New(rand.NewPCG(13, 14)), ladder(t, net, 6)
				w := nn.Overlay(families.Model(t, net), someTransforms(t, net, rng))
				e := embedded.New(embedded.Options{Threads: 2, ISA: u})
				s := e.Share(w)
				var overs []map[string]nn.Tensor
				for k, g := range graphs {
					over := map[string]nn.Tensor{}
					if k >= 3 {
						over = otherStatistics(t, g, w, rng)
					}
					overs = append(overs, over)
					if n, err := s.Add(g, over); err != nil || n != k {
						t.Fatal(n, err)
					}
				}
				worker := s.Worker()
				for k, g := range graphs {
					x := inputOf(g, 2, rng)
					got, err := worker.Run(k, x)
					if err != nil {
						t.Fatal(err)
					}
					own, err := e.Compile(g, nn.Overlay(w, overs[k]))
					if err != nil {
						t.Fatal(err)
					}
					want, err := own.Run(x)
					if err != nil {
						t.Fatal(err)
					}
					if len(overs[k]) == 0 && !bytes.Equal(got[0].Raw, want[0].Raw) {
						t.Errorf("SubNet %d: other bits", k)
					}
					if d := distance(got[0].Float32s(), want[0].Float32s()); d > 1e-5 {
						t.Errorf("SubNet %d: relative error %g", k, d)
					}
				}
			})
		}
	}
}

// shareOf compiles the graphs over shared weights, with one worker a processor, and runs each once.
func shareOf(t testing.TB, net *supernet.Net, graphs []*nn.Graph) []engine.Worker {
	t.Helper()
	s := embedded.New(embedded.Options{Threads: 1}).Share(families.Model(t, net))
	for _, g := range graphs {
		if _, err := s.Add(g, nil); err != nil {
			t.Fatal(err)
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var all []engine.Worker
	for range 2 {
		w := s.Worker()
		for k, g := range graphs {
			if _, err := w.Run(k, inputOf(g, 1, rng)); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, w)
	}
	return all
}

// TestShareMemory: a ladder of SubNets of all resolutions takes little more memory than the SuperNet alone.
func TestShareMemory(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	bounds := map[string]float64{"levit": 1.5, "proxyless": 1.3} // small weights, many operators
	first := families.All()[0]
	shareOf(t, first, ladder(t, first, 1)) // what is made once in a process
	for _, net := range families.All() {
		const n = 6
		graphs := ladder(t, net, n)
		one := allocated(func() any { return shareOf(t, net, graphs[:1]) })
		all := allocated(func() any { return shareOf(t, net, graphs) })
		runtime.KeepAlive(graphs)
		ratio := float64(all) / float64(one)
		t.Logf("memory %s: %d SubNets take %.3f of the SuperNet's %d bytes", net.Package, n, ratio, one)
		if bound := cmp.Or(bounds[net.Package], 1.2); ratio > bound {
			t.Errorf("%s: %d SubNets take %.2f of the SuperNet's memory, want at most %.1f", net.Package, n, ratio, bound)
		}
	}
}

// allocated returns how much of the heap what build returns takes.
func allocated(build func() any) (bytes int64) {
	done := make(chan bool)
	go func() { // on a stack of its own, that nothing of it stays alive
		before := heap()
		v := build()
		bytes = heap() - before
		runtime.KeepAlive(v)
		close(done)
	}()
	<-done
	return bytes
}

func heap() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
