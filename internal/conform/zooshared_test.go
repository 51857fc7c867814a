package conform

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/nn"
)

// sharedArchitectures use weights several times.
var sharedArchitectures = map[string]func(z *zoo){
	"shared layers (universal)": func(z *zoo) {
		x := z.conv(z.image(16), 3, 16, 3, 2, 1)
		for range 4 {
			y := z.Act(z.using("u.a", x, 16, 32, 3), nn.Relu())
			x = z.Add(x, z.using("u.b", y, 32, 16, 3))
		}
		z.head(x, 16)
	},
	"shared Transformer (ALBERT)": func(z *zoo) {
		x := z.tokens(32)
		for range 3 {
			x = z.sharedTransformer("layer", x, 16, 32, 4)
		}
		z.Output("states", z.norm(x, 32))
	},
	"two shared groups of layers": func(z *zoo) {
		x := z.tokens(32)
		for k := range 4 {
			x = z.sharedTransformer(fmt.Sprint("group", k/2), x, 16, 32, 4)
		}
		z.Output("states", z.norm(x, 32))
	},
	"tied embedding, transposed": func(z *zoo) {
		table := param("tok.weight", 48, 32)
		x := z.Add(z.tokens(32), z.Gather(z.Param(table), z.ints(tokenIDs()...), 0))
		x = z.feedForward(x, 32)
		z.Output("logits", z.MatMul(z.norm(x, 32), z.Transpose(z.Param(table), 1, 0)))
	},
	"tied embedding, transposed first": func(z *zoo) {
		table := param("tok.weight", 48, 32)
		x := z.Mean(z.feedForward(z.tokens(32), 32), false, 1)
		y := z.Softmax(z.MatMul(x, z.Transpose(z.Param(table), 1, 0)), -1)
		z.Output("logits", z.linear(z.MatMul(y, z.Param(table)), 32, 10))
	},
	"tied embedding, Gemm": func(z *zoo) {
		table := param("tok.weight", 48, 32)
		x := z.Add(z.tokens(32), z.Gather(z.Param(table), z.ints(tokenIDs()...), 0))
		x = z.Mean(z.feedForward(x, 32), false, 1)
		z.Output("logits", z.Linear(x, nn.Linear{Name: "last", Weight: table, TransB: true}))
	},
	"tied embedding, stored twice": func(z *zoo) {
		x := z.Add(z.tokens(32), z.Gather(z.Param(param("tok.weight", 48, 32)), z.ints(tokenIDs()...), 0))
		x = z.feedForward(x, 32)
		z.Output("logits", z.Linear(x, nn.Linear{Name: "last", Weight: param("tok.turned", 32, 48)}))
	},
	"tied autoencoder": func(z *zoo) {
		x := z.Flatten(z.conv(z.image(16), 3, 4, 3, 4, 1), 1)
		w := param("code", 64, 32)
		y := z.Act(z.Linear(x, nn.Linear{Name: "encode", Weight: w}), nn.Relu())
		y = z.Linear(y, nn.Linear{Name: "decode", Weight: w, TransB: true})
		z.Output("logits", z.linear(y, 64, 10))
	},
	"head shared by levels, norms of their own (EfficientDet)": func(z *zoo) {
		x := z.conv(z.image(16), 3, 24, 3, 1, 1)
		var levels []nn.Value
		for range 3 {
			x = z.conv(x, 24, 24, 3, 2, 1)
			y := x
			for k := range 2 {
				y = z.Act(z.bn(z.using(fmt.Sprint("head", k), y, 24, 24, 3), 24), nn.Relu())
			}
			levels = append(levels, z.Flatten(z.using("last", y, 24, 8, 3), 1))
		}
		z.Output("scores", z.linear(z.Concat(1, levels...), 8*(64+16+4), 10))
	},
	"head and norms shared by levels": func(z *zoo) {
		x := z.conv(z.image(16), 3, 24, 3, 1, 1)
		var levels []nn.Value
		for range 3 {
			x = z.conv(x, 24, 24, 3, 2, 1)
			y := z.BatchNorm(z.using("head", x, 24, 24, 3), nn.BatchNorm{
				Name: z.name("bn"), Scale: param("bn.scale", 24), Bias: param("bn.bias", 24), Mean: param("bn.mean", 24), Var: param("bn.var", 24), Epsilon: 1e-5,
			})
			levels = append(levels, z.Flatten(z.using("last", z.Act(y, nn.Relu()), 24, 8, 3), 1))
		}
		z.Output("scores", z.linear(z.Concat(1, levels...), 8*(64+16+4), 10))
	},
	"weights shared by stages": func(z *zoo) {
		x := z.conv(z.image(16), 3, 32, 3, 2, 1)
		x = z.Act(z.using("both", x, 32, 32, 3), nn.Relu())
		x = z.conv(x, 32, 48, 3, 2, 1)
		x = z.conv(x, 48, 32, 1, 1, 1)
		x = z.Act(z.using("both", x, 32, 32, 3), nn.Relu())
		z.head(z.conv(x, 32, 64, 1, 1, 1), 64)
	},
	"blocks shared by stages": func(z *zoo) {
		x := z.conv(z.image(16), 3, 16, 3, 2, 1)
		for s := range 2 {
			for k := range 3 {
				inner := z.Act(z.using(fmt.Sprintf("block%d.a", k), x, 16, 32, 1), nn.Relu())
				x = z.Add(x, z.using(fmt.Sprintf("block%d.b", k), inner, 32, 16, 1))
			}
			if s == 0 {
				x = z.conv(x, 16, 24, 3, 2, 1)
				x = z.conv(x, 24, 16, 1, 1, 1)
			}
		}
		z.head(x, 16)
	},
	"one block of two stages": func(z *zoo) {
		x := z.conv(z.image(16), 3, 16, 3, 2, 1)
		for s := range 2 {
			for k := range 3 {
				name := fmt.Sprintf("block%d.%d", s, k)
				if k == 1 {
					name = "both"
				}
				inner := z.Act(z.using(name+".a", x, 16, 32, 1), nn.Relu())
				x = z.Add(x, z.using(name+".b", inner, 32, 16, 1))
			}
			if s == 0 {
				x = z.conv(x, 16, 24, 3, 2, 1)
				x = z.conv(x, 24, 16, 1, 1, 1)
			}
		}
		z.head(x, 16)
	},
	"shared windows": func(z *zoo) {
		x := z.conv(z.image(16), 3, 16, 3, 2, 1)
		for range 3 {
			y := z.conv(x, 16, 32, 1, 1, 1)
			y = z.Conv(y, nn.Conv{Name: z.name("depthwise"), Weight: param("dw", 32, 1, 5, 5), Kernel: []int{5, 5}, Pads: []int{2, 2, 2, 2}, Groups: 32})
			x = z.Add(x, z.bare(z.Act(y, nn.Relu()), 32, 16, 1, 1, 1))
		}
		z.head(x, 16)
	},
	"shared windows, not padded alike": func(z *zoo) {
		x := z.conv(z.image(16), 3, 16, 3, 2, 1)
		for k := range 2 {
			y := z.conv(x, 16, 32, 1, 1, 1)
			y = z.Conv(y, nn.Conv{Name: z.name("depthwise"), Weight: param("dw", 32, 1, 5, 5), Kernel: []int{5, 5}, Pads: []int{2 - 2*k, 2 - 2*k, 2 - 2*k, 2 - 2*k}, Groups: 32})
			y = z.bare(z.Act(y, nn.Relu()), 32, 16, 1, 1, 1)
			if x = z.bare(x, 16, 16, 1, 1, 1); k == 0 {
				x = z.Add(x, y)
			} else {
				x = y
			}
		}
		z.head(x, 16)
	},
	"uses that disagree": func(z *zoo) { // heads of 8 channels, groups of 4, and none
		x := z.conv(z.image(16), 3, 32, 3, 2, 1)
		x = z.Act(z.using("w", x, 32, 32, 1), nn.Relu())
		x = z.shuffle(z.using("w", x, 32, 32, 1), 32, 8, 4)
		x = z.shuffle(z.using("w", x, 32, 32, 1), 32, 8, 8)
		z.head(x, 32)
	},
	"shared biases and numbers": func(z *zoo) {
		x := z.conv(z.image(16), 3, 32, 3, 2, 1)
		for k := range 3 {
			y := z.Conv(x, nn.Conv{Name: z.name("conv"), Weight: param(fmt.Sprint("w", k), 32, 32, 1, 1), Bias: param("bias", 32), Kernel: []int{1, 1}})
			x = z.Add(x, z.Mul(z.Act(y, nn.Relu()), z.Param(param("number", 1))))
		}
		z.head(z.Mul(x, z.Param(param("number", 1))), 32)
	},
	"equal vectors stored once": func(z *zoo) {
		x := z.tokens(32)
		norm := func(x nn.Value, width int) nn.Value {
			return z.LayerNorm(x, nn.LayerNorm{Name: z.name("ln"), Scale: param(fmt.Sprint("even.ones", width), width), Bias: param(fmt.Sprint("even.zeros", width), width), Axis: -1, Epsilon: 1e-5})
		}
		for k := range 3 {
			y := z.linear(norm(x, 32), 32, 32+32*(k%2))
			x = z.Add(x, z.linear(z.Act(norm(y, 32+32*(k%2)), nn.Gelu()), 32+32*(k%2), 32))
		}
		z.Output("states", norm(x, 32))
	},
	"twins (siamese)": func(z *zoo) {
		x := z.image(16)
		encode := func(x nn.Value, side int) nn.Value {
			for k, width := range []int{16, 32} {
				in := []int{3, 16}[k]
				x = z.Pool(z.Act(z.using(fmt.Sprint("encoder", k), x, in, width, 3), nn.Relu()), nn.Pool{Name: z.name("pool"), Kernel: []int{2, 2}, Strides: []int{2, 2}})
			}
			return z.Mean(x, false, 2, 3)
		}
		small := z.Pool(x, nn.Pool{Name: z.name("pool"), Kind: nn.Average, Kernel: []int{2, 2}, Strides: []int{2, 2}})
		z.Output("distance", z.linear(z.Sub(encode(x, 16), encode(small, 8)), 32, 4))
	},
	"a table in every block": func(z *zoo) { // positions are added to queries and keys (DETR)
		x, table := z.tokens(32), param("positions", 1, 16, 32)
		for range 3 {
			y := z.Add(z.norm(x, 32), z.Param(table))
			x = z.feedForward(z.Add(x, z.attention(y, 16, 32, 4)), 32)
		}
		z.Output("states", z.norm(x, 32))
	},
	"weights of a sum": func(z *zoo) { // one matrix reads what several others made, joined
		x := z.conv(z.image(16), 3, 16, 3, 2, 1)
		a, b := z.conv(x, 16, 8, 1, 1, 1), z.conv(x, 16, 24, 3, 1, 1)
		y := z.using("join", z.Concat(1, a, b), 32, 16, 1)
		c, d := z.conv(y, 16, 16, 1, 1, 1), z.conv(y, 16, 16, 3, 1, 1)
		z.head(z.Add(y, z.using("join", z.Concat(1, c, d), 32, 16, 1)), 16)
	},
}

