package cli

import (
	"math"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestComparison feeds a network with tokens, a mask of -infinities and half floats by their types: two engines agree on it, on numbers.
func TestComparison(t *testing.T) {
	lib, err := ort.Find()
	if err != nil {
		t.Skip(err)
	}
	other, err := ort.New(lib, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, leaveOut := range map[string]bool{"a mask of what to keep": false, "a mask of what to leave out": true} {
		g, err := nn.Record(func(b nn.Builder) {
			x := b.Gather(b.Param(nn.Param{Name: "table", Shape: nn.Shape{11, 6}}), b.Input("ids", nn.Int64, nn.Shape{nn.Batch, 6}), 0)
			x = b.Add(x, b.Cast(b.Input("half", nn.Float16, nn.Shape{nn.Batch, 6, 6}), nn.Float32))
			infinity, zero := b.Float(float32(math.Inf(-1))), b.Float(0)
			if leaveOut {
				infinity, zero = zero, infinity
			}
			triangle := b.Op(nn.Op{Type: "Trilu", Attrs: []nn.Attr{{Name: "upper", Kind: nn.AttrInt, Int: 0}}}, b.Param(nn.Param{Name: "ones", Shape: nn.Shape{6, 6}}))[0]
			mask := b.Reshape(b.Input("mask", nn.Bool, nn.Shape{nn.Batch, 6}), nn.Shape{nn.Batch, 1, 6})
			x = b.Add(x, b.Where(mask, zero, infinity))
			x = b.Where(b.Cast(triangle, nn.Bool), x, b.Float(float32(math.Inf(-1))))
			x = b.Softmax(x, -1)
			b.Output("y", x)
			b.Output("best", b.Op(nn.Op{Type: "ArgMax", Attrs: []nn.Attr{{Name: "axis", Kind: nn.AttrInt, Int: 2}, {Name: "keepdims", Kind: nn.AttrInt, Int: 0}},
				Types: []nn.DType{nn.Int64}}.Yields(nn.Shape{nn.Batch, 6}), x)[0])
		})
		if err != nil {
			t.Fatal(err)
		}
		w := nn.MapWeights{"table": nn.FromNumbers(nn.Float32, nn.Shape{11, 6}, ramp(66)), "ones": nn.FromNumbers(nn.Float32, nn.Shape{6, 6}, ramp(36))}
		k := &comparison{graph: g.Bind(1), weights: w}
		for range 2 {
			if err := k.add(other); err != nil {
				t.Fatal(name, err)
			}
		}
		if err := k.add(embedded.New(embedded.Options{Threads: 1})); err != nil {
			t.Fatal(name, err)
		}
		if d, err := distance(k.results[0], k.results[2]); err != nil || d > 1e-5 {
			t.Errorf("%s: %g apart, %v", name, d, err)
		}
		if n := len(k.results[0]); n != 42 || !finite(k.results[0]) {
			t.Errorf("%s: %d numbers, %v", name, n, k.results[0])
		}
	}
}

// ramp are n different numbers above zero.
func ramp(n int) []float64 {
	list := make([]float64, n)
	for i := range list {
		list[i] = float64(1+i*7%n) / float64(n)
	}
	return list
}

// TestDistance: what is no number in both results does not count; in one of them, and results of different lengths, are errors.
func TestDistance(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		a, b []float64
		want string
	}{
		{[]float64{3, nan, inf, 4}, []float64{3, nan, inf, 9}, "1"},
		{[]float64{1, nan}, []float64{1, 2}, "element 1 of the results is NaN"},
		{[]float64{1, inf}, []float64{1, -inf}, "element 1 of the results is +Inf"},
		{[]float64{1}, []float64{1, 2}, "1 numbers, the other 2"},
	} {
		d, err := distance(c.a, c.b)
		if got := ""; err != nil {
			got = err.Error()
			if !strings.Contains(got, c.want) {
				t.Errorf("%v and %v: %s, want %s", c.a, c.b, got, c.want)
			}
		} else if c.want != "1" || d != 1 {
			t.Errorf("%v and %v: %g, want %s", c.a, c.b, d, c.want)
		}
	}
}

// TestDistances: results near zero are apart by what they differ, not by ratios of nothing; elsewhere distances are relative.
func TestDistances(t *testing.T) {
	for _, c := range []struct {
		a, b []float64
		want float64
	}{
		{[]float64{3, 4}, []float64{3, 4.5}, 0.1},
		{[]float64{3e-4, 4e-4}, []float64{3e-4, 4.5e-4}, 0.1},
		{[]float64{1e-20}, []float64{3.5e-9}, 0.0035}, // a sigmoid far from its threshold
		{[]float64{0, 0, 0, 0}, []float64{1e-6, 1e-6, 1e-6, 1e-6}, 1},
		{nil, nil, 0},
	} {
		if got, err := distance(c.a, c.b); err != nil || math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%v and %v: %g, %v; want %g", c.a, c.b, got, err, c.want)
		}
	}
}
