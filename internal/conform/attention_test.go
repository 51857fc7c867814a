package conform

import (
	"maps"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/nn"
)

// fused is self-attention over [rows, tokens, width] whose queries, keys and values come from one product, as of timm; each head has a
// bias for every pair of positions (Swin's relative positions).
func (z *zoo) fused(x nn.Value, rows, tokens, width, heads int) nn.Value {
	y := z.Reshape(z.linear(x, width, 3*width), nn.Shape{rows, tokens, 3, heads, width / heads})
	parts := z.Split(z.Transpose(y, 2, 0, 3, 1, 4), 0, 1, 1, 1)
	for k := range parts {
		parts[k] = z.Op(nn.Op{Type: "Squeeze", Name: z.name("pick")}.Yields(nn.Shape{rows, heads, tokens, width / heads}), parts[k], z.zeroAxis())[0]
	}
	scores := z.MatMul(parts[0], z.Transpose(parts[1], 0, 1, 3, 2))
	scores = z.Add(scores, z.Param(param(z.name("bias"), 1, heads, tokens, tokens)))
	y = z.MatMul(z.Softmax(scores, -1), parts[2])
	return z.linear(z.Reshape(z.Transpose(y, 0, 2, 1, 3), nn.Shape{rows, tokens, width}), width, width)
}

func (z *zoo) zeroAxis() nn.Value {
	return z.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_ints", Kind: nn.AttrInts, Ints: []int64{0}}}})[0]
}

// attending are architectures with attention in other surroundings than a plain Transformer's.
var attending = map[string]func(z *zoo){
	"fused projections (timm)": func(z *zoo) {
		x := z.Input("tokens", nn.Float32, nn.Shape{nn.Batch, 12, 48})
		for range 2 {
			x = z.Add(x, z.fused(z.norm(x, 48), nn.Batch, 12, 48, 3))
			x = z.Add(x, z.linear(z.Act(z.linear(z.norm(x, 48), 48, 96), nn.Gelu()), 96, 48))
		}
		z.Output("logits", z.linear(z.Mean(z.norm(x, 48), false, 1), 48, 10))
	},
	"attention in windows (Swin)": func(z *zoo) {
		x := z.Transpose(z.bare(z.image(16), 3, 32, 1, 2, 1), 0, 2, 3, 1) // N 8 8 32
		y := z.Transpose(z.Reshape(z.norm(x, 32), nn.Shape{nn.Batch, 2, 4, 2, 4, 32}), 0, 1, 3, 2, 4, 5)
		y = z.fused(z.Reshape(y, nn.Shape{4 * nn.Batch, 16, 32}), 4*nn.Batch, 16, 32, 2)
		y = z.Transpose(z.Reshape(y, nn.Shape{nn.Batch, 2, 2, 4, 4, 32}), 0, 1, 3, 2, 4, 5)
		x = z.Add(x, z.Reshape(y, nn.Shape{nn.Batch, 8, 8, 32}))
		x = z.Add(x, z.linear(z.Act(z.linear(z.norm(x, 32), 32, 64), nn.Gelu()), 64, 32))
		z.head(z.Transpose(x, 0, 3, 1, 2), 32)
	},
}

// TestAttention: what `init` proposes for a network with attention varies its heads and both dimensions of a head, and SubNets are what
// the slicing reference computes.
func TestAttention(t *testing.T) {
	needs.Time(t)
	e := runtimeEngine(t)
	for name, build := range attending {
		t.Run(name, func(t *testing.T) { anyModel(t, e, zooModel(t, build)) })
	}
	all := maps.Clone(architectures)
	maps.Copy(all, attending)
	for name, want := range map[string][]string{
		"fused projections (timm)":    {"heads", "qk", "value"},
		"attention in windows (Swin)": {"heads", "qk", "value"},
		"ViT with classes":            {"heads", "qk", "value"},
		"BERT-like":                   {"heads"}, // half of 8 is no multiple of the divisor
	} {
		c, err := proposed(t, zooModel(t, all[name])).Compile()
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, x := range choicesOf(c) {
			kinds = append(kinds, x.Kind)
		}
		for _, kind := range want {
			if !slices.Contains(kinds, kind) {
				t.Errorf("%s: the choices are of %v, nothing varies %s", name, kinds, kind)
			}
		}
	}
}

// TestPairsOfPositions: a bias for every pair of positions is no positional embedding. Interpolated, it would no longer depend on how far
// the two are from each other; so the resolution stays.
func TestPairsOfPositions(t *testing.T) {
	needs.Time(t)
	pairs := func(z *zoo) {
		x := z.bare(z.image(32), 3, 32, 3, 4, 1) // N 32 8 8
		x = z.Transpose(z.Reshape(x, nn.Shape{nn.Batch, 32, 64}), 0, 2, 1)
		x = z.Add(x, z.fused(z.norm(x, 32), nn.Batch, 64, 32, 2))
		z.Output("logits", z.linear(z.Mean(z.norm(x, 32), false, 1), 32, 10))
	}
	c, err := proposed(t, zooModel(t, pairs)).Compile()
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range choicesOf(c) {
		if x.Kind == "resolution" {
			t.Errorf("choice %v", x)
		}
	}
	anyModel(t, runtimeEngine(t), zooModel(t, pairs))
}
