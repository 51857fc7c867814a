package conform

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnxpb"
)

// rawModel writes ONNX files node by node, for forms that our own writer never makes.
type rawModel struct {
	g     *onnxpb.GraphProto
	opset int64
	more  []*onnxpb.OperatorSetIdProto
	seed  int
}

func newRaw(opset int64) *rawModel {
	return &rawModel{g: &onnxpb.GraphProto{Name: proto.String("g")}, opset: opset}
}

func info(name string, elem int32, dims ...any) *onnxpb.ValueInfoProto {
	shape := &onnxpb.TensorShapeProto{}
	for _, d := range dims {
		e := &onnxpb.TensorShapeProto_Dimension{}
		switch v := d.(type) {
		case int:
			e.Value = &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(v)}
		case string:
			e.Value = &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: v}
		}
		shape.Dim = append(shape.Dim, e)
	}
	t := &onnxpb.TypeProto_Tensor{ElemType: proto.Int32(elem), Shape: shape}
	return &onnxpb.ValueInfoProto{Name: proto.String(name), Type: &onnxpb.TypeProto{Value: &onnxpb.TypeProto_TensorType{TensorType: t}}}
}

func (r *rawModel) input(name string, dims ...any) {
	r.g.Input = append(r.g.Input, info(name, 1, dims...))
}
func (r *rawModel) output(name string, dims ...any) {
	r.g.Output = append(r.g.Output, info(name, 1, dims...))
}

// floats is a tensor of made-up numbers.
func (r *rawModel) floats(name string, dims ...int64) *onnxpb.TensorProto {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	t := &onnxpb.TensorProto{Name: proto.String(name), DataType: proto.Int32(1), Dims: dims}
	r.seed++
	for i := range n {
		v := float32((int(i)*7919+r.seed*104729)%2003)/2003 + 0.05
		if len(dims) > 1 && (i+int64(r.seed))%3 != 0 {
			v = -v
		}
		if len(dims) > 1 {
			v /= float32(n/dims[0]) / 2
		}
		t.RawData = binary.LittleEndian.AppendUint32(t.RawData, math.Float32bits(v))
	}
	return t
}

func (r *rawModel) weight(name string, dims ...int64) string {
	r.g.Initializer = append(r.g.Initializer, r.floats(name, dims...))
	return name
}

func ints(name string, v ...int64) *onnxpb.TensorProto {
	return &onnxpb.TensorProto{Name: proto.String(name), DataType: proto.Int32(7), Dims: []int64{int64(len(v))}, Int64Data: v}
}

func (r *rawModel) ints(name string, v ...int64) string {
	r.g.Initializer = append(r.g.Initializer, ints(name, v...))
	return name
}

func (r *rawModel) scalar(name string, v float32) string {
	r.g.Initializer = append(r.g.Initializer, &onnxpb.TensorProto{Name: proto.String(name), DataType: proto.Int32(1), FloatData: []float32{v}})
	return name
}

func rawNode(op string, in, out []string, attrs ...*onnxpb.AttributeProto) *onnxpb.NodeProto {
	return &onnxpb.NodeProto{OpType: proto.String(op), Input: in, Output: out, Attribute: attrs}
}

func (r *rawModel) node(op, out string, in []string, attrs ...*onnxpb.AttributeProto) string {
	r.g.Node = append(r.g.Node, rawNode(op, in, []string{out}, attrs...))
	return out
}

func attrInts(name string, v ...int64) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: proto.String(name), Type: onnxpb.AttributeProto_INTS.Enum(), Ints: v}
}

func attrInt(name string, v int64) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: proto.String(name), Type: onnxpb.AttributeProto_INT.Enum(), I: proto.Int64(v)}
}

func attrFloat(name string, v float32) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: proto.String(name), Type: onnxpb.AttributeProto_FLOAT.Enum(), F: proto.Float32(v)}
}

func attrString(name, v string) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: proto.String(name), Type: onnxpb.AttributeProto_STRING.Enum(), S: []byte(v)}
}

func attrTensor(name string, t *onnxpb.TensorProto) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: proto.String(name), Type: onnxpb.AttributeProto_TENSOR.Enum(), T: t}
}

