package nn

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// walked counts the positions of a range one after the other, as NumPy's x[from:to:step] takes them.
func walked(r Range, n int64) int {
	from, to, step := r.From, r.To, r.Step
	if step == 0 {
		step = 1
	}
	if from < 0 {
		from += n
	}
	if to < 0 {
		to += n
	}
	count := 0
	if step > 0 {
		for i := max(from, 0); i < min(to, n); i += min(step, n) {
			count++
		}
		return count
	}
	for i := min(from, n-1); i > max(to, -1); i += max(step, -n) {
		count++
	}
	return count
}

// TestRangeCounts compares with walking, for all small bounds and the largest.
func TestRangeCounts(t *testing.T) {
	bounds := []int64{math.MinInt64, math.MaxInt64, math.MaxInt32}
	for v := int64(-7); v <= 7; v++ {
		bounds = append(bounds, v)
	}
	for n := range int64(6) {
		for _, from := range bounds {
			for _, to := range bounds {
				for _, step := range []int64{0, 1, 2, 3, 9, -1, -2, -9, math.MaxInt64, math.MinInt64} {
					r := Range{From: from, To: to, Step: step}
					if got, want := r.count(int(n)), walked(r, n); got != want {
						t.Fatalf("%+v of %d: %d, want %d", r, n, got, want)
					}
				}
			}
		}
	}
}

// TestMovesAreCarriedOperators: each of these methods records the node and the shape that the same operator has when it is carried.
func TestMovesAreCarriedOperators(t *testing.T) {
	for name, c := range map[string]struct {
		typed   func(b Builder, x Value) Value
		carried func(b Builder, x Value) Value
	}{
		"slice": {
			func(b Builder, x Value) Value {
				return b.Slice(x, Range{Axis: 1, To: math.MaxInt64, Step: 2}, Range{Axis: -1, From: 1, To: -1})
			},
			func(b Builder, x Value) Value {
				return b.Op(Op{Type: "Slice"}.Yields(Shape{Batch, 2, 4}), x, b.Ints(0, 1), b.Ints(math.MaxInt64, -1), b.Ints(1, -1), b.Ints(2, 1))[0]
			},
		},
		"slice without steps": {
			func(b Builder, x Value) Value { return b.Slice(x, Range{Axis: 2, From: 2, To: 5}) },
			func(b Builder, x Value) Value {
				return b.Op(Op{Type: "Slice"}.Yields(Shape{Batch, 3, 3}), x, b.Ints(2), b.Ints(5), b.Ints(2))[0]
			},
		},
		"gather one": {
			func(b Builder, x Value) Value { return b.Gather(x, b.Int(2), 1) },
			func(b Builder, x Value) Value {
				return b.Op(Op{Type: "Gather", Attrs: []Attr{intAttr("axis", 1)}}.Yields(Shape{Batch, 6}), x, b.Int(2))[0]
			},
		},
		"gather a list from the end": {
			func(b Builder, x Value) Value { return b.Gather(x, b.Ints(2, 1, 0, 0), -1) },
			func(b Builder, x Value) Value {
				return b.Op(Op{Type: "Gather", Attrs: []Attr{intAttr("axis", -1)}}.Yields(Shape{Batch, 3, 4}), x, b.Ints(2, 1, 0, 0))[0]
			},
		},
		"expand": {
			func(b Builder, x Value) Value {
				return b.Expand(b.Param(Param{Name: "p", Shape: Shape{1, 1, 6}}), Shape{Batch, 3, 1})
			},
			func(b Builder, x Value) Value {
				return b.Op(Op{Type: "Expand"}.Yields(Shape{Batch, 3, 6}), b.Param(Param{Name: "p", Shape: Shape{1, 1, 6}}), b.Ints(-1, 3, 1))[0]
			},
		},
		"resize": {
			func(b Builder, x Value) Value {
				return b.Resize(x, Resize{Mode: "linear", Coordinates: "asymmetric", CubicA: -0.5, Nearest: "floor", Scales: []float32{1, 1, 0.6}})
			},
			func(b Builder, x Value) Value {
				attrs := []Attr{
					{Name: "coordinate_transformation_mode", Kind: AttrString, String: "asymmetric"}, floatAttr("cubic_coeff_a", -0.5),
					{Name: "mode", Kind: AttrString, String: "linear"}, {Name: "nearest_mode", Kind: AttrString, String: "floor"},
				}
				return b.Op(Op{Type: "Resize", Attrs: attrs}.Yields(Shape{Batch, 3, 3}), x, None, b.Floats(1, 1, 0.6))[0]
			},
		},
		"pow": {func(b Builder, x Value) Value { return b.Pow(x, b.Float(2)) }, func(b Builder, x Value) Value { return b.Op(Op{Type: "Pow"}, x, b.Float(2))[0] }},
		"max": {func(b Builder, x Value) Value { return b.Max(b.Float(2), x, x) }, func(b Builder, x Value) Value { return b.Op(Op{Type: "Max"}, b.Float(2), x, x)[0] }},
		"min": {func(b Builder, x Value) Value { return b.Min(x) }, func(b Builder, x Value) Value { return b.Op(Op{Type: "Min"}, x)[0] }},
		"cast": {
			func(b Builder, x Value) Value { return b.Cast(x, Int32) },
			func(b Builder, x Value) Value {
				return b.Op(Op{Type: "Cast", Attrs: []Attr{intAttr("to", 6)}, Types: []DType{Int32}}, x)[0]
			},
		},
		"where": {
			func(b Builder, x Value) Value {
				return b.Where(b.Cast(x, Bool), b.Float(1), b.Floats(1, 2, 3, 4, 5, 6))
			},
			func(b Builder, x Value) Value {
				return b.Op(Op{Type: "Where", Types: []DType{Float32}}, b.Cast(x, Bool), b.Float(1), b.Floats(1, 2, 3, 4, 5, 6))[0]
			},
		},
	} {
		graph := func(build func(b Builder, x Value) Value) *Graph {
			g, err := Record(func(b Builder) { b.Output("y", build(b, b.Input("x", Float32, Shape{Batch, 3, 6}))) })
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			return g
		}
		if got, want := text(graph(c.typed)), text(graph(c.carried)); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
		}
	}
}

