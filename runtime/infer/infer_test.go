package infer_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/infer"
	"github.com/autotailor/autotailor/runtime/nn"
)

// of is a float32 tensor of a shape.
func of(s ...int) infer.Value { return infer.Value{Type: nn.Float32, Shape: s} }

// list is a constant list of integers, number a constant number.
func list(v ...int64) infer.Value {
	return infer.Value{Type: nn.Int64, Shape: nn.Shape{len(v)}, Ints: append([]int64{}, v...)}
}

func number(v int64) infer.Value {
	return infer.Value{Type: nn.Int64, Shape: nn.Shape{}, Ints: []int64{v}}
}

func floats(v ...float32) infer.Value {
	return infer.Value{Type: nn.Float32, Shape: nn.Shape{len(v)}, Floats: append([]float32{}, v...)}
}

// typed is a tensor whose elements are not known.
func typed(t nn.DType, s ...int) infer.Value { return infer.Value{Type: t, Shape: s} }

var absent = infer.Value{Unknown: true, Type: 99}

func ints(name string, v ...int64) nn.Attr { return nn.Attr{Name: name, Kind: nn.AttrInts, Ints: v} }
func num(name string, v int64) nn.Attr     { return nn.Attr{Name: name, Kind: nn.AttrInt, Int: v} }
func word(name, v string) nn.Attr          { return nn.Attr{Name: name, Kind: nn.AttrString, String: v} }

// apply runs Node; operands are values and attributes in any order.
func apply(op string, results int, args ...any) ([]infer.Value, error) {
	n := nn.Node{Type: op, Name: "n"}
	var in []infer.Value
	for _, a := range args {
		switch a := a.(type) {
		case nn.Attr:
			n.Attrs = append(n.Attrs, a)
		case infer.Value:
			v := nn.Value(len(in) + 1)
			if a.Type == absent.Type {
				v = nn.None
			}
			n.In, in = append(n.In, v), append(in, a)
		}
	}
	for k := range results {
		n.Out = append(n.Out, nn.Value(100+k))
	}
	return infer.Node(&n, in)
}

func texts(out []infer.Value) string {
	var all []string
	for _, v := range out {
		all = append(all, v.String())
	}
	return strings.Join(all, ", ")
}