func attrGraph(name string, g *onnxpb.GraphProto) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: proto.String(name), Type: onnxpb.AttributeProto_GRAPH.Enum(), G: g}
}

// conv is a convolution with a 3x3 window and a Relu.
func (r *rawModel) conv(out, in string, from, to, stride int64) string {
	w := r.weight(out+".w", to, from, 3, 3)
	b := r.weight(out+".b", to)
	y := r.node("Conv", out+".c", []string{in, w, b}, attrInts("kernel_shape", 3, 3), attrInts("pads", 1, 1, 1, 1), attrInts("strides", stride, stride))
	return r.node("Relu", out, []string{y})
}

// head pools and classifies to "y".
func (r *rawModel) head(in string, width int64) {
	p := r.node("GlobalAveragePool", "pool", []string{in})
	f := r.node("Flatten", "flat", []string{p})
	r.node("Gemm", "y", []string{f, r.weight("fc.w", 10, width), r.weight("fc.b", 10)}, attrInt("transB", 1))
	r.output("y", "N", 10)
}

func (r *rawModel) write(t *testing.T) string {
	t.Helper()
	m := &onnxpb.ModelProto{IrVersion: proto.Int64(7), Graph: r.g, OpsetImport: append(r.more, &onnxpb.OperatorSetIdProto{Domain: proto.String(""), Version: proto.Int64(r.opset)})}
	data, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "raw.onnx")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// branch is a graph without inputs that applies op to a value of the graph around it.
func branch(op, of, out string, dims ...any) *onnxpb.GraphProto {
	return &onnxpb.GraphProto{
		Name: proto.String(op), Node: []*onnxpb.NodeProto{rawNode(op, []string{of}, []string{out})},
		Output: []*onnxpb.ValueInfoProto{info(out, 1, dims...)},
	}
}

