package view

import (
	"fmt"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/testgraph"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/templates"
)

// printer is a Visitor that writes a call as a person would, with the names of the graph's values.
type printer struct {
	names map[ir.ValueID]string
	args  []string
}

func (p *printer) add(format string, args ...any) {
	p.args = append(p.args, fmt.Sprintf(format, args...))
}

func (p *printer) Operands(ids []ir.ValueID) {
	for _, id := range ids {
		p.add("%s", p.names[id])
	}
}

func (p *printer) Numbers(list []int)          { p.add("%v", list) }
func (p *printer) Flag(on bool)                { p.add("%t", on) }
func (p *printer) Sizes(dims []dim.Dim)        { p.add("sizes %v", extents(dims, nil)) }
func (p *printer) Shape(dims []dim.Dim)        { p.add("shape %v", extents(dims, nil)) }
func (p *printer) Ranges(list []nn.Range)      { p.add("%v", list) }
func (p *printer) Type(t nn.DType)             { p.add("type %d", t) }
func (p *printer) Constant(a nn.Attr)          { p.add("%d %v %g %v", a.Int, a.Ints, a.Float, a.Floats) }
func (p *printer) Yields(d []dim.Dim, r []int) { p.add("yields %v", shapes(extents(d, nil), r)) }

func (p *printer) Record(c *Call) {
	switch r := c.Rec; {
	case r.Conv != nil:
		p.add("%s %s k%v s%v p%v d%v g%d %s", r.Conv.Weight.Name, r.Conv.Bias.Name, r.Conv.Kernel, r.Conv.Strides, r.Conv.Pads, r.Conv.Dilations, r.Conv.Groups, r.Conv.AutoPad)
	case r.Linear != nil:
		p.add("%s %s %t %g %g %s", r.Linear.Weight.Name, r.Linear.Bias.Name, r.Linear.TransB, r.Linear.Alpha, r.Linear.Beta, r.Linear.BiasName)
	case r.BatchNorm != nil:
		p.add("%s %s %s %s %g", r.BatchNorm.Scale.Name, r.BatchNorm.Bias.Name, r.BatchNorm.Mean.Name, r.BatchNorm.Var.Name, r.BatchNorm.Epsilon)
	case r.LayerNorm != nil:
		p.add("%s %s %d %g", r.LayerNorm.Scale.Name, r.LayerNorm.Bias.Name, r.LayerNorm.Axis, r.LayerNorm.Epsilon)
	case r.Param != nil:
		p.add("%s from %q %v", r.Param.Name, r.Param.From, r.Param.Shape)
	case r.Pool != nil:
		p.add("%d k%v s%v p%v %t %t %s", r.Pool.Kind, r.Pool.Kernel, r.Pool.Strides, r.Pool.Pads, r.Pool.CeilMode, r.Pool.CountIncludePad, r.Pool.AutoPad)
	case r.Act != nil:
		p.add("%s%s", r.Act.Type, attrsText(r.Act.Attrs))
	case r.Resize != nil:
		p.add("%+v", *r.Resize)
	case r.Op != nil:
		p.add("%s.%s%s types %v", r.Op.Domain, r.Op.Type, attrsText(r.Op.Attrs), r.Op.Types)
	}
}

func attrsText(list []nn.Attr) string {
	out := ""
	for _, a := range list {
		out += fmt.Sprintf(" %s=%d %v %g %v %s", a.Name, a.Int, a.Ints, a.Float, a.Floats, a.String)
	}
	return out
}

// calls lists the calls of a model in which nothing can be chosen. The constants called so have these numbers; the graph's text has none.
func calls(t *testing.T, body string, numbers map[string][]float32) ([]string, error) {
	t.Helper()
	g, err := testgraph.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range g.Values[1:] {
		if list, ok := numbers[v.Name]; ok {
			v.Const.Raw = nn.FromFloat32s(nn.Shape{len(list)}, list).Raw
		}
	}
	c, err := config.Read("test.toml", nil)
	if err != nil {
		t.Fatal(err)
	}
	net, err := supernet.Compile(g, c.Supernet(), templates.All())
	if err != nil {
		return nil, err
	}
	p, err := New(net, "small")
	if err != nil {
		return nil, err
	}
	names := map[ir.ValueID]string{0: "None"}
	for id, v := range g.Values[1:] {
		names[ir.ValueID(id+1)] = v.Name
	}
	var out []string
	for _, s := range p.Stages {
		for _, it := range s.Items {
			for k := range it.Calls {
				c := &it.Calls[k]
				v := &printer{names: names}
				c.Visit(v)
				for _, id := range c.Out {
					if names[id] == "" {
						names[id] = fmt.Sprintf("v%d", len(names))
					}
				}
				out = append(out, fmt.Sprintf("%v(%s)", c.Method, strings.Join(v.args, "; ")))
			}
		}
	}
	return out, nil
}