// TestMovesFail: what is not possible is an error that says so, and no panic.
func TestMovesFail(t *testing.T) {
	for want, build := range map[string]func(b Builder, x Value) Value{
		`axis 0 of [-1 3 6] cannot be cut`:         func(b Builder, x Value) Value { return b.Slice(x, Range{To: 1}) },
		`axis 3 of [-1 3 6] cannot be cut`:         func(b Builder, x Value) Value { return b.Slice(x, Range{Axis: 3, To: 1}) },
		`would have the shape [-1 0 6]`:            func(b Builder, x Value) Value { return b.Slice(x, Range{Axis: 1, From: 3, To: 3}) },
		`shape [-1 3 6] has no axis -4`:            func(b Builder, x Value) Value { return b.Gather(x, b.Int(0), -4) },
		`shapes [-1 3 6] and [4 6] do not broad`:   func(b Builder, x Value) Value { return b.Expand(x, Shape{4, 6}) },
		`2 factors for the shape [-1 3 6]`:         func(b Builder, x Value) Value { return b.Resize(x, Resize{Scales: []float32{1, 2}}) },
		`the batch of [-1 3 6] cannot be resized`:  func(b Builder, x Value) Value { return b.Resize(x, Resize{Scales: []float32{2, 1, 1}}) },
		`node "Max": it has no operands`:           func(b Builder, x Value) Value { return b.Max() },
		`node "Where": shapes [-1 3 6] and [5] do`: func(b Builder, x Value) Value { return b.Where(x, b.Floats(1, 2, 3, 4, 5), x) },
		`node "Pow": an operand is missing`:        func(b Builder, x Value) Value { return b.Pow(x, None) },
		`node "Cast": an operand is missing`:       func(b Builder, x Value) Value { return b.Cast(None, Int64) },
		`node "Gather": an operand is missing`:     func(b Builder, x Value) Value { return b.Gather(x, None, 0) },
		`node "Expand": an operand is missing`:     func(b Builder, x Value) Value { return b.Expand(None, Shape{1}) },
		`node "Resize": an operand is missing`:     func(b Builder, x Value) Value { return b.Resize(None, Resize{}) },
		`node "Slice": an operand is missing`:      func(b Builder, x Value) Value { return b.Slice(None) },
	} {
		_, err := Record(func(b Builder) { b.Output("y", build(b, b.Input("x", Float32, Shape{Batch, 3, 6}))) })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// text lists the nodes of a graph with shapes, types and constants.
func text(g *Graph) string {
	var out strings.Builder
	for _, n := range g.Nodes {
		fmt.Fprintf(&out, "%s %s %+v", n.Type, n.Name, n.Attrs)
		for _, v := range slices.Concat(n.In, n.Out) {
			i := g.Values[v]
			fmt.Fprintf(&out, " %s:%v:%v", i.Name, i.Type, i.Shape)
			if i.Const != nil {
				fmt.Fprintf(&out, "=%v", i.Const.Raw)
			}
		}
		out.WriteByte('\n')
	}
	return out.String()
}
