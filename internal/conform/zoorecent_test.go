package conform

import (
	"math/big"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/nn"
)

// recentArchitectures have operators that opset 17 does not have.
var recentArchitectures = map[string]func(z *zoo){
	"Swish": func(z *zoo) {
		x := z.Act(z.conv(z.image(16), 3, 16, 3, 2, 1), nn.Act{Type: "Swish"})
		y := z.Act(z.conv(x, 16, 32, 1, 1, 1), nn.Act{Type: "Swish", Attrs: []nn.Attr{floatAttr("alpha", 1.5)}})
		z.head(z.Act(z.conv(y, 32, 32, 3, 2, 1), nn.Act{Type: "Swish"}), 32)
	},
	"LpNormalization": func(z *zoo) {
		s := nn.Shape{nn.Batch, 16, 8, 8}
		x := z.op("LpNormalization", s, []nn.Attr{intAttr("axis", 1)}, z.conv(z.image(16), 3, 16, 3, 2, 1))
		x = z.Act(z.conv(x, 16, 16, 1, 1, 1), nn.Relu())
		z.head(z.conv(z.op("LpNormalization", s, []nn.Attr{intAttr("p", 1)}, x), 16, 32, 3, 2, 1), 32)
	},
	"RMSNormalization": func(z *zoo) {
		s := nn.Shape{nn.Batch, 64, 16}
		x := z.Transpose(z.Reshape(z.conv(z.image(16), 3, 16, 3, 2, 1), nn.Shape{nn.Batch, 16, 64}), 0, 2, 1)
		y := z.op("RMSNormalization", s, []nn.Attr{floatAttr("epsilon", 1e-3)}, x, z.Param(nn.Param{Name: z.name("rms"), Shape: nn.Shape{16}}))
		y = z.Act(z.linear(y, 16, 32), nn.Act{Type: "Swish"})
		x = z.Add(x, z.linear(y, 32, 16))
		z.head(z.conv(z.Reshape(z.Transpose(x, 0, 2, 1), nn.Shape{nn.Batch, 16, 8, 8}), 16, 32, 3, 2, 1), 32)
	},
	"GroupNormalization":           groupNormed(func(channels int) int { return channels }),
	"GroupNormalization of groups": groupNormed(func(int) int { return 4 }), // as before opset 21
	"GridSample": func(z *zoo) { // a spatial transformer with offsets of its own for each place
		x := z.conv(z.image(16), 3, 16, 3, 2, 1)
		y := z.Act(z.bare(x, 16, 2, 3, 1, 1), nn.Tanh())
		grid := z.Transpose(y, 0, 2, 3, 1)
		mode := nn.Attr{Name: "mode", Kind: nn.AttrString, String: "bilinear"}
		x = z.op("GridSample", nn.Shape{nn.Batch, 16, 8, 8}, []nn.Attr{mode}, x, grid)
		z.head(z.conv(x, 16, 32, 3, 2, 1), 32)
	},
	"bits": func(z *zoo) { // masks that are integers
		s := nn.Shape{nn.Batch, 16, 8, 8}
		x := z.conv(z.image(16), 3, 16, 3, 2, 1)
		whole := func(kind string, s nn.Shape, attrs []nn.Attr, in ...nn.Value) nn.Value {
			return z.Op(nn.Op{Type: kind, Name: z.name("bits"), Attrs: attrs, Types: []nn.DType{nn.Int64}}.Yields(s), in...)[0]
		}
		row, column := whole("ArgMax", nn.Shape{nn.Batch, 16, 8, 1}, []nn.Attr{intAttr("axis", 3)}, x), whole("ArgMax", nn.Shape{nn.Batch, 16, 1, 8}, []nn.Attr{intAttr("axis", 2)}, x)
		mask := whole("BitwiseXor", s, nil, whole("BitwiseAnd", s, nil, row, column), whole("BitwiseOr", s, nil, row, column))
		x = z.Mul(x, z.Act(z.Mul(z.number(mask, s), z.Floats(0.2)), nn.Tanh()))
		z.head(z.conv(x, 16, 32, 3, 2, 1), 32)
	},
	"RotaryEmbedding":              rotated(0, intAttr("num_heads", 4)),
	"RotaryEmbedding of half":      rotated(2, intAttr("num_heads", 4), intAttr("rotary_embedding_dim", 2)),
	"RotaryEmbedding, interleaved": rotated(0, intAttr("num_heads", 4), intAttr("interleaved", 1)),
	"Attention":                    attended(4),
	"Attention, causal":            attended(4, intAttr("is_causal", 1)),
	"Attention, grouped queries":   attended(2, intAttr("is_causal", 1), floatAttr("scale", 0.7)),
}