// TestResults: shapes and types that were worked out by hand from the ONNX specification, where the backend data has no case.
func TestResults(t *testing.T) {
	for _, c := range []struct {
		op   string
		want string
		args []any
	}{
		{"Conv", "f32 [1 48 202 202]", []any{of(1, 48, 4, 4), of(48, 1, 3, 3), num("group", 48), ints("pads", 100, 100, 100, 100)}},
		{"Conv", "f32 [2 8 3 4]", []any{of(2, 3, 7, 7), of(8, 3, 3, 1), of(8), ints("strides", 2, 2), ints("kernel_shape", 3, 1)}},
		{"ConvTranspose", "f32 [1 6 12 18]", []any{of(1, 4, 5, 6), of(4, 3, 3, 2), num("group", 2), ints("strides", 2, 3), ints("pads", 1, 0, 1, 0), ints("output_padding", 1, 1), ints("dilations", 2, 1)}},
		{"MaxPool", "f32 [1 3 2 2], i64 [1 3 2 2]", []any{of(1, 3, 4, 4), ints("kernel_shape", 1, 1), ints("strides", 3, 3), ints("pads", 0, 0, 1, 1), num("ceil_mode", 1)}},
		{"BatchNormalization", "f32 [1 4 2], f32 [4], f32 [4]", []any{of(1, 4, 2), of(4), of(4), of(4), of(4), num("training_mode", 1)}},
		{"LayerNormalization", "f32 [2 3 4], f32 [2 1 1], f32 [2 1 1]", []any{of(2, 3, 4), of(3, 4), num("axis", 1)}},
		{"GroupNormalization", "f32 [2 6 4]", []any{of(2, 6, 4), of(6), of(6), num("num_groups", 3)}},
		{"GroupNormalization", "f32 [2 6 4]", []any{of(2, 6, 4), of(3), of(3), num("num_groups", 3)}},
		{"ReduceMean", "f32 [2 1 4]", []any{of(2, 3, 4), ints("axes", -2)}},
		{"ReduceSum", "f32 []", []any{of(2, 3), num("keepdims", 0)}},
		{"ReduceSum", "f32 [2 3]", []any{of(2, 3), list(), num("noop_with_empty_axes", 1)}},
		{"Reshape", "f32 [2 3 0]", []any{of(0, 3), list(2, 3, 0), num("allowzero", 1)}},
		{"Reshape", "f32 [6 2]", []any{of(2, 3, 2), ints("shape", -1, 2)}},
		{"Slice", "f32 [2 2 3]", []any{of(2, 5, 3), list(-1), list(math.MinInt64), list(1), list(-3)}},
		{"Slice", "f32 [1 3]", []any{of(4, 3), list(0), list(math.MaxInt64), list(0), list(math.MaxInt64)}},
		{"Slice", "f32 [1 3]", []any{of(4, 3), list(-1), list(math.MinInt64), list(0), list(math.MinInt64)}},
		{"Split", "f32 [2 3], f32 [2 3], f32 [2 1]", []any{of(2, 7), num("axis", -1), num("num_outputs", 3)}},
		{"Pad", "f32 [2 6]", []any{of(2, 3), list(1, 2), absent, list(1)}},
		{"Resize", "f32 [1 1 7 7]", []any{of(1, 1, 10, 10), absent, floats(1, 1, 0.7, 0.7)}},
		{"Resize", "f32 [1 1 8 6]", []any{of(1, 1, 4, 3), absent, absent, list(8, 9), ints("axes", 2, 3), word("keep_aspect_ratio_policy", "not_larger")}},
		{"Upsample", "f32 [1 1 8 6]", []any{of(1, 1, 4, 3), nn.Attr{Name: "scales", Kind: nn.AttrFloats, Floats: []float32{1, 1, 2, 2}}}},
		{"Range", "f32 [10]", []any{floats(0), floats(1), floats(0.1)}},
		{"Range", "i64 [3]", []any{number(5), number(-1), number(-2)}},
		{"Cast", "f16 [3]", []any{of(3), num("to", 10)}},
		{"Equal", "bool [3 4]", []any{of(3, 1), of(4)}},
		{"TopK", "f32 [2 3], i64 [2 3]", []any{of(2, 5), list(3)}},
		{"LSTM", "f32 [7 2 3 4], f32 [2 3 4], f32 [2 3 4]", []any{of(7, 3, 5), of(2, 16, 5), of(2, 16, 4), word("direction", "bidirectional")}},
		{"Einsum", "f32 [9 2 4]", []any{of(9, 2, 3), of(3, 4), word("equation", "...ij,jk->...ik")}},
		{"Einsum", "f32 [2 4]", []any{of(2, 3), of(3, 4), word("equation", "ij, jk")}},
		{"Constant", "i64 [2]", []any{ints("value_ints", 1, 2)}},
		{"ConstantOfShape", "f32 [2 0]", []any{list(2, 0)}},
		{"NonMaxSuppression", "i64 of unknown shape", []any{of(1, 6, 4), of(1, 2, 6)}},
	} {
		out, err := apply(c.op, strings.Count(c.want, ", ")+1, c.args...)
		var not *infer.Unknown
		if got := texts(out); got != c.want || err != nil && !errors.As(err, &not) {
			t.Errorf("%s of %v: %s, %v; want %s", c.op, c.args, got, err, c.want)
		}
	}
}

// TestAttention: heads are an axis or lie in the last one; a cache goes before keys and values.
func TestAttention(t *testing.T) {
	for _, c := range []struct {
		want string
		args []any
	}{
		{"f32 [1 7 8]", []any{of(1, 7, 12), of(1, 9, 6), of(1, 9, 4), num("q_num_heads", 4), num("kv_num_heads", 2)}},
		{"f32 [1 4 7 5]", []any{of(1, 4, 7, 3), of(1, 4, 9, 3), of(1, 4, 9, 5)}},
		{"f32 [1 4 7 5], f32 [1 4 11 3], f32 [1 4 11 5], f32 [1 4 7 11]",
			[]any{of(1, 4, 7, 3), of(1, 4, 9, 3), of(1, 4, 9, 5), absent, of(1, 4, 2, 3), of(1, 4, 2, 5)}},
		{"refused", []any{of(1, 7, 12), of(1, 9, 6), of(1, 9, 6), num("q_num_heads", 4), num("kv_num_heads", 3)}},
	} {
		out, err := apply("Attention", strings.Count(c.want, ", ")+1, c.args...)
		if got := texts(out); (err != nil) != (c.want == "refused") || err == nil && got != c.want {
			t.Errorf("%v: %s, %v; want %s", c.args, got, err, c.want)
		}
	}
}

