package sensitivity_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

const (
	inner   = 4 // channels between the convolutions
	classes = 3
	eps     = 1e-5
)

var sides, widths = []int{8, 6}, []int{inner, 2}

// small is a classifier of two convolutions with their normalisations, and the choices of its input's side and its inner width.
func small(batch int) *supernet.Net {
	param := func(name string, s ...int) nn.Param { return nn.Param{Name: name, Shape: s} }
	conv := func(name string, out, in int) nn.Conv {
		return nn.Conv{Name: name, Weight: param(name+".w", out, in, 3, 3), Kernel: []int{3, 3}, Pads: []int{1, 1, 1, 1}}
	}
	norm := func(name string, n int) nn.BatchNorm {
		return nn.BatchNorm{Name: name, Scale: param(name+".s", n), Bias: param(name+".b", n), Mean: param(name+".m", n), Var: param(name+".v", n), Epsilon: eps}
	}
	return &supernet.Net{
		Package: "small", Digest: "d", Source: supernet.Source{SHA256: "s"},
		Choices: []space.Choice{{Name: "resolution", Values: []string{"8", "6"}}, {Name: "width", Values: []string{"4", "2"}}},
		Build: func(g []uint8, b nn.Builder) {
			side, width := sides[g[0]], widths[g[1]]
			x := b.Input("x", nn.Float32, nn.Shape{batch, 1, side, side})
			x = b.Conv(x, conv("a", inner, 1).Out(width))
			x = b.BatchNorm(x, norm("an", inner).Cut(width))
			x = b.Act(x, nn.Relu())
			x = b.Conv(x, conv("b", classes, inner).In(width))
			x = b.BatchNorm(x, norm("bn", classes))
			x = b.Pool(x, nn.Pool{Name: "pool", Kind: nn.GlobalAverage})
			b.Output("y", b.Flatten(x, 1))
		},
	}
}

// parameters returns random weights for small.
func parameters(rng *rand.Rand) nn.MapWeights {
	w := nn.MapWeights{}
	fill := func(name string, lo, hi float32, s ...int) {
		v := make([]float32, nn.Shape(s).Count())
		for i := range v {
			v[i] = lo + (hi-lo)*rng.Float32()
		}
		w[name] = nn.FromFloat32s(s, v)
	}
	fill("a.w", -1, 1, inner, 1, 3, 3)
	fill("b.w", -1, 1, classes, inner, 3, 3)
	for k, name := range []string{"an", "bn"} {
		n := []int{inner, classes}[k]
		fill(name+".s", 0.5, 1.5, n)
		fill(name+".m", -1, 1, n)
		fill(name+".v", 0.5, 2, n)
	}
	fill("an.b", -0.5, 0.5, inner)
	fill("bn.b", -0.1, 0.1, classes)
	return w
}

func images(rng *rand.Rand, n int) *data.Set {
	s := &data.Set{N: n, Channels: 1, Height: 8, Width: 8, Pixels: make([]byte, n*64), Labels: make([]int32, n)}
	for i := range n {
		s.Labels[i] = int32(rng.IntN(classes))
		period := 2 + rng.IntN(6) // images differ in texture, so that scores do
		for k := range 64 {
			s.Pixels[i*64+k] = uint8(k % period * 255 / period)
		}
	}
	return s
}

func samples(rng *rand.Rand, n int) data.Samples {
	return data.Source{Transform: data.Transform{Mean: []float32{0.4}, Std: []float32{0.3}}, Set: images(rng, n)}
}

// setOf are the images of an evaluator.
func setOf(e *sensitivity.Evaluator) *data.Set { return e.Samples.(data.Source).Set }

func evaluatorOfSmall(batch int) *sensitivity.Evaluator {
	rng := rand.New(rand.NewPCG(7, 7))
	return &sensitivity.Evaluator{
		Net: small(nn.Batch), Engine: embedded.New(embedded.Options{Threads: 2}), Weights: parameters(rng),
		Samples: samples(rng, 50), Options: sensitivity.Options{Batch: batch, Calibration: samples(rng, 23)},
	}
}