// attended is a transformer's block with an Attention over 16 places, with four heads of queries and some of keys and values.
func attended(heads int, attrs ...nn.Attr) func(z *zoo) {
	return func(z *zoo) {
		const tokens, width = 16, 16
		s := nn.Shape{nn.Batch, tokens, width}
		x := z.Transpose(z.Reshape(z.conv(z.conv(z.image(16), 3, 8, 3, 2, 1), 8, width, 3, 2, 1), nn.Shape{nn.Batch, width, tokens}), 0, 2, 1)
		large := func(y nn.Value) nn.Value { return z.Mul(y, z.Floats(50)) } // for scores that differ
		n := z.norm(x, width)
		q, k, v := large(z.linear(n, width, width)), z.linear(n, width, 4*heads), z.linear(n, width, 4*heads)
		y := z.op("Attention", s, append([]nn.Attr{intAttr("q_num_heads", 4), intAttr("kv_num_heads", int64(heads))}, attrs...), q, k, v)
		x = z.feedForward(z.Add(x, z.linear(y, width, width)), width)
		z.Output("logits", z.linear(z.Mean(x, false, 1), width, 10))
	}
}

// rotated is attention by hand over 16 places, in four heads of four elements, which rotary positions turn, or some of them.
func rotated(turned int, attrs ...nn.Attr) func(z *zoo) {
	if turned == 0 {
		turned = 4
	}
	return func(z *zoo) {
		const tokens, width, heads = 16, 16, 4
		s := nn.Shape{nn.Batch, tokens, width}
		turn := func(y nn.Value) nn.Value {
			name := z.name("rotary")
			table := func(kind string) nn.Value { // large enough for scores that differ
				return z.Mul(z.Param(param(name+kind, 1, tokens, turned/2)), z.Floats(30))
			}
			cos, sin := table(".cos"), table(".sin")
			return z.op("RotaryEmbedding", s, attrs, y, cos, sin)
		}
		split := func(y nn.Value) nn.Value {
			return z.Transpose(z.Reshape(y, nn.Shape{nn.Batch, tokens, heads, width / heads}), 0, 2, 1, 3)
		}
		x := z.Transpose(z.Reshape(z.conv(z.conv(z.image(16), 3, 8, 3, 2, 1), 8, width, 3, 2, 1), nn.Shape{nn.Batch, width, tokens}), 0, 2, 1)
		q, k, v := split(turn(z.linear(x, width, width))), split(turn(z.linear(x, width, width))), split(z.linear(x, width, width))
		y := z.MatMul(z.Softmax(z.MatMul(q, z.Transpose(k, 0, 1, 3, 2)), -1), v)
		x = z.Add(x, z.linear(z.Reshape(z.Transpose(y, 0, 2, 1, 3), s), width, width))
		x = z.feedForward(x, width)
		z.Output("logits", z.linear(z.Mean(x, false, 1), width, 10))
	}
}

// groupNormed is a residual network with four groups; params tells how many elements scale and bias have, given the channels.
func groupNormed(params func(channels int) int) func(z *zoo) {
	return func(z *zoo) {
		norm := func(x nn.Value, n, side int) nn.Value {
			name, of := z.name("gn"), params(n)
			return z.op("GroupNormalization", nn.Shape{nn.Batch, n, side, side}, []nn.Attr{intAttr("num_groups", 4)}, x,
				z.Param(param(name+".weight", of)), z.Param(param(name+".bias", of)))
		}
		x := z.Act(norm(z.bare(z.image(16), 3, 16, 3, 2, 1), 16, 8), nn.Relu())
		y := z.Act(norm(z.bare(x, 16, 32, 3, 1, 1), 32, 8), nn.Relu())
		x = z.Add(x, z.bare(y, 32, 16, 3, 1, 1))
		z.head(z.Act(norm(z.bare(x, 16, 32, 3, 2, 1), 32, 4), nn.Relu()), 32)
	}
}

func floatAttr(name string, v float32) nn.Attr {
	return nn.Attr{Name: name, Kind: nn.AttrFloat, Float: v}
}

// TestSwishIsAnActivation: a ResNet has the same space with Swish as with Relu.
func TestSwishIsAnActivation(t *testing.T) {
	for _, file := range []string{"testdata/cases/swish24.onnx", modelPath("resnet50")} {
		counts := map[string]*big.Int{}
		for _, act := range []string{"Relu", "Swish"} {
			c, err := proposed(t, activated(t, file, act)).Compile()
			if err != nil {
				t.Fatal(err)
			}
			counts[act] = c.Net.Distinct()
		}
		if counts["Relu"].Cmp(counts["Swish"]) != 0 || counts["Relu"].Cmp(big.NewInt(30)) < 0 {
			t.Errorf("%s: %v SubNets with Relu, %v with Swish", filepath.Base(file), counts["Relu"], counts["Swish"])
		}
	}
}

// activated is a model with other activations, as a file.
func activated(t *testing.T, file, act string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	m.OpsetImport[0].Version = proto.Int64(24)
	for _, n := range m.Graph.Node {
		if n.GetOpType() == "Swish" || n.GetOpType() == "Relu" {
			n.OpType = proto.String(act)
		}
	}
	if data, err = proto.Marshal(&m); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), act+".onnx")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRecentModels takes models with operators of recent opsets from model to SubNets.
func TestRecentModels(t *testing.T) {
	needs.Time(t)
	e := runtimeEngine(t)
	for _, name := range []string{"convbias_bn", "swish24"} {
		t.Run(name, func(t *testing.T) { anyModel(t, e, caseFile(t, name)) })
	}
}