// TestRefusals: what does not fit is named.
func TestRefusals(t *testing.T) {
	huge := int64(math.MaxInt64)
	for _, c := range []struct {
		op, want string
		args     []any
	}{
		{"Conv", "kernel_shape is [1 3]", []any{of(1, 160, 1, 1), of(160, 1, 3, 3), of(160), num("group", 160), ints("kernel_shape", 1, 3), ints("pads", 1, 2147483647, 1, 1)}},
		{"Conv", "bias has the shape [46]", []any{of(1, 48, 28, 28), of(48, 1, 3, 3), of(46), num("group", 48), ints("pads", 65536, 1, 1, 1)}},
		{"Conv", "attribute pads has 2147483647", []any{of(1, 3, 4, 4), of(3, 3, 3, 3), ints("pads", 1, 2147483647, 1, 1)}},
		{"Conv", "attribute pads has 3 numbers, want 4", []any{of(1, 3, 4, 4), of(3, 3, 3, 3), ints("pads", 1, 1, 1)}},
		{"Conv", "attribute strides has 0", []any{of(1, 3, 4, 4), of(3, 3, 3, 3), ints("strides", 0, 1)}},
		{"Conv", "attribute dilations has 9223372036854775807", []any{of(1, 3, 4, 4), of(3, 3, 3, 3), ints("dilations", 1, huge)}},
		{"Conv", "spans 9", []any{of(1, 3, 4, 4), of(3, 3, 3, 3), ints("dilations", 4, 4)}},
		{"Conv", "attribute group is 0", []any{of(1, 3, 4, 4), of(3, 3, 3, 3), num("group", 0)}},
		{"Conv", "in 2 groups", []any{of(1, 6, 4, 4), of(3, 3, 3, 3), num("group", 2)}},
		{"Conv", "auto_pad is", []any{of(1, 3, 4, 4), of(3, 3, 3, 3), word("auto_pad", "SOME")}},
		{"Conv", "kind 2", []any{of(1, 3, 4, 4), of(3, 3, 3, 3), num("auto_pad", 1)}},
		{"Conv", "operand 1 is missing", []any{of(1, 3, 4, 4), absent}},
		{"Conv", "at most 3", []any{of(1, 3, 4, 4), of(3, 3, 3, 3), of(3), of(3)}},
		{"Conv", "earlier one of f32", []any{of(1, 3, 4, 4), typed(nn.Float16, 3, 3, 3, 3)}},
		{"ConvTranspose", "would become", []any{of(1, 1, 1, 1), of(1, 1, 1, 1), ints("pads", 3, 3, 3, 3)}},
		{"MaxPool", "want two less", []any{of(1, 3, 4, 4), ints("kernel_shape", 3)}},
		{"GroupNormalization", "in 4 groups", []any{of(2, 6, 4), of(6), of(6), num("num_groups", 4)}},
		{"Add", "does not broadcast", []any{of(2, 3), of(2, 4)}},
		{"And", "want bool", []any{of(2), of(2)}},
		{"Gather", "want int", []any{of(2), of(2)}},
		{"MatMul", "inner extents 3 and 4", []any{of(2, 3), of(4, 2)}},
		{"Gemm", "inner extents 3 and 5", []any{of(2, 3), of(4, 5), num("transB", 1)}},
		{"Gemm", "bias has the shape [3]", []any{of(2, 3), of(3, 4), of(3)}},
		{"Reshape", "6 elements", []any{of(2, 3), list(7)}},
		{"Reshape", "two extents open", []any{of(2, 3), list(-1, -1)}},
		{"Reshape", "any extent would do", []any{of(0, 3), list(-1, 0), num("allowzero", 1)}},
		{"Reshape", "extent -2", []any{of(2, 3), list(-2, 3)}},
		{"Expand", "extent 9223372036854775807", []any{of(1), list(huge)}},
		{"Expand", "more than 1099511627776 elements", []any{of(1), list(1<<30, 1<<30, 1<<30)}},
		{"Tile", "repeats", []any{of(2), list(huge)}},
		{"Tile", "extent 4294967294", []any{of(2), list(math.MaxInt32)}},
		{"Transpose", "does not permute", []any{of(2, 3), ints("perm", 0, 0)}},
		{"Concat", "operand 1 has the shape", []any{of(2, 3), of(3, 3), num("axis", 1)}},
		{"Split", "cannot be cut", []any{of(7), list(3, 3)}},
		{"Squeeze", "axis 0 has extent 2", []any{of(2, 1), ints("axes", 0)}},
		{"Unsqueeze", "twice", []any{of(2), ints("axes", 0, 0)}},
		{"Slice", "do not match", []any{of(4), list(0, 0), list(1)}},
		{"Slice", "steps [0]", []any{of(4), list(0), list(1), list(0), list(0)}},
		{"Pad", "extent -1", []any{of(2), list(-2, -1)}},
		{"Pad", "beyond", []any{of(2), list(huge, 0)}},
		{"TopK", "takes 6", []any{of(5), list(6)}},
		{"Range", "steps of 0", []any{number(0), number(1), number(0)}},
		{"Range", "beyond", []any{number(math.MinInt64), number(huge), number(1)}},
		{"Resize", "scales", []any{of(1, 1, 2, 2), absent, floats(1, 1)}},
		{"Resize", "not possible", []any{of(1, 1, 2, 2), absent, floats(1, 1, float32(math.NaN()), 1)}},
		{"Relu", "between 0 and", []any{of(2, -1)}},
	} {
		_, err := apply(c.op, 1, c.args...)
		var not *infer.Unknown
		if err == nil || errors.As(err, &not) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %v: %v; want an error with %q", c.op, c.args, err, c.want)
		}
	}
}