// TestCountsAreTheDefinition compares with reference, for every SubNet, with the model's statistics and recalibrated.
func TestCountsAreTheDefinition(t *testing.T) {
	for _, calibrated := range []bool{false, true} {
		for g := range 4 {
			genes := space.Genes{uint8(g / 2), uint8(g % 2)}
			e := evaluatorOfSmall(8) // divides neither set
			if !calibrated {
				e.Options.Calibration = nil
			}
			got, err := e.Count(t.Context(), genes)
			if err != nil {
				t.Fatal(err)
			}
			r := newReference(e, genes)
			if want, close := r.count(); got < want-close || got > want+close || close > 2 {
				t.Errorf("%v, calibrated %v: %d correct, want %d (%d undecided)", genes, calibrated, got, want, close)
			}
			_, w, err := e.Prepare(t.Context(), genes)
			if err != nil {
				t.Fatal(err)
			}
			r.compare(t, w)
		}
	}
}

// TestProbesAreCountedAlone: Run has the count of each single modification, all of them on the same images.
func TestProbesAreCountedAlone(t *testing.T) {
	e := evaluatorOfSmall(16)
	table, err := e.Run(t.Context(), filepath.Join(t.TempDir(), "a.acc"))
	if err != nil {
		t.Fatal(err)
	}
	if h := table.Header; h.Images != 50 || h.Recalibration != 23 || h.Engine != "embedded" || h.Data == "" {
		t.Errorf("header %+v", h)
	}
	for got, genes := range map[*int]space.Genes{&table.Base: {0, 0}, &table.Correct[0][1]: {1, 0}, &table.Correct[1][1]: {0, 1}} {
		if want, err := e.Count(t.Context(), genes); err != nil || *got != want {
			t.Errorf("%v: %d in the table, %d alone, %v", genes, *got, want, err)
		}
	}
	if table.Correct[0][0] != accuracy.Unknown {
		t.Error("the original's candidate was counted as a probe")
	}
}

