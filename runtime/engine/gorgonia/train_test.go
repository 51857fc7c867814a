//go:build !riscv64

package gorgonia_test

import (
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/gorgonia"
	"github.com/autotailor/autotailor/runtime/nn"
)

// layer is a network of one layer under test; x has batch 4 and depends on a parameter, so that derivatives go through the layer.
type layer struct {
	shape nn.Shape // of x, without batch
	of    func(b nn.Builder, x nn.Value) nn.Value
}

func act(a nn.Act) layer {
	return layer{nn.Shape{3, 5}, func(b nn.Builder, x nn.Value) nn.Value { return b.Act(x, a) }}
}

func named(n string, list ...int64) nn.Attr { return nn.Attr{Name: n, Kind: nn.AttrInts, Ints: list} }

// op is an operator with attributes, whose result has a shape.
func op(name string, s nn.Shape, shapes []nn.Shape, attrs ...nn.Attr) layer {
	return layer{s, func(b nn.Builder, x nn.Value) nn.Value {
		out := b.Op(nn.Op{Type: name, Attrs: attrs, Shapes: shapes, Outputs: len(shapes)}, x)
		return out[len(out)-1]
	}}
}

func convolved(in int, c nn.Conv) layer {
	return layer{nn.Shape{in, 7, 6}, func(b nn.Builder, x nn.Value) nn.Value { return b.Conv(x, c) }}
}

// positive makes what has no derivative, or none that is bounded, near zero or below.
func positive(b nn.Builder, x nn.Value) nn.Value {
	return b.Add(b.Act(x, nn.Act{Type: "Exp"}), b.Act(x, nn.Act{Type: "Sigmoid"}))
}

// transformed is the layer that has a kernel transform.
const transformed = "Conv with a transform"

