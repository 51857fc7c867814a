//go:build cgo

package ort_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestTrace: every kernel of a small network leads to its node, activations and additions join convolutions, and HardSwish is told.
func TestTrace(t *testing.T) {
	e := oneThread(t)
	w := nn.MapWeights{}
	param := func(name string, shape ...int) nn.Param {
		w[name] = nn.FromFloat32s(shape, make([]float32, nn.Shape(shape).Count()))
		return nn.Param{Name: name, Shape: shape}
	}
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{1, 32, 8, 8})
		y := b.Conv(x, nn.Conv{Name: "a", Weight: param("a", 32, 32, 1, 1), Kernel: []int{1, 1}})
		y = b.Act(y, nn.Relu())
		y = b.Conv(y, nn.Conv{Name: "b", Weight: param("b", 32, 32, 1, 1), Kernel: []int{1, 1}})
		y = b.Add(y, x)
		y = b.Act(b.Mul(y, x), nn.HardSwish())
		b.Output("y", y)
	})
	if err != nil {
		t.Fatal(err)
	}
	const runs = 4
	var before []int
	trace, err := e.Trace(t.Context(), g, w, runs, func(i int) error { before = append(before, i); return nil })
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(before, []int{0, 1, 2, 3}) || len(trace.Total) != runs {
		t.Errorf("called before runs %v, %d totals", before, len(trace.Total))
	}
	kernels := map[string]int{}
	for _, k := range trace.Kernels {
		if len(k.Times) != runs {
			t.Errorf("kernel %+v", k)
		}
		if !k.Layout {
			kernels[g.Nodes[k.Node].Type]++
		}
	}
	// Each convolution is one kernel; what follows it has none of its own, but for the addition where the layout is a plain one.
	if kernels["HardSwish"] == 0 || kernels["Mul"] != 1 || len(trace.Kernels) < 4 {
		t.Errorf("%v of %+v", kernels, trace.Kernels)
	}
}

// TestNoInputs: a network without inputs is refused; the library's binding panics on it.
func TestNoInputs(t *testing.T) {
	e := oneThread(t)
	g, err := nn.Record(func(b nn.Builder) {
		b.Output("y", b.Act(b.Param(nn.Param{Name: "p", Shape: nn.Shape{2, 2}}), nn.Relu()))
	})
	if err != nil {
		t.Fatal(err)
	}
	w := nn.MapWeights{"p": nn.FromFloat32s(nn.Shape{2, 2}, make([]float32, 4))}
	if _, err := e.Compile(g, w); err == nil || !strings.Contains(err.Error(), "no inputs") {
		t.Errorf("compiled: %v", err)
	}
	if _, err := e.Trace(t.Context(), g, w, 2, func(int) error { return nil }); err == nil || !strings.Contains(err.Error(), "no inputs") {
		t.Errorf("traced: %v", err)
	}
}

func oneThread(t *testing.T) *ort.Engine {
	t.Helper()
	lib, err := ort.Find()
	if err != nil {
		t.Skip(err)
	}
	e, err := ort.New(lib, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	return e
}