// TestCalls: what each operator becomes, in the order of the Builder's parameters.
func TestCalls(t *testing.T) {
	const image = "input x Nx4x6x6\n"
	for _, c := range []struct{ body, want string }{
		// layers
		{image + "y = Conv x [8,2,3,3] [8] group=2 pads=1,1,1,1 strides=2,2 dilations=1,1", "Conv(x; y.1 y.2 k[3 3] s[2 2] p[1 1 1 1] d[] g2 )"},
		{image + "y = Conv x [8,4,3,3] auto_pad=SAME_UPPER", "Conv(x; y.1  k[3 3] s[] p[] d[] g0 SAME_UPPER)"},
		{"input x Nx6\ny = Gemm x [5,6] [5] transB=1 alpha=0.5 beta=1.0", "Linear(x; y.1 y.2 true 0.5 0 )"},
		{"input x Nx6\nm = MatMul x [6,5]\ny = Add [5] m", "Linear(x; m.1 y.0 false 0 0 y)"},
		{"input x Nx6\nm = MatMul x [6,5]\ny = Add m [1]", "Linear(x; m.1  false 0 0 )\nParam(y.1 from \"\" [1])\nAdd(m; v6)"},
		{"input x Nx2x6\ninput w Nx6x2\ny = MatMul x w", "MatMul(x; w)"},
		{"input x Nx6\ny = Gemm x [6,5] [1,5]", ""},
		{image + "y = BatchNormalization x [4] [4] [4] [4] epsilon=0.25", "BatchNorm(x; y.1 y.2 y.3 y.4 0.25)"},
		{"input x Nx2x6\ny = LayerNormalization x [6] axis=-1", "LayerNorm(x; y.1  -1 1e-05)"},
		// activations
		{image + "y = HardSigmoid x alpha=0.25", "Act(x; HardSigmoid alpha=0 [] 0.25 [] )"},
		{image + "y = Clip x min=0.0 max=6.0", "Act(x; Clip min=0 [] 0 []  max=0 [] 6 [] )"},
		// pools and means
		{image + "y = MaxPool x kernel_shape=3,3 strides=2,2 pads=1,1,1,1 ceil_mode=1", "Pool(x; 0 k[3 3] s[2 2] p[1 1 1 1] true false )"},
		{image + "y = AveragePool x kernel_shape=2,2 count_include_pad=1", "Pool(x; 1 k[2 2] s[] p[] false true )"},
		{image + "y = GlobalMaxPool x", "Pool(x; 2 k[] s[] p[] false false )"},
		{image + "y = GlobalAveragePool x", "Pool(x; 3 k[] s[] p[] false false )"},
		{image + "y = ReduceMean x axes=2,3 keepdims=0", "Mean(x; false; [2 3])"},
		{image + "y = ReduceMean x {-1}", "Mean(x; true; [-1])"},
		{image + "y = Softmax x", "Softmax(x; [-1])"},
		{image + "y = Softmax x axis=1", "Softmax(x; [1])"},
		// shapes
		{image + "y = Flatten x", "Flatten(x; [1])"},
		{image + "y = Reshape x {0,-1,9}", "Reshape(x; shape [-1 16 9])"},
		{image + "y = Unsqueeze x {1}", "Reshape(x; shape [-1 1 4 6 6])"},
		{image + "y = Transpose x perm=0,2,3,1", "Transpose(x; [0 2 3 1])"},
		{image + "y = Concat x x axis=-1", "Concat([-1]; x; x)"},
		{image + "y, z = Split x {1,3} axis=1", "Split(x; [1]; sizes [1 3])"},
		{image + "y, z = Split x {2,4} axis=-2", "Split(x; [2]; sizes [2 4])"},
		// what moves positions
		{image + "y = Slice x {0,1} {9223372036854775807,-1} {2,-1} {2,1}", "Slice(x; [{2 0 9223372036854775807 2} {-1 1 -1 1}])"},
		{image + "y = Slice x {1} {3} {1}", "Slice(x; [{1 1 3 0}])"},
		{image + "y = Slice x {0,0,1} {9,9,3}", ""},
		{image + "y = Gather x {2,0} axis=1", "Ints(0 [2 0] 0 [])\nGather(x; v4; [1])"},
		{"input i Nx3 : i64\ny = Gather [7,5] i", "Param(y.0 from \"\" [7 5])\nGather(v4; i; [0])"},
		{"input x Nx1x6\ny = Expand x {-1,4,1}", "Expand(x; shape [-1 4 1])"},
		{"input x Nx6\ny = Expand x {1,1,6}", ""},
		{image + "y = Pow x x", "Pow(x; x)"},
		{image + "y = Max x x x", "Max(x; x; x)"},
		{image + "y = Min x", "Min(x)"},
		{image + "c = Greater x x : bool\ny = Where c x x", "Op(.Greater types [bool]; yields [[-1 4 6 6]]; x; x)\nWhere(c; x; x)"},
		{image + "y = Cast x to=7 : i64", "Cast(x; type 7)"},
		// what is carried
		{image + "y = InstanceNormalization x [4] [4]", "Param(y.1 from \"\" [4])\nParam(y.2 from \"\" [4])\nOp(.InstanceNormalization types []; yields [[-1 4 6 6]]; x; v5; v6)"},
		{image + "v, i = TopK x {2} axis=-1 : i64", ""},
	} {
		got, err := calls(t, c.body+"\noutput "+last(c.body)+"\n", nil)
		if err != nil {
			t.Errorf("%s\n%v", c.body, err)
			continue
		}
		if c.want == "" { // it needs what no method has
			if text := strings.Join(got, "\n"); !strings.Contains(text, "Op(") {
				t.Errorf("%s\nis %s", c.body, text)
			}
			continue
		}
		if text := strings.Join(got, "\n"); text != c.want {
			t.Errorf("%s\nis %s\nwant %s", c.body, text, c.want)
		}
	}
}