// TestUnknowns: nothing is guessed where a shape depends on what only the running network knows.
func TestUnknowns(t *testing.T) {
	computed := typed(nn.Int64, 2)
	for _, c := range []struct {
		op, want string
		args     []any
	}{
		{"NoSuchOperator", "there is no rule", []any{of(2)}},
		{"If", "there is no rule", []any{typed(nn.Bool)}},
		{"Reshape", "its shape, are not known", []any{of(2, 3), computed}},
		{"ReduceSum", "its axes, are not known", []any{of(2, 3), computed}},
		{"Relu", "operand 0 is not known", []any{infer.Value{Unknown: true}}},
		{"TopK", "computed when the network runs", []any{of(2, 3), typed(nn.Int64, 1)}},
		{"ConstantOfShape", "computed when the network runs", []any{computed}},
		{"Resize", "computed when the network runs", []any{of(1, 1, 2, 2), absent, of(4)}},
		{"Range", "how they are rounded", []any{floats(0), floats(0.3), floats(0.1)}},
		{"Concat", "along which axis", []any{of(2)}},
		{"Expand", "leaves the batch open", []any{of(1, 1, 3), list(-1, 1, 1)}},
	} {
		out, err := apply(c.op, 1, c.args...)
		var not *infer.Unknown
		if !errors.As(err, &not) || !strings.Contains(err.Error(), c.want) || !out[0].Unknown {
			t.Errorf("%s of %v: %s, %v; want unknown, with %q", c.op, c.args, texts(out), err, c.want)
		}
	}
}