// TestImpossibleEvaluations are errors that say what is wrong, before any file is begun.
func TestImpossibleEvaluations(t *testing.T) {
	fixed := func(n int) func(*sensitivity.Evaluator) {
		return func(e *sensitivity.Evaluator) { e.Net = small(n); e.Options.Calibration = nil }
	}
	for name, c := range map[string]struct {
		change func(*sensitivity.Evaluator)
		genes  space.Genes
		want   string
	}{
		"no images":      {func(e *sensitivity.Evaluator) { e.Samples = e.Samples.Slice(0, 0) }, space.Genes{0, 0}, "no samples"},
		"nothing":        {func(e *sensitivity.Evaluator) { e.Samples = nil }, space.Genes{0, 0}, "no samples"},
		"too few genes":  {func(*sensitivity.Evaluator) {}, space.Genes{0}, "1 genes"},
		"no candidate":   {func(*sensitivity.Evaluator) {}, space.Genes{0, 2}, `"width" has no candidate 2`},
		"fixed batch":    {fixed(4), space.Genes{0, 0}, "take 48"},
		"larger batch":   {fixed(64), space.Genes{0, 0}, "take 64"},
		"more classes":   {func(e *sensitivity.Evaluator) { setOf(e).Labels[3] = 3 }, space.Genes{0, 0}, "4 classes"},
		"other channels": {func(e *sensitivity.Evaluator) { setOf(e).Channels = 3 }, space.Genes{0, 0}, "3 channels"},
	} {
		e := evaluatorOfSmall(0)
		c.change(e)
		if _, err := e.Count(t.Context(), c.genes); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	e := evaluatorOfSmall(0)
	e.Samples = e.Samples.Slice(0, 0)
	path := filepath.Join(t.TempDir(), "a.acc")
	if _, err := e.Run(t.Context(), path); err == nil {
		t.Error("no error for no images")
	}
	e = evaluatorOfSmall(0)
	e.Task = data.LanguageModel()
	if _, err := e.Run(t.Context(), path); err == nil || !strings.Contains(err.Error(), "rank [3]") {
		t.Errorf("a task that the network is not for: %v", err)
	}
	if left, _ := filepath.Glob(path); left != nil {
		t.Error("a file was begun")
	}
	e = evaluatorOfSmall(0)
	fixed(5)(e)
	if n, err := e.Count(t.Context(), space.Genes{0, 0}); err != nil || n == 0 {
		t.Errorf("a batch that divides the images: %d, %v", n, err)
	}
}

// TestNaNIsNeverCorrect: a SubNet without scores does not get the share of class 0.
func TestNaNIsNeverCorrect(t *testing.T) {
	e := evaluatorOfSmall(0)
	e.Options.Calibration = nil
	nan := float32(math.NaN())
	e.Weights.(nn.MapWeights)["bn.b"] = nn.FromFloat32s(nn.Shape{classes}, []float32{nan, nan, nan})
	if n, err := e.Count(t.Context(), space.Genes{0, 0}); err != nil || n != 0 {
		t.Errorf("%d correct without a score, %v", n, err)
	}
}

// TestResumedTableIsTheSame, wherever the first run stopped.
func TestResumedTableIsTheSame(t *testing.T) {
	dir := t.TempDir()
	whole, err := evaluatorOfSmall(16).Run(t.Context(), filepath.Join(dir, "whole.acc"))
	if err != nil {
		t.Fatal(err)
	}
	for stop := 1; stop <= 3; stop++ {
		e := evaluatorOfSmall(16)
		path := filepath.Join(dir, string(rune('0'+stop)))
		ctx, cancel := contextOf(t)
		e.Options.Progress = func(done, _ int, _ time.Duration) {
			if done == stop {
				cancel()
			}
		}
		partial, err := e.Run(ctx, path)
		if stop < 3 && (err == nil || len(partial.Missing(e.Net)) != 3-stop) {
			t.Errorf("stopped after %d: %v missing, %v", stop, partial.Missing(e.Net), err)
		}
		e.Options.Progress = nil
		again, err := e.Run(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		if again.Base != whole.Base || again.Correct[0][1] != whole.Correct[0][1] || again.Correct[1][1] != whole.Correct[1][1] {
			t.Errorf("stopped after %d: %+v, want %+v", stop, again, whole)
		}
	}
}

// TestSourceRecalibratesAsPrepareDoes: to the bit, for SubNets of both resolutions; what does not fit the images is an error.
func TestSourceRecalibratesAsPrepareDoes(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	net, w, set := small(nn.Batch), parameters(rng), images(rng, 23)
	e := sensitivity.Evaluator{Net: net, Engine: embedded.New(embedded.Options{}), Weights: w, Samples: data.Source{Set: set}, Options: sensitivity.Options{Calibration: data.Source{Set: set}, Batch: 5}}
	for _, g := range []space.Genes{{0, 1}, {1, 0}, {1, 1}} {
		graph, want, err := e.Prepare(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		got, err := net.Recalibrate(t.Context(), g, w, embedded.New(embedded.Options{}), data.Source{Set: set, Batch: 5})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range supernet.Statistics(graph) {
			a, err1 := nn.Fetch(want, p)
			b, err2 := nn.Fetch(got, p)
			if err1 != nil || err2 != nil || !slices.Equal(a.Float32s(), b.Float32s()) {
				t.Errorf("%v: %s is %v, want %v (%v, %v)", g, p.Name, b.Float32s(), a.Float32s(), err1, err2)
			}
		}
		if err := errors.Join(net.CheckStatistics(g, want), net.CheckStatistics(g, got)); err != nil {
			t.Errorf("%v: statistics of its own are refused: %v", g, err)
		}
	}
	for _, bad := range []*data.Set{{N: 4, Channels: 3, Height: 8, Width: 8}, images(rng, 3)} {
		if _, err := small(2).Recalibrate(t.Context(), space.Genes{1, 1}, w, embedded.New(embedded.Options{}), data.Source{Set: bad}); err == nil {
			t.Errorf("%d images of %d channels are input of a network with one channel and batches of 2", bad.N, bad.Channels)
		}
	}
}