// TestNumbersOfOperands: the bounds of a Clip and the factors of a Resize stand in the record when they are known.
func TestNumbersOfOperands(t *testing.T) {
	const image = "input x Nx4x6x6\n"
	for _, c := range []struct {
		body    string
		numbers map[string][]float32
		want    string
	}{
		{"y = Clip x [] []", map[string][]float32{"y.1": {-1}, "y.2": {6}}, "Act(x; Clip min=0 [] -1 []  max=0 [] 6 [] )"},
		{"y = Clip x _ []", map[string][]float32{"y.2": {6}}, "Act(x; Clip max=0 [] 6 [] )"},
		{"y = Resize x _ [4] mode=linear cubic_coeff_a=-0.5", map[string][]float32{"y.2": {1, 1, 0.5, 2}},
			"Resize(x; {Mode:linear Coordinates: Nearest: CubicA:-0.5 Scales:[1 1 0.5 2]})"},
		{"y = Resize x _ [4] mode=nearest nearest_mode=floor coordinate_transformation_mode=asymmetric", map[string][]float32{"y.2": {1, 1, 2, 2}},
			"Resize(x; {Mode:nearest Coordinates:asymmetric Nearest:floor CubicA:0 Scales:[1 1 2 2]})"},
		{"y = Resize x _ [4] mode=linear antialias=1", map[string][]float32{"y.2": {1, 1, 2, 2}},
			"Floats(0 [] 0 [1 1 2 2])\nOp(.Resize mode=0 [] 0 [] linear antialias=1 [] 0 []  types []; yields [[-1 4 12 12]]; x; None; v4)"},
		{"y = Resize x _ _ {1,4,3,3}", nil, "Ints(0 [1 4 3 3] 0 [])\nOp(.Resize types []; yields [[-1 4 3 3]]; x; None; None; v4)"},
	} {
		got, err := calls(t, image+c.body+"\noutput y\n", c.numbers)
		if text := strings.Join(got, "\n"); err != nil || text != c.want {
			t.Errorf("%s\nis %s, %v\nwant %s", c.body, text, err, c.want)
		}
	}
}

