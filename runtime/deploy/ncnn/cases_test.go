package ncnn_test

import (
	"testing"

	"github.com/autotailor/autotailor/runtime/deploy/ncnn"
	"github.com/autotailor/autotailor/runtime/nn"
)

// cases has operators that the families do not cover, or not alone.
var cases = []struct {
	name  string
	in    nn.Shape
	build func(b nn.Builder, x nn.Value) nn.Value
}{
	{"windows", nn.Shape{nn.Batch, 4, 7, 9}, func(b nn.Builder, x nn.Value) nn.Value {
		x = b.Pool(x, nn.Pool{Kind: nn.Max, Kernel: []int{3, 2}, Strides: []int{2, 1}, Pads: []int{1, 0, 1, 1}})
		return b.Pool(x, nn.Pool{Kind: nn.Average, Kernel: []int{2, 2}, Pads: []int{1, 1, 0, 0}})
	}},
	{"padding counted", nn.Shape{nn.Batch, 2, 5, 5}, func(b nn.Builder, x nn.Value) nn.Value {
		return b.Pool(x, nn.Pool{Kind: nn.Average, Kernel: []int{3, 3}, Strides: []int{2, 2}, Pads: []int{1, 1, 1, 1}, CountIncludePad: true})
	}},
	{"grouped and dilated", nn.Shape{nn.Batch, 4, 7, 9}, func(b nn.Builder, x nn.Value) nn.Value {
		x = b.Conv(x, nn.Conv{Name: "c", Weight: nn.Param{Name: "w", Shape: nn.Shape{6, 2, 3, 2}}, Bias: nn.Param{Name: "b", Shape: nn.Shape{6}}, Kernel: []int{3, 2}, Dilations: []int{2, 1}, Strides: []int{1, 2}, Pads: []int{1, 0, 2, 1}, Groups: 2})
		return b.Act(x, nn.Act{Type: "LeakyRelu", Attrs: []nn.Attr{{Name: "alpha", Kind: nn.AttrFloat, Float: 0.25}}})
	}},
	{"one blob, several readers", nn.Shape{nn.Batch, 3, 4}, func(b nn.Builder, x nn.Value) nn.Value {
		y := b.Act(x, nn.Sigmoid())
		return b.Add(b.Mul(x, y), b.Sub(b.Act(y, nn.Tanh()), b.Mul(y, y)))
	}},
	{"steps", nn.Shape{nn.Batch, 5, 7, 3}, func(b nn.Builder, x nn.Value) nn.Value {
		list := func(name string, v ...int64) nn.Attr { return nn.Attr{Name: name, Kind: nn.AttrInts, Ints: v} }
		return b.Op(nn.Op{Type: "Slice", Name: "slice", Attrs: []nn.Attr{list("axes", 1, 2), list("ends", 5, -1), list("starts", 0, 1), list("steps", 2, 3)}}.Yields(nn.Shape{nn.Batch, 3, 2, 3}), x)[0]
	}},
	{"four axes", nn.Shape{nn.Batch, 2, 3, 4, 5}, func(b nn.Builder, x nn.Value) nn.Value {
		x = b.Transpose(x, 0, 3, 1, 4, 2)
		p := b.Split(x, 1, 1, 3)
		return b.Concat(1, p[1], p[0])
	}},
	{"swapped constants", nn.Shape{nn.Batch, 3, 4}, func(b nn.Builder, x nn.Value) nn.Value {
		x = b.Sub(b.Param(nn.Param{Name: "a", Shape: nn.Shape{3, 1}}), x)
		return b.Add(b.Mul(b.Param(nn.Param{Name: "s", Shape: nn.Shape{1}}), x), b.Param(nn.Param{Name: "c", Shape: nn.Shape{1, 1, 4}}))
	}},
	{"means", nn.Shape{nn.Batch, 3, 4, 5}, func(b nn.Builder, x nn.Value) nn.Value {
		return b.Mean(b.Mean(x, true, 1), false, 3)
	}},
	{"normalised as it is", nn.Shape{nn.Batch, 3, 4, 5}, func(b nn.Builder, x nn.Value) nn.Value {
		p := func(n string) nn.Param { return nn.Param{Name: n, Shape: nn.Shape{3}} }
		x = b.BatchNorm(x, nn.BatchNorm{Name: "bn", Scale: p("s"), Bias: p("b"), Mean: p("m"), Var: nn.Param{Name: "v", Shape: nn.Shape{3}}, Epsilon: 1e-3})
		return b.LayerNorm(x, nn.LayerNorm{Name: "ln", Scale: nn.Param{Name: "g", Shape: nn.Shape{4, 5}}, Axis: 2, Epsilon: 1e-5})
	}},
	{"powers", nn.Shape{nn.Batch, 3, 4, 5}, func(b nn.Builder, x nn.Value) nn.Value {
		x = b.Add(b.Act(x, nn.Act{Type: "Sigmoid"}), b.Float(0.5))
		y := b.Add(b.Pow(x, b.Float(2)), b.Add(b.Pow(x, b.Float(0.5)), b.Pow(x, b.Float(1.5))))
		return b.Add(y, b.Add(b.Pow(b.Float(2), x), b.Pow(x, x)))
	}},
	{"coordinates of five axes", nn.Shape{nn.Batch, 3, 4, 5, 2}, func(b nn.Builder, x nn.Value) nn.Value {
		x = b.Add(x, b.Param(nn.Param{Name: "grid", Shape: nn.Shape{1, 1, 4, 5, 2}}))
		return b.Mul(x, b.Param(nn.Param{Name: "anchors", Shape: nn.Shape{1, 3, 1, 1, 2}}))
	}},
	{"softmax over channels", nn.Shape{nn.Batch, 3, 4, 5}, func(b nn.Builder, x nn.Value) nn.Value { return b.Softmax(x, 1) }},
}

