package embedded_test

import (
	"fmt"
	"hash/crc64"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
)

// draws is the number of networks that are drawn for each operator.
const draws = 40

// TestEveryOperatorHasACase: a line in the engine's table is a line in the table of cases.
func TestEveryOperatorHasACase(t *testing.T) {
	var names []string
	for name := range cases {
		names = append(names, name)
	}
	slices.Sort(names)
	if want := embedded.Operators(); !slices.Equal(names, want) {
		t.Errorf("cases for %v, operators %v", names, want)
	}
}

// forEach runs f on draws of every case.
func forEach(t *testing.T, f func(t *testing.T, rng *rand.Rand, g *nn.Graph, w nn.Weights, d *draw)) {
	t.Helper()
	for _, name := range embedded.Operators() {
		t.Run(name, func(t *testing.T) {
			for i := range draws {
				rng := rand.New(rand.NewPCG(crc64.Checksum([]byte(name), crc64.MakeTable(crc64.ISO)), uint64(i)))
				g, d, err := record(cases[name], rng)
				if err != nil {
					t.Fatalf("draw %d: %v", i, err)
				}
				if !slices.ContainsFunc(g.Nodes, func(n nn.Node) bool { return operators.Qualified(n.Domain, n.Type) == name }) {
					t.Fatalf("draw %d has no %s: %s", i, name, text(g))
				}
				f(t, rng, g, parameters(rng, g), d)
				if t.Failed() {
					t.Fatalf("draw %d: %s", i, text(g))
				}
			}
		})
	}
}

// text describes a graph for messages.
func text(g *nn.Graph) string {
	var b strings.Builder
	for _, n := range g.Nodes {
		fmt.Fprintf(&b, "\n\t%s", n.Type)
		for _, a := range n.Attrs {
			fmt.Fprintf(&b, " %s=%v", a.Name, []any{a.Int, a.Ints, a.Float, a.String})
		}
		for _, v := range slices.Concat(n.In, []nn.Value{nn.None}, n.Out) {
			fmt.Fprintf(&b, " %s%v", g.Values[v].Name, g.Values[v].Shape)
		}
	}
	return b.String()
}

// runOn runs a new session of e once, and checks the shapes of what comes out.
func runOn(t *testing.T, e engine.Engine, g *nn.Graph, w nn.Weights, in []nn.Tensor, batch int) [][]float32 {
	t.Helper()
	s, err := e.Compile(g, w)
	if err != nil {
		t.Fatalf("%s: %v%s", e.Info().Name, err, text(g))
	}
	out, err := s.Run(in...)
	if err != nil {
		t.Fatalf("%s: %v%s", e.Info().Name, err, text(g))
	}
	var list [][]float32
	for i, v := range g.Outputs {
		if want := g.Values[v].Shape.Bind(batch); !slices.Equal(out[i].Shape, want) && len(want) > 0 {
			t.Errorf("%s: output %d has shape %v, want %v", e.Info().Name, i, out[i].Shape, want)
		}
		list = append(list, slices.Clone(out[i].Float32s()))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	return list
}

// distance is the relative L2 distance of got from want. What is cancelled to almost nothing counts as small, not as wrong.
func distance(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	var d, n float64
	for i, v := range want {
		if n += 1e-3 + float64(v)*float64(v); got[i] != v { // so that equal infinities are no distance
			d += (float64(got[i]) - float64(v)) * (float64(got[i]) - float64(v))
		}
	}
	if d == 0 {
		return 0
	}
	return math.Sqrt(d / n)
}

// batches are the sizes at which a draw is run.
func (d *draw) batches() []int {
	if d.batch != nn.Batch {
		return []int{d.batch}
	}
	return []int{1, 3}
}

// TestOperatorsEqualONNXRuntime draws networks around every operator and runs them on both engines.
func TestOperatorsEqualONNXRuntime(t *testing.T) {
	needs.Time(t)
	lib, err := ort.Find()
	if err != nil {
		t.Skip("ONNX Runtime is the oracle of this test: ", err)
	}
	oracle, err := ort.New(lib, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	e := embedded.New(embedded.Options{})
	forEach(t, func(t *testing.T, rng *rand.Rand, g *nn.Graph, w nn.Weights, d *draw) {
		for _, batch := range d.batches() {
			in := inputs(rng, g, batch)
			want, got := runOn(t, oracle, g, w, in, batch), runOn(t, e, g, w, in, batch)
			for i := range want {
				if off := distance(got[i], want[i]); !(off < 1e-5) {
					t.Errorf("batch %d, output %d is %g off:\n%v, want\n%v", batch, i, off, got[i], want[i])
				}
			}
		}
	})
}

// TestInstructionSetsAgree: the portable kernels are the oracle of the others.
func TestInstructionSetsAgree(t *testing.T) {
	needs.Time(t)
	all := kernel.All()
	portable := all[slices.IndexFunc(all, func(u *kernel.ISA) bool { return u.String() == "go" })]
	forEach(t, func(t *testing.T, rng *rand.Rand, g *nn.Graph, w nn.Weights, d *draw) {
		batch := d.batches()[0]
		in := inputs(rng, g, batch)
		want := runOn(t, embedded.New(embedded.Options{ISA: portable}), g, w, in, batch)
		for _, u := range all {
			got := runOn(t, embedded.New(embedded.Options{ISA: u}), g, w, in, batch)
			for i := range want {
				if off := distance(got[i], want[i]); !(off < 1e-5) {
					t.Errorf("%s: output %d is %g off", u, i, off)
				}
			}
		}
	})
}

// TestABatchIsItsImages: the same bits for a batch of 8 and 8 single images, for any number of threads.
func TestABatchIsItsImages(t *testing.T) {
	needs.Time(t)
	const batch = 8
	forEach(t, func(t *testing.T, rng *rand.Rand, g *nn.Graph, w nn.Weights, d *draw) {
		if d.mixes || d.batch != nn.Batch {
			return
		}
		in := inputs(rng, g, batch)
		want := runOn(t, embedded.New(embedded.Options{Threads: 1}), g, w, in, batch)
		e := embedded.New(embedded.Options{Threads: 3})
		if got := runOn(t, e, g, w, in, batch); !slices.EqualFunc(got, want, sameBits) {
			t.Errorf("three threads: %v, want %v", got, want)
		}
		s, err := e.Compile(g, w)
		if err != nil {
			t.Fatal(err)
		}
		for n := range batch {
			out, err := s.Run(images(in, n)...)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range out {
				if each := len(want[i]) / batch; !sameBits(v.Float32s(), want[i][n*each:(n+1)*each]) {
					t.Errorf("image %d alone: %v, want %v", n, v.Float32s(), want[i][n*each:(n+1)*each])
				}
			}
		}
	})
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// images cuts image n out of inputs.
func images(in []nn.Tensor, n int) []nn.Tensor {
	out := make([]nn.Tensor, len(in))
	for i, t := range in {
		each := len(t.Raw) / t.Shape[0]
		out[i] = nn.Tensor{Type: t.Type, Shape: append(nn.Shape{1}, t.Shape[1:]...), Raw: t.Raw[n*each : (n+1)*each]}
	}
	return out
}