// last is the first result of a graph's last node.
func last(body string) string {
	lines := strings.Split(strings.TrimSpace(body), "\n")
	name, _, _ := strings.Cut(lines[len(lines)-1], " ")
	return strings.TrimSuffix(name, ",")
}

// TestUntranslated: what cannot be called is an error that names the node and says what to do.
func TestUntranslated(t *testing.T) {
	for want, body := range map[string]string{
		`node "n" (RandomNormal): the shape of its result is not known: there is no rule for RandomNormal`: "input x Nx4\nn = RandomNormal\nz = Relu n\ny = Add x x\noutput y z",
		`node "s" (SequenceEmpty): it makes a list of tensors`:                                             "input x Nx4\ns = SequenceEmpty\ny = SequenceInsert s x\noutput y",
	} {
		if got, err := calls(t, body, nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "Relu") {
			t.Errorf("want %q, got %v, %v", want, got, err)
		}
	}
}

// TestSharedTensors: a tensor that two operators read is one parameter; a vector of equal elements is one of its own for each of them.
func TestSharedTensors(t *testing.T) {
	body := "input x Nx6\nconst w f32 6x6\nconst b f32 6\na = Gemm x w b\ny = Gemm a w b\noutput y\n"
	for _, c := range []struct {
		bias         []float32
		first, other string
	}{
		{[]float32{1, 2, 3, 4, 5, 6}, "b", "b"},
		{make([]float32, 6), "b", "b#2"},
	} {
		got, err := calls(t, body, map[string][]float32{"b": c.bias})
		want := "Linear(x; w " + c.first + " false 0 0 )\nLinear(a; w " + c.other + " false 0 0 )"
		if err != nil || strings.Join(got, "\n") != want {
			t.Errorf("got %v, %v, want %s", got, err, want)
		}
	}
}

// TestCarriable: attributes can stand in generated code, unless they are tensors of text.
func TestCarriable(t *testing.T) {
	text := onnx.TensorAttr("t", onnx.Tensor{Type: ir.String, Shape: []int{1}, Strings: []string{"a"}})
	number := onnx.TensorAttr("n", ir.FromInt64s([]int{1}, []int64{3}).Tensor)
	if err := carriable([]nn.Attr{{Name: "s", Kind: nn.AttrStrings, Strings: []string{"a"}}, number}); err != nil {
		t.Error(err)
	}
	if err := carriable([]nn.Attr{number, text}); err == nil || !strings.Contains(err.Error(), "attribute t is a tensor of") {
		t.Errorf("a tensor of text: %v", err)
	}
}

// two is a tensor of one element, 2.
func two(shape ...int) *ir.Tensor {
	return &ir.Tensor{Tensor: onnx.Tensor{Type: ir.Float32, Shape: shape, Raw: []byte{0, 0, 0, 64}}}
}

// TestConstants: a small constant stands in the code as a number, a list or a tensor; a large one that has no name is refused.
func TestConstants(t *testing.T) {
	long := ir.FromInt64s([]int{65, 1}, make([]int64, 65))
	for _, c := range []struct {
		in   *ir.Tensor
		want string
	}{
		{ir.FromInt64s([]int{}, []int64{5}), "value_int 5 [] 0 []"},
		{ir.FromInt64s([]int{2}, []int64{5, 6}), "value_ints 0 [5 6] 0 []"},
		{two(), "value_float 0 [] 2 []"},
		{two(1), "value_floats 0 [] 0 [2]"},
		{two(1, 1), "value 1 [1 1] 0 []"},
		{ir.FromInt64s([]int{1, 1}, []int64{5}), "value 7 [1 1] 0 []"},
		{long, ""},
	} {
		a, err := constantAttr(c.in)
		if got := fmt.Sprintf("%s %d %v %g %v", a.Name, a.Int, a.Ints, a.Float, a.Floats); c.want == "" && err == nil || c.want != "" && (err != nil || got != c.want) {
			t.Errorf("%+v is %s, %v; want %s", c.in, got, err, c.want)
		}
	}
}
