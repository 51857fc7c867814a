package embedded_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
)

// inception has branches, a product of activations and two outputs, one of which is an input.
func inception(t *testing.T) *nn.Graph {
	t.Helper()
	g, err := nn.Record(func(b nn.Builder) {
		p := func(name string, s ...int) nn.Param { return nn.Param{Name: name, Shape: s} }
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 10, 10})
		c := func(name string, x nn.Value, in, k int) nn.Value {
			y := b.Conv(x, nn.Conv{Name: name, Weight: p(name+".w", 24, in, k, k), Kernel: []int{k, k}, Pads: []int{k / 2, k / 2, k / 2, k / 2}})
			return b.Act(b.BatchNorm(y, norm(name+".n", 24)), nn.HardSwish())
		}
		y := b.Concat(1, c("a", x, 3, 1), c("b", x, 3, 3), c("c", c("d", x, 3, 5), 24, 3))
		y = b.Reshape(y, nn.Shape{nn.Batch, 72, 100})
		b.Output("y", b.Softmax(b.MatMul(y, b.Transpose(y, 0, 2, 1)), -1))
		b.Output("same", x)
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// statistics makes the variances among weights positive.
func statistics(w nn.MapWeights) nn.MapWeights {
	for name, v := range w {
		if strings.HasSuffix(name, ".v") {
			list := v.Float32s()
			for i, e := range list {
				list[i] = e*e + 0.1
			}
			w[name] = nn.FromFloat32s(v.Shape, list)
		}
	}
	return w
}

func newSession(t *testing.T, e engine.Engine, g *nn.Graph, w nn.Weights) engine.Session {
	t.Helper()
	s, err := e.Compile(g, w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestSessionsAreIndependent: sessions of one engine run at the same time, on batches of changing sizes.
func TestSessionsAreIndependent(t *testing.T) {
	g := inception(t)
	rng := rand.New(rand.NewPCG(4, 4))
	w := statistics(weights(rng, g))
	e := embedded.New(embedded.Options{Threads: 2})
	sizes := []int{5, 1, 9, 2}
	in, want := make([]nn.Tensor, len(sizes)), make([][][]float32, len(sizes))
	for i, n := range sizes {
		in[i] = random(rng, nn.Shape{n, 3, 10, 10})
		want[i] = runOn(t, e, g, w, in[i:i+1], n)
	}
	var wait sync.WaitGroup
	for k := range 4 {
		s := newSession(t, e, g, w)
		wait.Go(func() {
			for i := range 3 * len(sizes) {
				i = (i + k) % len(sizes)
				out, err := s.Run(in[i])
				if err != nil {
					t.Error(err)
					return
				}
				for j, v := range out {
					if !sameBits(v.Float32s(), want[i][j]) {
						t.Errorf("session %d, batch of %d: output %d differs", k, sizes[i], j)
					}
				}
			}
		})
	}
	wait.Wait()
}

// TestResultsLastUntilTheNextRun: they are neither the caller's input nor memory of another session.
func TestResultsLastUntilTheNextRun(t *testing.T) {
	g := inception(t)
	rng := rand.New(rand.NewPCG(5, 5))
	w := statistics(weights(rng, g))
	e := embedded.New(embedded.Options{Threads: 2})
	s, other := newSession(t, e, g, w), newSession(t, e, g, w)
	in := random(rng, nn.Shape{2, 3, 10, 10})
	out, err := s.Run(in)
	if err != nil {
		t.Fatal(err)
	}
	kept := [][]byte{slices.Clone(out[0].Raw), slices.Clone(out[1].Raw)}
	if _, err := other.Run(random(rng, nn.Shape{3, 3, 10, 10})); err != nil {
		t.Fatal(err)
	}
	clear(in.Raw)
	for i, v := range out {
		if !slices.Equal(v.Raw, kept[i]) {
			t.Errorf("output %d changed before the next Run", i)
		}
	}
}

// TestInputsInAnyMemory: the bytes of an input need not lie where numbers do.
func TestInputsInAnyMemory(t *testing.T) {
	g := inception(t)
	rng := rand.New(rand.NewPCG(6, 6))
	w := statistics(weights(rng, g))
	e := embedded.New(embedded.Options{})
	in := random(rng, nn.Shape{1, 3, 10, 10})
	odd := append(make([]byte, 1, len(in.Raw)+1), in.Raw...)
	want := runOn(t, e, g, w, []nn.Tensor{in}, 1)
	got := runOn(t, e, g, w, []nn.Tensor{{Type: in.Type, Shape: in.Shape, Raw: odd[1:]}}, 1)
	if !slices.EqualFunc(got, want, sameBits) {
		t.Error("an input at an odd address gives other results")
	}
}

// TestInputsThatDoNotFit: every one of them is an error that names the input.
func TestInputsThatDoNotFit(t *testing.T) {
	g := inception(t)
	s := newSession(t, embedded.New(embedded.Options{}), g, statistics(weights(rand.New(rand.NewPCG(7, 7)), g)))
	for _, shape := range []nn.Shape{{}, {0, 3, 10, 10}, {-1, 3, 10, 10}, {1, 3, 10}, {1, 3, 10, 11}, {1, 4, 10, 10}} {
		if _, err := s.Run(nn.Tensor{Type: nn.Float32, Shape: shape, Raw: make([]byte, 4*max(0, shape.Count()))}); err == nil || !strings.Contains(err.Error(), `"x"`) {
			t.Errorf("shape %v: %v", shape, err)
		}
	}
	if _, err := s.Run(nn.Tensor{Type: nn.Float32, Shape: nn.Shape{1, 3, 10, 10}, Raw: make([]byte, 7)}); err == nil {
		t.Error("no error for missing bytes")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run(random(rand.New(rand.NewPCG(8, 8)), nn.Shape{1, 3, 10, 10})); err == nil {
		t.Error("no error after Close")
	}
}

// TestSecondRunAllocatesLittle: memory is kept between runs.
func TestSecondRunAllocatesLittle(t *testing.T) {
	g := inception(t)
	rng := rand.New(rand.NewPCG(9, 9))
	s := newSession(t, embedded.New(embedded.Options{Threads: 1}), g, statistics(weights(rng, g)))
	in := random(rng, nn.Shape{4, 3, 10, 10})
	if n := testing.AllocsPerRun(20, func() { _, _ = s.Run(in) }); n > float64(3*len(g.Nodes)) {
		t.Errorf("%g allocations for %d nodes", n, len(g.Nodes))
	}
}
