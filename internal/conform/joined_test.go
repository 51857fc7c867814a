package conform

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// joined adds an operator of ONNX Runtime's own domain.
func (r *rawModel) joined(op string, out, in []string, attrs ...*onnxpb.AttributeProto) string {
	n := rawNode(op, in, out, attrs...)
	n.Domain = proto.String("com.microsoft")
	r.g.Node = append(r.g.Node, n)
	return out[0]
}

// joinedImages has a residual network, given what makes its convolutions.
func joinedImages(conv func(r *rawModel, out, in, sum string) string) func(r *rawModel) {
	return func(r *rawModel) {
		r.input("x", "N", 3, 16, 16)
		a := r.conv("a", "x", 3, 16, 2)
		b := conv(r, "b", a, "")
		c := conv(r, "c", b, a)
		r.head(r.conv("d", c, 16, 32, 2), 32)
	}
}

// fused is a FusedConv with an activation and its parameters.
func fused(activation string, params ...float32) func(r *rawModel) {
	return joinedImages(func(r *rawModel, out, in, sum string) string {
		operands := []string{in, r.weight(out+".w", 16, 16, 3, 3), r.weight(out+".b", 16)}
		if sum != "" {
			operands = append(operands, sum)
		}
		attrs := []*onnxpb.AttributeProto{attrInts("kernel_shape", 3, 3), attrInts("pads", 1, 1, 1, 1)}
		if activation != "" {
			attrs = append(attrs, attrString("activation", activation))
		}
		if len(params) > 0 {
			attrs = append(attrs, &onnxpb.AttributeProto{Name: proto.String("activation_params"), Type: onnxpb.AttributeProto_FLOATS.Enum(), Floats: params})
		}
		return r.joined("FusedConv", []string{out}, operands, attrs...)
	})
}

// joinedRows is a network of tokens, whose feed-forward part is what body makes of [N, 6, 16].
func joinedRows(body func(r *rawModel, x string) string) func(r *rawModel) {
	return func(r *rawModel) {
		r.input("x", "N", 6, 16)
		y := body(r, r.node("Add", "t", []string{r.node("MatMul", "in", []string{"x", r.weight("in.w", 16, 16)}), r.weight("in.b", 16)}))
		m := r.node("ReduceMean", "m", []string{y}, attrInts("axes", 1), attrInt("keepdims", 0))
		r.node("Gemm", "y", []string{m, r.weight("fc.w", 10, 16), r.weight("fc.b", 10)}, attrInt("transB", 1))
		r.output("y", "N", 10)
	}
}

// joinedAct is a feed-forward network with a joined activation; with says that it adds a bias.
func joinedAct(op string, with bool, attrs ...*onnxpb.AttributeProto) func(r *rawModel) {
	return joinedRows(func(r *rawModel, x string) string {
		in := []string{r.node("MatMul", "up", []string{x, r.weight("up.w", 16, 32)})}
		if with {
			in = append(in, r.weight("up.b", 32))
		}
		h := r.joined(op, []string{"h"}, in, attrs...)
		return r.node("Add", "r", []string{x, r.node("MatMul", "down", []string{h, r.weight("down.w", 32, 16)})})
	})
}

// skipNorm is two normalisations around a feed-forward network. outs is how many results the second has; the fourth is read.
func skipNorm(op string, outs int, rest ...string) func(r *rawModel) {
	return joinedRows(func(r *rawModel, x string) string {
		norm := func(out []string, in, skip string) string {
			operands := []string{in, skip, r.weight(out[0]+".gamma", 16)}
			for _, k := range rest {
				if k != "" {
					k = r.weight(out[0]+k, 16)
				}
				operands = append(operands, k)
			}
			return r.joined(op, out, operands, attrFloat("epsilon", 1e-5))
		}
		ff := func(name, in string) string {
			h := r.node("Relu", name+".h", []string{r.node("MatMul", name+".up", []string{in, r.weight(name+".up.w", 16, 32)})})
			return r.node("MatMul", name+".down", []string{h, r.weight(name+".down.w", 32, 16)})
		}
		a := norm([]string{"n1"}, ff("f1", x), x)
		out := []string{"n2", "", "", "s2"}[:outs]
		b := norm(out, ff("f2", a), a)
		if outs == 4 {
			b = r.node("Add", "both", []string{b, "s2"})
		}
		return b
	})
}

