package supernet

import (
	"reflect"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

func param(name string, shape ...int) nn.Param { return nn.Param{Name: name, Shape: shape} }

func norm(name string, n int) nn.BatchNorm {
	return nn.BatchNorm{Name: name, Scale: param(name+".s", n), Bias: param(name+".b", n), Mean: param(name+".m", n), Var: param(name+".v", n), Epsilon: 1e-5}
}

func describe(t *testing.T, build func(b nn.Builder)) Op {
	t.Helper()
	g, err := nn.Record(build)
	if err != nil {
		t.Fatal(err)
	}
	var all []int
	for i := range g.Nodes {
		all = append(all, i)
	}
	o, err := OpOf(g.Bind(1), all)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// cases are operators and groups with what they are called.
var cases = []struct {
	key, kind string
	build     func(b nn.Builder)
}{
	{"Conv kernel_shape=3,3 pads=1,1,1,1 strides=2,2 (1x3x8x8; 16x3x3x3 16) -> 1x16x4x4", "Conv", func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 8, 8})
		b.Output("y", b.Conv(x, nn.Conv{Name: "c", Weight: param("w", 16, 3, 3, 3), Bias: param("b", 16), Kernel: []int{3, 3}, Strides: []int{2, 2}, Pads: []int{1, 1, 1, 1}}))
	}},
	{"Conv group=8 kernel_shape=3,3 (1x8x8x8; 8x1x3x3 8) -> 1x8x6x6", "DepthwiseConv", func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 8, 8, 8})
		y := b.Conv(x, nn.Conv{Name: "c", Weight: param("w", 8, 1, 3, 3), Kernel: []int{3, 3}, Groups: 8})
		b.Output("y", b.BatchNorm(y, norm("n", 8))) // the normalisation is a bias
	}},
	{"Conv kernel_shape=1,1 (i0 p0 p1) | Add (%0 i1) | Relu (%1) (1x4x2x2 1x8x2x2; 8x4x1x1 8) -> 1x8x2x2", "Conv+Add+Relu", func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 4, 2, 2})
		z := b.Input("z", nn.Float32, nn.Shape{nn.Batch, 8, 2, 2})
		y := b.BatchNorm(b.Conv(x, nn.Conv{Name: "c", Weight: param("w", 8, 4, 1, 1), Kernel: []int{1, 1}}), norm("n", 8))
		b.Output("y", b.Act(b.Add(y, z), nn.Relu()))
	}},
	{"Clip max=6.0 min=0.0 (1x4) -> 1x4", "Clip", func(b nn.Builder) {
		b.Output("y", b.Act(b.Input("x", nn.Float32, nn.Shape{nn.Batch, 4}), nn.Clip(0, 6)))
	}},
	{"Pow (i0 f32:()[2.0,]) (1x4) -> 1x4", "Pow", func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 4})
		two := b.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_float", Kind: nn.AttrFloat, Float: 2}}})
		b.Output("y", b.Op(nn.Op{Type: "Pow"}, x, two[0])[0])
	}},
	{`Resize coordinate_transformation_mode="half\x5fpixel" sizes=1,4,8,8 (1x4x4x4) -> 1x4x8x8`, "Resize", func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 4, 4, 4})
		op := nn.Op{Type: "Resize", Attrs: []nn.Attr{
			{Name: "coordinate_transformation_mode", Kind: nn.AttrString, String: "half_pixel"}, {Name: "sizes", Kind: nn.AttrInts, Ints: []int64{1, 4, 8, 8}},
		}}
		b.Output("y", b.Op(op.Yields(nn.Shape{nn.Batch, 4, 8, 8}), x)[0])
	}},
	{"Split axis=1 split=1,3 (1x4) -> 1x1 1x3", "Split", func(b nn.Builder) {
		for i, v := range b.Split(b.Input("x", nn.Float32, nn.Shape{nn.Batch, 4}), 1, 1, 3) {
			b.Output([]string{"a", "b"}[i], v)
		}
	}},
}

// TestKeysAndGraphs: an operator has its key, and the network that its key describes is the same operator.
func TestKeysAndGraphs(t *testing.T) {
	for _, c := range cases {
		o := describe(t, c.build)
		want := strings.ReplaceAll(strings.ReplaceAll(c.key, "f32:()", "()"), `\x5f`, "_")
		if o.Key() != want || o.Kind() != c.kind {
			t.Errorf("%s, kind %s; want %s, kind %s", o.Key(), o.Kind(), want, c.kind)
		}
		g, err := o.Graph()
		if err != nil {
			t.Errorf("%s: %v", o.Key(), err)
			continue
		}
		var all []int
		for i := range g.Nodes {
			all = append(all, i)
		}
		again, err := OpOf(g, all)
		if err != nil || again != o {
			t.Errorf("%s: its graph is %s, %v", o.Key(), again.Key(), err)
		}
	}
}

// TestFoldedIsKept: BatchNorm kept and BatchNorm folded are one operator, with as many parameters.
func TestFoldedIsKept(t *testing.T) {
	make := func(kept bool) Op {
		return describe(t, func(b nn.Builder) {
			x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 4, 2, 2})
			c := nn.Conv{Name: "c", Weight: param("w", 8, 4, 1, 1), Kernel: []int{1, 1}}
			if !kept {
				c.Bias = param("b", 8)
				b.Output("y", b.Conv(x, c))
				return
			}
			b.Output("y", b.BatchNorm(b.Conv(x, c), norm("n", 8)))
		})
	}
	if a, b := make(true), make(false); a != b || a.ParamCount() != 8*4+8 {
		t.Errorf("%+v and %+v, %d parameters", a, b, a.ParamCount())
	}
}

// TestAttributes: every kind of attribute comes back from its text.
func TestAttributes(t *testing.T) {
	for _, a := range []nn.Attr{
		{Name: "i", Kind: nn.AttrInt, Int: -3},
		{Name: "f", Kind: nn.AttrFloat, Float: 2},
		{Name: "f", Kind: nn.AttrFloat, Float: 1e-5},
		{Name: "s", Kind: nn.AttrString, String: `a "b" (c) | d, e=f`},
		{Name: "is", Kind: nn.AttrInts, Ints: []int64{7}},
		{Name: "is", Kind: nn.AttrInts, Ints: []int64{7, -8}},
		{Name: "fs", Kind: nn.AttrFloats, Floats: []float32{0.5}},
		{Name: "ss", Kind: nn.AttrStrings, Strings: []string{"x y", "z"}},
		{Name: "r", Kind: nn.AttrGraph, Raw: []byte{1, 2, 255}},
	} {
		text := attrText(a)
		back, err := parseAttr(text)
		if err != nil || !reflect.DeepEqual(a, back) || strings.ContainsAny(text, " |(") {
			t.Errorf("%+v is %s, which is %+v, %v", a, text, back, err)
		}
	}
}

// FuzzGraph: any text is a network or an error.
func FuzzGraph(f *testing.F) {
	for _, c := range cases {
		f.Add(c.key, "1x3x8x8", "16x3x3x3 16", "1x16x4x4")
	}
	f.Fuzz(func(_ *testing.T, steps, in, params, out string) {
		g, err := Op{Steps: steps, In: in, Params: params, Out: out}.Graph()
		if err == nil && len(g.Outputs) == 0 {
			panic("a network without outputs")
		}
	})
}