var layers = map[string]layer{
	"Conv":         convolved(3, nn.Conv{Name: "c", Weight: param("w", 5, 3, 3, 3), Bias: param("b", 5), Kernel: []int{3, 3}, Pads: []int{1, 1, 1, 1}}),
	"Conv strided": convolved(4, nn.Conv{Name: "c", Weight: param("w", 6, 4, 3, 2), Kernel: []int{3, 2}, Strides: []int{2, 3}}.Out(5)),
	"Conv grouped": convolved(4, nn.Conv{Name: "c", Weight: param("w", 6, 2, 3, 3), Kernel: []int{3, 3}, Dilations: []int{2, 1}, Groups: 2}),
	"Conv of channels": convolved(3, nn.Conv{
		Name: "c", Weight: param("w", 3, 1, 5, 5), Kernel: []int{5, 5}, Pads: []int{2, 2, 2, 2}, Groups: 3,
	}.Crop(3)),
	transformed: convolved(3, nn.Conv{Name: "c", Weight: param("w", 4, 3, 5, 5), Kernel: []int{5, 5}, Pads: []int{2, 2, 2, 2}}.Crop(3)),
	"Gemm": {nn.Shape{6}, func(b nn.Builder, x nn.Value) nn.Value {
		return b.Linear(x, nn.Linear{Name: "l", Weight: param("w", 7, 6), Bias: param("b", 7), TransB: true})
	}},
	"MatMul": {nn.Shape{5, 6}, func(b nn.Builder, x nn.Value) nn.Value {
		w := param("w", 6, 9)
		w.Transposed = true
		return b.Linear(x, nn.Linear{Name: "l", Weight: w.Cut(1, 5)})
	}},
	"MatMul batched": {nn.Shape{2, 3, 4}, func(b nn.Builder, x nn.Value) nn.Value { return b.MatMul(x, b.Transpose(x, 0, 1, 3, 2)) }},
	"MaxPool": {nn.Shape{3, 6, 6}, func(b nn.Builder, x nn.Value) nn.Value {
		return b.Pool(x, nn.Pool{Kind: nn.Max, Kernel: []int{2, 2}, Strides: []int{2, 2}})
	}},
	"BatchNormalization": {nn.Shape{3, 4, 5}, func(b nn.Builder, x nn.Value) nn.Value {
		return b.BatchNorm(x, nn.BatchNorm{Name: "n", Scale: param("s", 3), Bias: param("b", 3), Mean: param("m", 3), Var: param("v", 3), Epsilon: 1e-3})
	}},
	"LayerNormalization": {nn.Shape{4, 6}, func(b nn.Builder, x nn.Value) nn.Value {
		return b.LayerNorm(x, nn.LayerNorm{Name: "n", Scale: param("s", 6), Bias: param("b", 6), Axis: -1, Epsilon: 1e-5})
	}},
	"Softmax":           {nn.Shape{4, 6}, func(b nn.Builder, x nn.Value) nn.Value { return b.Softmax(x, 1) }},
	"GlobalAveragePool": {nn.Shape{3, 4, 5}, func(b nn.Builder, x nn.Value) nn.Value { return b.Pool(x, nn.Pool{Kind: nn.GlobalAverage}) }},
	"ReduceMean":        {nn.Shape{3, 4, 5}, func(b nn.Builder, x nn.Value) nn.Value { return b.Mean(x, false, 1, 3) }},
	"ReduceSum":         op("ReduceSum", nn.Shape{3, 4}, []nn.Shape{{nn.Batch, 3, 1}}, named("axes", -1)),

	"Add": {nn.Shape{3, 4}, func(b nn.Builder, x nn.Value) nn.Value { return b.Add(b.Param(param("y", 4)), x) }},
	"Add of a map": {nn.Shape{10, 4}, func(b nn.Builder, x nn.Value) nn.Value {
		return b.Add(b.Param(param("y", 1, 17, 4).Grid(1, 1, 4, 3)), x) // interpolated from 4x4 to 3x3, behind one position of its own
	}},
	"Sub": {nn.Shape{3, 4}, func(b nn.Builder, x nn.Value) nn.Value { return b.Sub(x, b.Param(param("y", 3, 1))) }},
	"Mul": {nn.Shape{3, 4}, func(b nn.Builder, x nn.Value) nn.Value { return b.Mul(x, b.Mean(x, true, 1)) }},
	"Div": {nn.Shape{3, 4}, func(b nn.Builder, x nn.Value) nn.Value { return b.Div(x, positive(b, x)) }},

	"Relu": act(nn.Relu()), "Sigmoid": act(nn.Sigmoid()), "Tanh": act(nn.Tanh()), "HardSwish": act(nn.HardSwish()), "Clip": act(nn.Clip(-0.5, 0.7)),
	"Exp": act(nn.Act{Type: "Exp"}), "Neg": act(nn.Act{Type: "Neg"}), "Abs": act(nn.Act{Type: "Abs"}), "Sin": act(nn.Act{Type: "Sin"}),
	"Cos": act(nn.Act{Type: "Cos"}), "Softplus": act(nn.Act{Type: "Softplus"}), "LeakyRelu": act(nn.Act{Type: "LeakyRelu"}),
	"HardSigmoid": act(nn.Act{Type: "HardSigmoid"}), "Swish": act(nn.Act{Type: "Swish"}),
	"Gelu": act(nn.Act{Type: "Gelu", Attrs: []nn.Attr{{Name: "approximate", Kind: nn.AttrString, String: "tanh"}}}),
	"Log":  {nn.Shape{3, 4}, func(b nn.Builder, x nn.Value) nn.Value { return b.Act(positive(b, x), nn.Act{Type: "Log"}) }},
	"Sqrt": {nn.Shape{3, 4}, func(b nn.Builder, x nn.Value) nn.Value { return b.Act(positive(b, x), nn.Act{Type: "Sqrt"}) }},
	"Reciprocal": {nn.Shape{3, 4}, func(b nn.Builder, x nn.Value) nn.Value {
		return b.Act(positive(b, x), nn.Act{Type: "Reciprocal"})
	}},

	"Identity":  act(nn.Act{Type: "Identity"}),
	"Dropout":   act(nn.Act{Type: "Dropout"}),
	"Flatten":   {nn.Shape{3, 4}, func(b nn.Builder, x nn.Value) nn.Value { return b.Flatten(x, 1) }},
	"Reshape":   {nn.Shape{3, 4}, func(b nn.Builder, x nn.Value) nn.Value { return b.Reshape(x, nn.Shape{nn.Batch, 2, 6}) }},
	"Squeeze":   op("Squeeze", nn.Shape{3, 1}, []nn.Shape{{nn.Batch, 3}}, named("axes", 2)),
	"Unsqueeze": op("Unsqueeze", nn.Shape{3}, []nn.Shape{{nn.Batch, 1, 3}}, named("axes", 1)),
	"Transpose": {nn.Shape{3, 4, 5}, func(b nn.Builder, x nn.Value) nn.Value { return b.Transpose(x, 0, 3, 1, 2) }},
	"Concat": {nn.Shape{3, 4}, func(b nn.Builder, x nn.Value) nn.Value {
		return b.Concat(1, x, b.Act(x, nn.Tanh()), x)
	}},
	"Split": {nn.Shape{3, 5}, func(b nn.Builder, x nn.Value) nn.Value {
		parts := b.Split(x, 2, 3, 2)
		return b.Concat(2, parts[1], parts[0])
	}},
	"Slice": op("Slice", nn.Shape{5, 6}, []nn.Shape{{nn.Batch, 2, 3}}, named("axes", 1, -1), named("ends", 4, 9), named("starts", 1, -5), named("steps", 2, 2)),
	"Gather": {nn.Shape{5, 2}, func(b nn.Builder, x nn.Value) nn.Value {
		index := b.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{named("value_ints", 4, 0, -1)}})[0]
		return b.Op(nn.Op{Type: "Gather", Attrs: []nn.Attr{{Name: "axis", Kind: nn.AttrInt, Int: 1}}, Shapes: []nn.Shape{{nn.Batch, 3, 2}}}, x, index)[0]
	}},
	"Expand": op("Expand", nn.Shape{1, 3, 1}, []nn.Shape{{nn.Batch, 2, 3, 2}}),
}