// TestElements: shapes that a network computes are followed; what overflows is unknown.
func TestElements(t *testing.T) {
	for _, c := range []struct {
		op, want string
		args     []any
	}{
		{"Shape", "[3 4]", []any{of(2, 3, 4, 5), num("start", 1), num("end", -1)}},
		{"Size", "[24]", []any{of(2, 3, 4)}},
		{"Gather", "[7 5]", []any{list(5, 6, 7), list(-1, 0)}},
		{"Slice", "[7 6]", []any{list(5, 6, 7), list(-1), list(0), list(0), list(-1)}},
		{"Concat", "[1 2 3]", []any{list(1), list(2, 3), num("axis", 0)}},
		{"Mul", "[6 8]", []any{list(3, 4), number(2)}},
		{"Mul", "[]", []any{list(math.MaxInt64), number(2)}},
		{"Add", "[]", []any{list(math.MaxInt64), number(1)}},
		{"Sub", "[]", []any{list(math.MinInt64), number(1)}},
		{"Div", "[]", []any{list(7), number(0)}},
		{"Div", "[]", []any{list(-7), number(2)}},
		{"Equal", "[0 1]", []any{list(3, 4), number(4)}},
		{"Expand", "[4 4]", []any{list(4), list(2)}},
		{"Range", "[1 4 7]", []any{number(1), number(8), number(3)}},
		{"Unsqueeze", "[4]", []any{number(4), list(0)}},
		{"Cast", "[]", []any{list(1 << 40), num("to", int64(nn.Int32))}},
	} {
		out, err := apply(c.op, 1, c.args...)
		if got := fmt.Sprint(out[0].Ints); err != nil || got != c.want {
			t.Errorf("%s of %v: elements %s, %v; want %s", c.op, c.args, got, err, c.want)
		}
	}
}

// TestOperatorsOfTheTable: all but those that run subgraphs have a rule.
func TestOperatorsOfTheTable(t *testing.T) {
	for _, o := range operators.All() {
		if has := infer.Has(o.Domain, o.Name); has == (o.Class == operators.Control) {
			t.Errorf("%s %s: has a rule: %v", o.Domain, o.Name, has)
		}
	}
	if infer.Has("com.example", "Conv") || !infer.Has("ai.onnx", "Conv") {
		t.Error("domains are not told apart")
	}
}

// TestGraph: a network that contradicts itself is told, each node once, with what it declares and what its operators make.
func TestGraph(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{1, 3, 8, 8})
		x = b.Conv(x, nn.Conv{Name: "conv", Weight: nn.Param{Name: "w", Shape: nn.Shape{4, 3, 3, 3}}, Kernel: []int{3, 3}})
		for range 20 {
			x = b.Act(x, nn.Relu())
		}
		y := b.Op(nn.Op{Type: "Gather", Name: "pick", Attrs: []nn.Attr{num("axis", 1)}, Shapes: []nn.Shape{{1, 2, 6, 6}}}, x, b.Param(nn.Param{Name: "i", Type: nn.Int64, Shape: nn.Shape{2}}))
		z := b.Op(nn.Op{Type: "Strange", Name: "strange", Shapes: []nn.Shape{{7}}}, y[0])
		b.Output("z", z[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := infer.Graph(g, nil); err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(g.Values, func(i nn.Info) bool { return i.Name == "conv_output_0" })
	g.Values[at].Shape = nn.Shape{1, 4, 5, 6}
	err = infer.Graph(g, nil)
	if got, want := fmt.Sprint(err), `node "conv" (Conv): its result "conv_output_0" is declared as f32 [1 4 5 6], the operator makes f32 [1 4 6 6]`; !strings.HasPrefix(got, want) || strings.Count(got, "\n") != 1 {
		t.Errorf("%v\nwant %s, and that of the next node", err, want)
	}
	var m *infer.Misfit
	if !errors.As(err, &m) || m.Node.Name != "conv" || m.Result != "conv_output_0" || m.Inferred.Shape[2] != 6 {
		t.Errorf("the error is %#v", err)
	}
	for i := range g.Values {
		g.Values[i].Shape = nn.Shape{i + 1}
	}
	if err := infer.Graph(g, nil); strings.Count(fmt.Sprint(err), "\n") != 10 || !strings.Contains(err.Error(), "more") {
		t.Errorf("many mistakes are told as %v", err)
	}
	g.Values[1].Shape = nn.Shape{nn.Batch, 3}
	if err := infer.Graph(g, nil); err == nil || !strings.Contains(err.Error(), "bind the batch") {
		t.Errorf("an open batch: %v", err)
	}
}