// TestCases: each case gives the same in the embedded engine and in the files.
func TestCases(t *testing.T) {
	program := buildReal(t)
	for k, c := range append(cases, imageCases...) {
		t.Run(c.name, func(t *testing.T) {
			g, err := nn.Record(func(b nn.Builder) { b.Output("y", c.build(b, b.Input("x", nn.Float32, c.in))) })
			if err != nil {
				t.Fatal(err)
			}
			in := noise(c.in.Bind(1), uint64(k))
			m, err := ncnn.Export(g, drawn(g), ncnn.Options{})
			if err != nil {
				t.Fatal(err)
			}
			fixed(t, g, drawn(g), ncnn.Options{}, m)
			want := embeddedRun(t, g, drawn(g), in)
			if d := distance(want, runFiles(t, m, false, in)); !(d < sameAsSubNet) {
				p, _, _ := m.Encode(false)
				t.Errorf("%g from the graph\n%s", d, p)
			}
			(&real{t: t, program: program}).compare(c.name, m, in, want)
		})
	}
}

// fixed exports the twin of a network whose batch is fixed at 1: it has the same layers.
func fixed(t *testing.T, g *nn.Graph, w nn.Weights, o ncnn.Options, want *ncnn.Model) {
	t.Helper()
	twin, err := ncnn.Export(g.Bind(1), w, o)
	if err != nil {
		t.Errorf("with a fixed batch: %v", err)
		return
	}
	a, _, err := want.Encode(false)
	b, _, err2 := twin.Encode(false)
	if err != nil || err2 != nil || string(a) != string(b) {
		t.Errorf("with a fixed batch: %v, %v\n%s\nwant\n%s", err, err2, b, a)
	}
}

// drawn has random values for every parameter; they are positive, so that they can be variances.
func drawn(g *nn.Graph) nn.MapWeights {
	w := nn.MapWeights{}
	for i, v := range g.Values {
		if v.Param == nil {
			continue
		}
		t := noise(v.Param.Shape, uint64(i))
		data := t.Float32s()
		for k := range data {
			data[k] = data[k]*data[k] + 0.1
		}
		w[v.Param.Name] = nn.FromFloat32s(v.Param.Shape, data)
	}
	return w
}