var joinedModels = map[string]func(r *rawModel){
	"FusedConv":             fused("Relu"),
	"FusedConv, bare":       fused(""),
	"FusedConv LeakyRelu":   fused("LeakyRelu", 0.3),
	"FusedConv Clip":        fused("Clip", -0.1, 0.4),
	"FusedConv HardSigmoid": fused("HardSigmoid", 0.3, 0.4),
	"FusedGemm": joinedRows(func(r *rawModel, x string) string {
		flat := r.node("Reshape", "flat", []string{x, r.ints("rows", -1, 16)})
		h := r.joined("FusedGemm", []string{"h"}, []string{flat, r.weight("g.w", 32, 16), r.weight("g.b", 32)}, attrInt("transB", 1),
			attrFloat("alpha", 0.5), attrString("activation", "LeakyRelu"), attrFloat("activation_alpha", 0.2))
		h = r.joined("FusedGemm", []string{"h2"}, []string{h, r.weight("g2.w", 32, 16), r.weight("g2.b", 16)}, attrString("activation", "Relu"))
		return r.node("Reshape", "back", []string{h, r.ints("tokens", -1, 6, 16)})
	}),
	"FusedMatMul": joinedRows(func(r *rawModel, x string) string {
		q := r.joined("FusedMatMul", []string{"q"}, []string{x, r.weight("q.w", 16, 16)}, attrInt("transB", 1), attrFloat("alpha", 2))
		k := r.node("MatMul", "k", []string{x, r.weight("k.w", 16, 16)})
		s := r.joined("FusedMatMul", []string{"s"}, []string{q, k}, attrInt("transB", 1), attrFloat("alpha", 0.25))
		p := r.node("Softmax", "p", []string{s}, attrInt("axis", -1))
		return r.joined("FusedMatMul", []string{"o"}, []string{p, x}, attrInt("transA", 1))
	}),
	"Gelu":                              joinedAct("Gelu", false),
	"BiasGelu":                          joinedAct("BiasGelu", true),
	"FastGelu":                          joinedAct("FastGelu", false),
	"FastGelu with bias":                joinedAct("FastGelu", true),
	"QuickGelu":                         joinedAct("QuickGelu", false),
	"QuickGelu of another alpha":        joinedAct("QuickGelu", false, attrFloat("alpha", 1)),
	"SkipLayerNormalization":            skipNorm("SkipLayerNormalization", 1, ".beta"),
	"SkipLayerNormalization, its sum":   skipNorm("SkipLayerNormalization", 4, ".beta", ".bias"),
	"SkipLayerNormalization, no beta":   skipNorm("SkipLayerNormalization", 1, "", ".bias"),
	"SkipSimplifiedLayerNormalization":  skipNorm("SkipSimplifiedLayerNormalization", 1),
	"SkipSimplifiedLayerNormalization+": skipNorm("SkipSimplifiedLayerNormalization", 4, ".bias"),
}

// TestJoinedOperators takes models with operators that ONNX Runtime joins from model to SubNets. The original runs in ONNX Runtime; what the
// compiler makes of it runs there and in the embedded engine, which has none of these operators.
func TestJoinedOperators(t *testing.T) {
	needs.Time(t)
	e := runtimeEngine(t)
	for name, build := range joinedModels {
		t.Run(name, func(t *testing.T) {
			r := newRaw(13)
			build(r)
			r.more = append(r.more, &onnxpb.OperatorSetIdProto{Domain: proto.String("com.microsoft"), Version: proto.Int64(1)})
			path := r.write(t)
			anyModel(t, e, path)

			if d := embeddedDistance(t, e, path); d > sameAsOriginal {
				t.Errorf("the embedded engine is %g from the original", d)
			}
			if d := referenceDistance(t, e, path); d > sameAsOriginal {
				t.Errorf("the reference of the proof is %g from the original", d)
			}
		})
	}
}

// embeddedDistance is how far the largest SubNet in the embedded engine is from the original in ONNX Runtime.
func embeddedDistance(t *testing.T, e *ort.Engine, path string) float64 {
	t.Helper()
	c, p, w := opened(t, path)
	g, in := described(t, p, make(space.Genes, len(choicesOf(c))))
	s, err := embedded.New(embedded.Options{}).Compile(g, w)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Run(in...)
	if err != nil {
		t.Fatal(err)
	}
	return distance(evaluate(t, e, path, in...), out[0].Float32s())
}

// referenceDistance is how far the original is from ONNX Runtime where it runs as the file has it, one operator at a time.
func referenceDistance(t *testing.T, e *ort.Engine, path string) float64 {
	t.Helper()
	c, p, w := opened(t, path)
	g, in := described(t, p, make(space.Genes, len(choicesOf(c))))
	m, err := model.NewOriginal(w)
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]nn.Tensor{}
	for k, v := range g.Inputs {
		named[g.Values[v].Name] = in[k]
	}
	out, err := m.Do(model.Run{Runner: engine.Once(embedded.New(embedded.Options{Threads: 1})), Inputs: named, Weights: w})
	if err != nil {
		t.Fatal(err)
	}
	return distance(evaluate(t, e, path, in...), out[0].Float32s())
}

// TestJoinedAttentionIsProven: the attention that ONNX Runtime joins has a reference, which the compiler's form of it is compared with.
func TestJoinedAttentionIsProven(t *testing.T) {
	for _, name := range []string{"bertfused", "mhamask"} {
		c, _, _ := opened(t, caseFile(t, name))
		proof, err := c.Proof(gen.ProveQuick)
		if err != nil {
			t.Fatal(err)
		}
		if proof.Status != "proven" || proof.Compared < 4 {
			t.Errorf("%s: %v", name, proof)
		}
	}
}
