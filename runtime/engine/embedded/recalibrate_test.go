package embedded_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestRecalibrateSharedInitializer: statistics that the model stores once, because they were equal, become two.
func TestRecalibrateSharedInitializer(t *testing.T) {
	second := norm("b", 2)
	second.Mean.From, second.Var.From = "a.m", "a.v"
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 2, 3, 3})
		y := b.Act(b.BatchNorm(x, norm("a", 2)), nn.Relu())
		b.Output("y", y)
		b.Output("z", b.BatchNorm(y, second))
	})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	w := weights(rng, g)
	delete(w, "b.m")
	delete(w, "b.v")
	x := random(rng, nn.Shape{6, 2, 3, 3})
	e := embedded.New(embedded.Options{})
	got, err := e.Recalibrate(t.Context(), g, w, nn.Batches(slices.Values([]nn.Tensor{x})).Inputs(), nil)
	if err != nil {
		t.Fatal(err)
	}
	mean, variance := moments(runOn(t, e, g, got, []nn.Tensor{x}, 6)[0], 6, 2)
	for p, want := range map[*nn.Param][]float64{&second.Mean: mean, &second.Var: variance} {
		v, err := nn.Fetch(got, *p)
		if err != nil {
			t.Fatal(err)
		}
		for c, have := range v.Float32s() {
			if math.Abs(float64(have)-want[c]) > 1e-5 {
				t.Errorf("%s[%d] is %g, want %g", p.Name, c, have, want[c])
			}
		}
	}
}

// TestRecalibrateSharedNorm: a normalisation that is used twice gets the average of both uses.
func TestRecalibrateSharedNorm(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 2, 3, 3})
		smooth := b.Pool(x, nn.Pool{Name: "smooth", Kind: nn.Average, Kernel: []int{3, 3}, Pads: []int{1, 1, 1, 1}})
		b.Output("y", b.BatchNorm(x, norm("a", 2)))
		b.Output("z", b.BatchNorm(smooth, norm("a", 2)))
		b.Output("smooth", smooth)
	})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(2, 2))
	w, x := weights(rng, g), random(rng, nn.Shape{6, 2, 3, 3})
	e := embedded.New(embedded.Options{})
	got, err := e.Recalibrate(t.Context(), g, w, nn.Batches(slices.Values([]nn.Tensor{x})).Inputs(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m1, v1 := moments(x.Float32s(), 6, 2)
	m2, v2 := moments(runOn(t, e, g, w, []nn.Tensor{x}, 6)[2], 6, 2)
	for name, want := range map[string][2][]float64{"a.m": {m1, m2}, "a.v": {v1, v2}} {
		v, err := got.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		for c, have := range v.Float32s() {
			if mean := (want[0][c] + want[1][c]) / 2; math.Abs(float64(have)-mean) > 1e-5 {
				t.Errorf("%s[%d] is %g, want %g", name, c, have, mean)
			}
		}
	}
}

// TestRecalibrateConvolutions: statistics are the same bits for any number of threads.
func TestRecalibrateConvolutions(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 9, 9})
		for k, in := range []int{3, 10} {
			name := string(rune('a' + k))
			c := nn.Conv{Name: name, Weight: nn.Param{Name: name + ".w", Shape: nn.Shape{10, in, 3, 3}}, Kernel: []int{3, 3}}
			x = b.Act(b.BatchNorm(b.Conv(x, c), norm(name, 10)), nn.Relu())
		}
		b.Output("y", b.Flatten(b.Pool(x, nn.Pool{Kind: nn.GlobalAverage}), 1))
	})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(2, 2))
	w := weights(rng, g)
	data := nn.Batches(slices.Values([]nn.Tensor{random(rng, nn.Shape{7, 3, 9, 9}), random(rng, nn.Shape{2, 3, 9, 9})})).Inputs()
	var first [][]float32
	for _, threads := range []int{1, 3} {
		got, err := embedded.New(embedded.Options{Threads: threads}).Recalibrate(t.Context(), g, w, data, nil)
		if err != nil {
			t.Fatal(err)
		}
		var all [][]float32
		for _, name := range []string{"a.m", "a.v", "b.m", "b.v"} {
			all = append(all, tensorOf(t, got, name))
		}
		if first == nil {
			first = all
		}
		if !slices.EqualFunc(all, first, sameBits) {
			t.Errorf("%d threads: %v, want %v", threads, all, first)
		}
	}
	for _, v := range slices.Concat(first[1], first[3]) {
		if !(v > 0) {
			t.Errorf("a variance of %g", v)
		}
	}
}

// TestRecalibrateFails: cancelled, without data, or with data that does not fit.
func TestRecalibrateFails(t *testing.T) {
	g := twoNorms(t)
	rng := rand.New(rand.NewPCG(3, 3))
	w := weights(rng, g)
	e := embedded.New(embedded.Options{})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Recalibrate(cancelled, g, w, nn.Batches(slices.Values([]nn.Tensor{random(rng, nn.Shape{1, 2, 3, 3})})).Inputs(), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := e.Recalibrate(t.Context(), g, w, nn.Batches(slices.Values([]nn.Tensor{})).Inputs(), nil); err == nil {
		t.Error("no error without data")
	}
	if _, err := e.Recalibrate(t.Context(), g, w, nn.Batches(slices.Values([]nn.Tensor{random(rng, nn.Shape{1, 5, 3, 3})})).Inputs(), nil); err == nil {
		t.Error("no error for images of five channels")
	}
}