var hostile = map[string]func(r *rawModel){
	"If on the input, with captures": func(r *rawModel) {
		r.input("x", 1, 3, 16, 16)
		a := r.conv("a", "x", 3, 16, 1)
		s := r.node("ReduceSum", "sum", []string{"x"}, attrInt("keepdims", 0))
		c := r.node("Greater", "cond", []string{s, r.scalar("zero", 0)})
		r.node("If", "chosen", []string{c}, attrGraph("then_branch", branch("Sigmoid", a, "t", 1, 16, 16, 16)), attrGraph("else_branch", branch("Tanh", a, "e", 1, 16, 16, 16)))
		r.g.ValueInfo = append(r.g.ValueInfo, info("chosen", 1, 1, 16, 16, 16))
		r.head(r.conv("c", r.conv("b", "chosen", 16, 32, 2), 32, 32, 1), 32)
	},
	"If whose result has no declared shape": func(r *rawModel) {
		r.input("x", 1, 3, 16, 16)
		a := r.conv("a", "x", 3, 16, 1)
		s := r.node("ReduceSum", "sum", []string{"x"}, attrInt("keepdims", 0))
		c := r.node("Greater", "cond", []string{s, r.scalar("zero", 0)})
		r.node("If", "chosen", []string{c}, attrGraph("then_branch", branch("Sigmoid", a, "t", 1, 16, 16, 16)), attrGraph("else_branch", branch("Tanh", a, "e", 1, 16, 16, 16)))
		r.head(r.conv("b", "chosen", 16, 32, 2), 32)
	},
	"Loop that adds": func(r *rawModel) {
		r.input("x", 1, 3, 16, 16)
		a := r.conv("a", "x", 3, 16, 1)
		body := &onnxpb.GraphProto{
			Name:  proto.String("body"),
			Input: []*onnxpb.ValueInfoProto{info("i", 7), info("go", 9), info("acc", 1, 1, 16, 16, 16)},
			Node: []*onnxpb.NodeProto{
				rawNode("Add", []string{"acc", a}, []string{"next"}), rawNode("Identity", []string{"go"}, []string{"still"}),
			},
			Output: []*onnxpb.ValueInfoProto{info("still", 9), info("next", 1, 1, 16, 16, 16)},
		}
		r.g.Initializer = append(r.g.Initializer,
			&onnxpb.TensorProto{Name: proto.String("trips"), DataType: proto.Int32(7), Int64Data: []int64{3}},
			&onnxpb.TensorProto{Name: proto.String("true"), DataType: proto.Int32(9), Int32Data: []int32{1}})
		r.node("Loop", "looped", []string{"trips", "true", a}, attrGraph("body", body))
		r.g.ValueInfo = append(r.g.ValueInfo, info("looped", 1, 1, 16, 16, 16))
		r.head(r.conv("b", "looped", 16, 32, 2), 32)
	},
	"operators of another domain": func(r *rawModel) {
		r.input("x", "N", 3, 16, 16)
		a := r.conv("a", "x", 3, 16, 1)
		n := rawNode("QuickGelu", []string{a}, []string{"g"}, attrFloat("alpha", 1.5))
		n.Domain = proto.String("com.microsoft")
		r.g.Node = append(r.g.Node, n)
		r.more = append(r.more, &onnxpb.OperatorSetIdProto{Domain: proto.String("com.microsoft"), Version: proto.Int64(1)})
		r.head(r.conv("b", "g", 16, 32, 2), 32)
	},
	"tf2onnx: transposes around convolutions": func(r *rawModel) {
		r.input("x:0", "unk__1", 16, 16, 3)
		t := r.node("Transpose", "Conv2D__6:0", []string{"x:0"}, attrInts("perm", 0, 3, 1, 2))
		a := r.conv("model/conv1/Relu6:0", t, 3, 16, 2)
		b := r.conv("model/conv2/Relu6:0", a, 16, 16, 1)
		s := r.node("Add", "model/add/add:0", []string{a, b})
		back := r.node("Transpose", "model/back:0", []string{s}, attrInts("perm", 0, 2, 3, 1))
		z := r.node("Mul", "model/scale:0", []string{back, r.weight("const_scale__9", 16)})
		z = r.node("Min", "model/min:0", []string{z, r.scalar("six", 6)})
		m := r.node("ReduceMean", "model/mean:0", []string{z}, attrInts("axes", 1, 2), attrInt("keepdims", 0))
		f := r.node("MatMul", "model/dense/MatMul:0", []string{m, r.weight("model/dense/kernel:0", 16, 10)})
		r.node("Softmax", "Identity:0", []string{r.node("Add", "model/dense/BiasAdd:0", []string{f, r.weight("model/dense/bias:0", 10)})}, attrInt("axis", -1))
		r.output("Identity:0", "unk__2", 10)
	},
	"opset 9: attributes that became operands": func(r *rawModel) {
		r.input("x", 1, 3, 16, 16)
		a := r.conv("a", "x", 3, 16, 1)
		a = r.node("Clip", "clip", []string{a}, attrFloat("min", 0), attrFloat("max", 6))
		a = r.node("Pad", "pad", []string{a}, attrString("mode", "constant"), attrInts("pads", 0, 0, 1, 1, 0, 0, 1, 1))
		a = r.node("Slice", "slice", []string{a}, attrInts("axes", 2, 3), attrInts("starts", 1, 1), attrInts("ends", 17, 17))
		r.g.Node = append(r.g.Node, rawNode("Dropout", []string{a}, []string{"dropped", "mask"}, attrFloat("ratio", 0.5)))
		u := r.node("Upsample", "up", []string{"dropped", func() string {
			r.g.Initializer = append(r.g.Initializer, &onnxpb.TensorProto{Name: proto.String("scales"), DataType: proto.Int32(1), Dims: []int64{4}, FloatData: []float32{1, 1, 2, 2}})
			return "scales"
		}()}, attrString("mode", "nearest"))
		b := r.conv("b", u, 16, 32, 2)
		p := r.node("GlobalAveragePool", "pool", []string{b})
		q := r.node("Squeeze", "squeezed", []string{p}, attrInts("axes", 2, 3))
		q = r.node("Unsqueeze", "unsqueezed", []string{q}, attrInts("axes", 1))
		q = r.node("Squeeze", "again", []string{q}, attrInts("axes", 1))
		q = r.node("Gemm", "logits", []string{q, r.weight("fc.w", 32, 10), r.weight("fc.b", 10)})
		r.node("Softmax", "y", []string{q})
		r.output("y", 1, 10)
	},
	"Paddle: constants as nodes, names with strange characters": func(r *rawModel) {
		r.input("x", -1, 3, 16, 16)
		constant := func(name string, t *onnxpb.TensorProto) string {
			return r.node("Constant", name, nil, attrTensor("value", t))
		}
		w := constant("conv2d_0.w_0", r.floats("", 16, 3, 3, 3))
		a := r.node("Conv", "conv2d_0.tmp_0", []string{"x", w}, attrInts("kernel_shape", 3, 3), attrInts("pads", 1, 1, 1, 1), attrInts("strides", 2, 2), attrInt("group", 1), attrInts("dilations", 1, 1))
		bn := []string{a}
		for _, n := range []string{"scale", "bias", "mean", "variance"} {
			bn = append(bn, constant("batch_norm2d_0."+n, r.floats("", 16)))
		}
		b := r.node("BatchNormalization", "bn\"0`\n日本", bn, attrFloat("epsilon", 1e-5))
		c := r.node("HardSigmoid", "hs", []string{r.node("Add", "plus", []string{b, constant("three", &onnxpb.TensorProto{DataType: proto.Int32(1), Dims: []int64{1}, FloatData: []float32{3}})})}, attrFloat("alpha", 0.1666), attrFloat("beta", 0.5))
		d := r.node("Mul", "swish", []string{b, c})
		e := r.conv("e*/..//\\", d, 16, 32, 1)
		p := r.node("GlobalAveragePool", "pool", []string{e})
		s := r.node("Shape", "shape", []string{p})
		first := r.node("Slice", "slice", []string{s, r.ints("s0", 0), r.ints("s1", 1)})
		to := r.node("Concat", "to", []string{first, r.ints("minus", -1)}, attrInt("axis", 0))
		f := r.node("Reshape", "flat", []string{p, to})
		m := r.node("MatMul", "mm", []string{f, constant("linear_0.w_0", r.floats("", 32, 10))})
		r.node("Add", "save_infer_model/scale_0.tmp_0", []string{m, constant("linear_0.b_0", r.floats("", 10))})
		r.output("save_infer_model/scale_0.tmp_0", -1, 10)
	},
	"initializers among the inputs": func(r *rawModel) {
		r.input("x", 1, 3, 16, 16)
		r.head(r.conv("b", r.conv("a", "x", 3, 16, 1), 16, 32, 2), 32)
		for _, t := range r.g.Initializer {
			var dims []any
			for _, d := range t.Dims {
				dims = append(dims, int(d))
			}
			r.g.Input = append(r.g.Input, info(t.GetName(), 1, dims...))
		}
	},
	"detector with TopK": func(r *rawModel) {
		r.input("x", 1, 3, 16, 16)
		a := r.conv("b", r.conv("a", "x", 3, 16, 2), 16, 32, 2)
		boxes := r.node("Conv", "boxes", []string{a, r.weight("box.w", 4, 32, 1, 1)})
		scores := r.node("Sigmoid", "scores", []string{r.node("Conv", "score", []string{a, r.weight("score.w", 2, 32, 1, 1)})})
		r.node("Transpose", "bt", []string{r.node("Reshape", "bf", []string{boxes, r.ints("b4", 1, 4, 16)})}, attrInts("perm", 0, 2, 1))
		sf := r.node("Reshape", "sf", []string{scores, r.ints("b2", 1, 2, 16)})
		r.g.Node = append(r.g.Node, rawNode("TopK", []string{sf, r.ints("k", 5)}, []string{"values", "indices"}, attrInt("axis", 2)))
		r.g.Output = append(r.g.Output, info("values", 1, 1, 2, 5), info("bt", 1, 1, 16, 4))
	},
	"LSTM head": func(r *rawModel) {
		r.input("x", 1, 3, 16, 16)
		a := r.conv("b", r.conv("a", "x", 3, 16, 2), 16, 32, 2)
		s := r.node("Transpose", "seq", []string{r.node("Reshape", "rows", []string{a, r.ints("to", 1, 32, 16)})}, attrInts("perm", 2, 0, 1))
		r.g.Node = append(r.g.Node, rawNode("LSTM", []string{s, r.weight("W", 1, 64, 32), r.weight("R", 1, 64, 16), r.weight("B", 1, 128)}, []string{"all", "last"}, attrInt("hidden_size", 16)))
		l := r.node("Squeeze", "l", []string{"last", r.ints("ax", 0)})
		r.node("Gemm", "y", []string{l, r.weight("fc.w", 16, 10)})
		r.output("y", 1, 10)
	},
	"GPT-like: tokens, embeddings, causal mask": func(r *rawModel) {
		r.g.Input = append(r.g.Input, info("ids", 7, 1, 8))
		x := r.node("Gather", "tok", []string{r.weight("wte", 50, 32), "ids"})
		x = r.node("Add", "emb", []string{x, r.weight("wpe", 1, 8, 32)})
		n := r.node("LayerNormalization", "ln", []string{x, r.weight("ln.w", 32), r.weight("ln.b", 32)})
		qkv := r.node("Add", "qkvb", []string{r.node("MatMul", "qkv", []string{n, r.weight("attn.w", 32, 96)}), r.weight("attn.b", 96)})
		r.g.Node = append(r.g.Node, rawNode("Split", []string{qkv, r.ints("three", 32, 32, 32)}, []string{"q", "k", "v"}, attrInt("axis", 2)))
		head := func(name string, perm ...int64) string {
			return r.node("Transpose", name+"t", []string{r.node("Reshape", name+"r", []string{name, r.ints(name+"to", 1, 8, 4, 8)})}, attrInts("perm", perm...))
		}
		q, k, v := head("q", 0, 2, 1, 3), head("k", 0, 2, 3, 1), head("v", 0, 2, 1, 3)
		s := r.node("Div", "scaled", []string{r.node("MatMul", "qk", []string{q, k}), r.scalar("root", 2.828427)})
		r.g.Initializer = append(r.g.Initializer, causal(8))
		s = r.node("Where", "masked", []string{"causal", s, r.scalar("low", -10000)})
		s = r.node("Softmax", "prob", []string{s}, attrInt("axis", -1))
		y := r.node("Reshape", "merged", []string{r.node("Transpose", "mt", []string{r.node("MatMul", "mix", []string{s, v})}, attrInts("perm", 0, 2, 1, 3)), r.ints("back", 1, 8, 32)})
		y = r.node("Add", "res1", []string{r.node("Add", "projb", []string{r.node("MatMul", "proj", []string{y, r.weight("proj.w", 32, 32)}), r.weight("proj.b", 32)}), x})
		h := r.node("MatMul", "up", []string{r.node("LayerNormalization", "ln2", []string{y, r.weight("ln2.w", 32), r.weight("ln2.b", 32)}), r.weight("up.w", 32, 128)})
		g := r.node("Tanh", "tanh", []string{r.node("Mul", "inner", []string{h, r.scalar("c", 0.8)})})
		h = r.node("Mul", "gelu", []string{h, r.node("Add", "one", []string{g, r.scalar("1", 1)})})
		y = r.node("Add", "res2", []string{y, r.node("MatMul", "down", []string{h, r.weight("down.w", 128, 32)})})
		r.node("MatMul", "logits", []string{y, r.node("Transpose", "tied", []string{"wte"}, attrInts("perm", 1, 0))})
		r.output("logits", 1, 8, 50)
	},
}

// causal is a triangle of trues.
func causal(n int) *onnxpb.TensorProto {
	t := &onnxpb.TensorProto{Name: proto.String("causal"), DataType: proto.Int32(9), Dims: []int64{1, 1, int64(n), int64(n)}}
	for i := range n {
		for j := range n {
			if j <= i {
				t.RawData = append(t.RawData, 1)
			} else {
				t.RawData = append(t.RawData, 0)
			}
		}
	}
	return t
}

// TestHostile takes forms that other exporters write, and control flow, from model to SubNets.
func TestHostile(t *testing.T) {
	needs.Time(t)
	e := runtimeEngine(t)
	opsets := map[string]int64{"opset 9: attributes that became operands": 9, "Paddle: constants as nodes, names with strange characters": 11, "If on the input, with captures": 11, "GPT-like: tokens, embeddings, causal mask": 17}
	for name, build := range hostile {
		t.Run(name, func(t *testing.T) {
			opset := opsets[name]
			if opset == 0 {
				opset = 13
			}
			r := newRaw(opset)
			build(r)
			anyModel(t, e, r.write(t))
		})
	}
}