// network puts a layer behind a product with a parameter.
func (l layer) network(b nn.Builder) {
	x := b.Input("x", nn.Float32, append(nn.Shape{nn.Batch}, l.shape...))
	b.Output("y", l.of(b, b.Mul(x, b.Param(param("first", l.shape...)))))
}

// gradients trains a network once.
func gradients(t *testing.T, e engine.Trainer, g *nn.Graph, w nn.MapWeights, batch int) engine.Params {
	t.Helper()
	params := engine.Params{}
	for name, v := range w {
		params[name] = &engine.Trainable{Shape: v.Shape, Value: v.Float32s(), Grad: make([]float32, v.Shape.Count())}
	}
	training, err := e.Train(g, params)
	if err != nil {
		t.Fatal(err)
	}
	in := normal(1, g.Values[g.Inputs[0]].Shape.Bind(batch))
	for range 2 { // the second one adds
		out, err := training.Forward(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := training.Backward(normal(2, out[0].Shape)); err != nil {
			t.Fatal(err)
		}
	}
	if err := training.Close(); err != nil {
		t.Error(err)
	}
	return params
}

// normal is a tensor of random numbers.
func normal(seed int, s nn.Shape) nn.Tensor {
	v := make([]float32, 0, s.Count())
	for i := range s.Count() {
		v = append(v, picture(seed).View()[(37*i)%3072])
	}
	return nn.FromFloat32s(s, v)
}

// TestEveryExpressionAgrees differentiates every operator that Gorgonia has an expression of, and compares with ours.
func TestEveryExpressionAgrees(t *testing.T) {
	needs.Time(t)
	tested := map[string]bool{}
	for name, l := range layers {
		t.Run(name, func(t *testing.T) {
			tested[strings.Fields(name)[0]] = true
			g, w := made(t, l.network)
			if name == transformed {
				w["w.kernel3x3"] = normal(3, nn.Shape{9, 25})
			}
			ours := gradients(t, embedded.New(embedded.Options{Threads: 1}), g, w, 4)
			theirs := gradients(t, gorgonia.New(gorgonia.Options{Threads: 1}), g, w, 4)
			for name := range w {
				if name == "m" || name == "v" { // statistics, which training does not read
					continue
				}
				if d := distance(ours[name].Grad, theirs[name].Grad); !(d < 1e-5) {
					t.Errorf("gradients with respect to %s are %g off:\n%v\n%v", name, d, ours[name].Grad, theirs[name].Grad)
				}
			}
		})
	}
	for _, name := range gorgonia.Operators() {
		if !tested[name] {
			t.Errorf("%s is not tested", name)
		}
	}
}

// TestTrainsItselfOrRefuses: training runs in Gorgonia's operators, and what these lack is named node by node. Nothing is left to the embedded
// engine in silence.
func TestTrainsItselfOrRefuses(t *testing.T) {
	g, w := made(t, func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 8, 8})
		x = conv(b, "stem", x, 3, 4, 3, 1, 1, &nn.Act{Type: "Gelu"})
		x = b.Pool(x, nn.Pool{Name: "pool", Kind: nn.Max, Kernel: []int{3, 3}, Strides: []int{2, 2}, Pads: []int{1, 1, 1, 1}})
		b.Output("y", b.Act(x, nn.Act{Type: "Elu"}))
	})
	e := gorgonia.New(gorgonia.Options{})
	params := engine.Params{}
	for name, v := range w {
		params[name] = &engine.Trainable{Shape: v.Shape, Value: v.Float32s()}
	}
	_, err := e.Train(g, params)
	for _, want := range []string{"(Gelu): Gorgonia has no Erf", `"pool" (MaxPool): Gorgonia pads`, "(Elu): Gorgonia has no such operator"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	var any engine.Engine = e
	if _, shares := any.(engine.Sharer); shares {
		t.Error("weights are shared by the embedded engine")
	}
}
