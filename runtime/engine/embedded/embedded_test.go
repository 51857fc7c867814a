package embedded_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

func norm(name string, n int) nn.BatchNorm {
	p := func(s string) nn.Param { return nn.Param{Name: name + s, Shape: nn.Shape{n}} }
	return nn.BatchNorm{Name: name, Scale: p(".s"), Bias: p(".b"), Mean: p(".m"), Var: p(".v"), Epsilon: 1e-5}
}

// twoNorms is a normalisation cut to 2 of 3 channels, an activation and another normalisation.
func twoNorms(t *testing.T) *nn.Graph {
	t.Helper()
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 2, 3, 3})
		y := b.Act(b.BatchNorm(x, norm("a", 3).Cut(2)), nn.Relu())
		b.Output("y", b.BatchNorm(y, norm("b", 2)))
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func random(rng *rand.Rand, s nn.Shape) nn.Tensor {
	v := make([]float32, s.Count())
	for i := range v {
		v[i] = rng.Float32()*2 - 0.5
	}
	return nn.FromFloat32s(s, v)
}

func weights(rng *rand.Rand, g *nn.Graph) nn.MapWeights {
	w := nn.MapWeights{}
	for _, i := range g.Values {
		if i.Param != nil {
			w[i.Param.Name] = random(rng, i.Param.Shape)
		}
	}
	return w
}

// moments returns mean and biased variance of each channel of a [n, c, 3, 3] tensor.
func moments(x []float32, n, c int) (mean, variance []float64) {
	mean, variance = make([]float64, c), make([]float64, c)
	count := float64(n * 9)
	for i, v := range x {
		mean[i/9%c] += float64(v) / count
	}
	for i, v := range x {
		d := float64(v) - mean[i/9%c]
		variance[i/9%c] += d * d / count
	}
	return mean, variance
}

// TestRecalibrate compares with the definition (once-for-all networks, set_running_statistics): statistics of each batch, normalised by
// that batch's own, averaged over batches by their size.
func TestRecalibrate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	g := twoNorms(t)
	w := weights(rng, g)
	batches := []nn.Tensor{random(rng, nn.Shape{4, 2, 3, 3}), random(rng, nn.Shape{2, 2, 3, 3})}
	got, err := embedded.New(embedded.Options{}).Recalibrate(t.Context(), g, w, nn.Batches(slices.Values(batches)).Inputs(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]float64{"a.m": {0, 0}, "a.v": {0, 0}, "b.m": {0, 0}, "b.v": {0, 0}}
	add := func(name string, v []float64, share float64) {
		for k := range v {
			want[name][k] += v[k] * share
		}
	}
	for _, b := range batches {
		n := b.Shape[0]
		share := float64(n) / 6
		x := b.Float32s()
		mean, variance := moments(x, n, 2)
		add("a.m", mean, share)
		add("a.v", variance, share)
		scale, bias := w["a.s"].Float32s(), w["a.b"].Float32s()
		y := make([]float32, len(x))
		for i, v := range x {
			c := i / 9 % 2
			y[i] = max(0, float32((float64(v)-mean[c])/math.Sqrt(variance[c]+1e-5))*scale[c]+bias[c])
		}
		mean, variance = moments(y, n, 2)
		add("b.m", mean, share)
		add("b.v", variance, share)
	}
	for name, list := range want {
		tensor, err := got.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		v := tensor.Float32s()
		for k := range list {
			if math.Abs(float64(v[k])-list[k]) > 1e-5 {
				t.Errorf("%s[%d] is %g, want %g", name, k, v[k], list[k])
			}
		}
	}
	before, after := w["a.m"].Float32s(), tensorOf(t, got, "a.m")
	if len(after) != 3 || after[2] != before[2] {
		t.Errorf("the position outside of the SubNet changed: %v, %v", before, after)
	}
}

func tensorOf(t *testing.T, w nn.Weights, name string) []float32 {
	t.Helper()
	v, err := w.Tensor(name)
	if err != nil {
		t.Fatal(err)
	}
	return v.Float32s()
}

// TestBatchesAndThreads: a batch is its images one by one, whatever the threads and instruction set.
func TestBatchesAndThreads(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 9, 9})
		p := func(name string, s ...int) nn.Param { return nn.Param{Name: name, Shape: s} }
		y := b.Act(b.Conv(x, nn.Conv{Name: "c", Weight: p("c.w", 20, 3, 3, 3), Bias: p("c.b", 20), Kernel: []int{3, 3}, Pads: []int{1, 1, 1, 1}}), nn.Relu())
		y = b.Conv(y, nn.Conv{Name: "d", Weight: p("d.w", 20, 1, 3, 3), Kernel: []int{3, 3}, Strides: []int{2, 2}, Groups: 20})
		y = b.Flatten(b.Pool(y, nn.Pool{Kind: nn.GlobalAverage}), 1)
		b.Output("y", b.Linear(y, nn.Linear{Name: "f", Weight: p("f.w", 7, 20), Bias: p("f.b", 7), TransB: true}))
	})
	if err != nil {
		t.Fatal(err)
	}
	w := weights(rng, g)
	in := random(rng, nn.Shape{5, 3, 9, 9})
	var reference []float32
	options := []embedded.Options{{Threads: 1}, {Threads: 3}}
	for _, isa := range kernel.All() {
		options = append(options, embedded.Options{Threads: 2, ISA: isa})
	}
	for _, o := range options {
		s, err := embedded.New(o).Compile(g, w)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Run(in)
		if err != nil {
			t.Fatal(err)
		}
		whole := slices.Clone(out[0].Float32s())
		if reference == nil {
			reference = whole
		}
		var single []float32
		for n := range 5 {
			each := 3 * 9 * 9
			out, err := s.Run(nn.FromFloat32s(nn.Shape{1, 3, 9, 9}, in.Float32s()[n*each:(n+1)*each]))
			if err != nil {
				t.Fatal(err)
			}
			single = append(single, out[0].Float32s()...)
		}
		for k := range reference {
			if math.Abs(float64(whole[k]-reference[k])) > 1e-4 || math.Abs(float64(single[k]-reference[k])) > 1e-4 {
				t.Fatalf("%+v: element %d is %g in a batch, %g alone, want %g", o, k, whole[k], single[k], reference[k])
			}
		}
	}
}

// TestUnsupportedOperatorsAreNamed: all of them at once, and wrong inputs too.
func TestUnsupportedOperatorsAreNamed(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 4})
		x = b.Op(nn.Op{Type: "NonMaxSuppression", Name: "first"}, x)[0]
		x = b.Act(x, nn.Act{Type: "Relu"}) // has nothing to say: its operand is missing already
		b.Output("y", b.Op(nn.Op{Type: "Fancy", Domain: "mine", Name: "second"}, x)[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = embedded.New(embedded.Options{}).Compile(g, nn.MapWeights{})
	for _, want := range []string{"first", "NonMaxSuppression", "second", "mine.Fancy"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if got := strings.Count(err.Error(), "\n") + 1; got != 2 {
		t.Errorf("%d errors:\n%v", got, err)
	}
	g = twoNorms(t)
	s, err := embedded.New(embedded.Options{}).Compile(g, weights(rand.New(rand.NewPCG(3, 3)), g))
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range [][]nn.Tensor{{}, {nn.FromFloat32s(nn.Shape{1, 2, 3, 4}, make([]float32, 24))}, {nn.FromInt64s(nn.Shape{1, 2, 3, 3}, make([]int64, 18))}} {
		if _, err := s.Run(in...); err == nil {
			t.Errorf("%d inputs: no error", len(in))
		}
	}
}
