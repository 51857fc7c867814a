package nn_test

import (
	"math"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestFeed: inputs that pick positions of a tensor stay in its range, whatever lies between, and use the range.
func TestFeed(t *testing.T) {
	table := nn.Param{Name: "table", Shape: nn.Shape{7, 4}}
	op := func(b nn.Builder, kind string, s nn.Shape, xs ...nn.Value) nn.Value {
		return b.Op(nn.Op{Type: kind}.Yields(s), xs...)[0]
	}
	ids := func(d nn.DType, f func(b nn.Builder, x nn.Value) nn.Value) func(nn.Builder) nn.Value {
		return func(b nn.Builder) nn.Value {
			return b.Gather(b.Param(table), f(b, b.Input("x", d, nn.Shape{2, 50})), 0)
		}
	}
	for name, c := range map[string]struct {
		build func(b nn.Builder) nn.Value
		want  []float64 // the least and the largest element
	}{
		"tokens":          {ids(nn.Int64, func(_ nn.Builder, x nn.Value) nn.Value { return x }), []float64{0, 6}},
		"32 bits":         {ids(nn.Int32, func(_ nn.Builder, x nn.Value) nn.Value { return x }), []float64{0, 6}},
		"tokens as float": {ids(nn.Float32, func(b nn.Builder, x nn.Value) nn.Value { return b.Cast(x, nn.Int64) }), []float64{0, 6}},
		"moved":           {ids(nn.Int64, func(b nn.Builder, x nn.Value) nn.Value { return b.Reshape(b.Transpose(x, 1, 0), nn.Shape{100}) }), []float64{0, 6}},
		"with an offset":  {ids(nn.Int64, func(b nn.Builder, x nn.Value) nn.Value { return b.Add(x, b.Ints(2)) }), []float64{-2, 4}},
		"less an offset":  {ids(nn.Int64, func(b nn.Builder, x nn.Value) nn.Value { return b.Sub(x, b.Ints(1)) }), []float64{1, 7}},
		"doubled":         {ids(nn.Int64, func(b nn.Builder, x nn.Value) nn.Value { return b.Mul(x, b.Ints(2)) }), []float64{0, 3}},
		"other axis": {func(b nn.Builder) nn.Value {
			return b.Gather(b.Param(table), b.Input("x", nn.Int64, nn.Shape{50}), 1)
		}, []float64{0, 3}},
		"tuples": {func(b nn.Builder) nn.Value {
			return op(b, "GatherND", nn.Shape{50}, b.Param(table), b.Input("x", nn.Int64, nn.Shape{50, 2}))
		}, []float64{0, 3}},
		"two tables": {func(b nn.Builder) nn.Value {
			x := b.Input("x", nn.Int64, nn.Shape{50})
			return b.Add(b.Gather(b.Param(table), x, 0), b.Gather(b.Param(nn.Param{Name: "small", Shape: nn.Shape{2, 4}}), x, 0))
		}, []float64{0, 1}},
		"lengths": {func(b nn.Builder) nn.Value {
			return op(b, "ReverseSequence", nn.Shape{7, 4}, b.Param(table), b.Input("x", nn.Int64, nn.Shape{50}))
		}, []float64{1, 7}},
		"mask": {func(b nn.Builder) nn.Value { return b.Cast(b.Input("x", nn.Int64, nn.Shape{2, 9}), nn.Float32) }, []float64{0, 1}},
		"bool": {func(b nn.Builder) nn.Value { return b.Cast(b.Input("x", nn.Bool, nn.Shape{2, 9}), nn.Float32) }, []float64{0, 1}},
		"step": {func(b nn.Builder) nn.Value { return b.Cast(b.Input("x", nn.Int64, nn.Shape{50}), nn.Float32) }, []float64{1, 4}},
	} {
		g, err := nn.Record(func(b nn.Builder) { b.Output("y", c.build(b)) })
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		in := nn.Feed{}.Inputs(g)[0]
		list := in.Numbers()
		if info := g.Values[g.Inputs[0]]; in.Type != info.Type || !slices.Equal(in.Shape, info.Shape) || len(list) != in.Shape.Count() {
			t.Errorf("%s: type %v and shape %v with %d elements", name, in.Type, in.Shape, len(list))
		}
		if low, high := slices.Min(list), slices.Max(list); low != c.want[0] || high != c.want[1] {
			t.Errorf("%s: elements from %g to %g, want %v", name, low, high, c.want)
		}
	}
}

// TestNumbers: what FromNumbers writes, Numbers reads, in every type.
func TestNumbers(t *testing.T) {
	list := []float64{0, 1, 0, 1}
	for d := nn.Float32; d <= nn.BFloat16; d++ {
		x := nn.FromNumbers(d, nn.Shape{4}, list)
		if got := x.Numbers(); got != nil && (!slices.Equal(got, list) || len(x.Raw) != 4*d.Bytes()) {
			t.Errorf("%v: %v", d, got)
		}
	}
}

// TestNotFinite names weights with infinities and what is no number, and no others.
func TestNotFinite(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Add(b.Input("x", nn.Float32, nn.Shape{2}), b.Param(nn.Param{Name: "good", Shape: nn.Shape{2}}))
		b.Output("y", b.Mul(x, b.Param(nn.Param{Name: "bad", Shape: nn.Shape{2}})))
	})
	if err != nil {
		t.Fatal(err)
	}
	w := nn.MapWeights{"good": nn.FromFloat32s(nn.Shape{2}, []float32{1, 2}), "bad": nn.FromFloat32s(nn.Shape{2}, []float32{1, float32(math.NaN())})}
	if got := nn.NotFinite(g, w); !slices.Equal(got, []string{`"bad" (1 of 2 elements)`}) {
		t.Error(got)
	}
}

// TestBroken: NaN is wrong in every parameter, an infinity where values are multiplied by it, and not in a mask that is added.
func TestBroken(t *testing.T) {
	shape := nn.Shape{2, 2}
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Add(b.Input("x", nn.Float32, shape), b.Param(nn.Param{Name: "mask", Shape: shape}))
		x = b.Add(x, b.Param(nn.Param{Name: "nan", Shape: shape}))
		b.Output("y", b.MatMul(x, b.Param(nn.Param{Name: "weight", Shape: shape})))
	})
	if err != nil {
		t.Fatal(err)
	}
	inf := float32(math.Inf(-1))
	w := nn.MapWeights{"mask": nn.FromFloat32s(shape, []float32{0, inf, inf, 0}), "nan": nn.FromFloat32s(shape, []float32{0, float32(math.NaN()), 1, 2}), "weight": nn.FromFloat32s(shape, []float32{1, inf, 1, 1})}
	if got := nn.Broken(g, w); !slices.Equal(got, []string{`"nan" (1 of 4 elements)`, `"weight" (1 of 4 elements)`}) {
		t.Error(got)
	}
}