// using is a convolution with weights and a bias that others use, too.
func (z *zoo) using(name string, x nn.Value, in, out, k int) nn.Value {
	return z.Conv(x, nn.Conv{
		Name: z.name("conv"), Weight: param(name+".weight", out, in, k, k), Bias: param(name+".bias", out), Kernel: []int{k, k}, Pads: []int{k / 2, k / 2, k / 2, k / 2},
	})
}

// sharedTransformer is a transformer whose weights others use, too.
func (z *zoo) sharedTransformer(name string, x nn.Value, tokens, width, heads int) nn.Value {
	count := z.count
	z.count = 0
	own := z.Builder
	z.Builder = prefixed{own, name + "."}
	x = z.transformer(x, tokens, width, heads)
	z.Builder, z.count = own, count
	return x
}

// prefixed puts something in front of the names of parameters.
type prefixed struct {
	nn.Builder
	name string
}

func (p prefixed) Linear(x nn.Value, l nn.Linear) nn.Value {
	l.Weight.Name, l.Bias.Name = p.name+l.Weight.Name, p.name+l.Bias.Name
	return p.Builder.Linear(x, l)
}

func (p prefixed) LayerNorm(x nn.Value, l nn.LayerNorm) nn.Value {
	l.Scale.Name, l.Bias.Name = p.name+l.Scale.Name, p.name+l.Bias.Name
	return p.Builder.LayerNorm(x, l)
}

// tokenIDs are rows of a table of 48, one for each of 16 tokens.
func tokenIDs() []int64 {
	out := make([]int64, 16)
	for k := range out {
		out[k] = int64(k * 7 % 48)
	}
	return out
}
