package conform

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// zoo writes small networks of many architectures with an nn.Builder; their weights are made up.
type zoo struct {
	nn.Builder
	count int
}

func (z *zoo) name(kind string) string {
	z.count++
	return fmt.Sprintf("%s%d", kind, z.count)
}

func param(name string, shape ...int) nn.Param { return nn.Param{Name: name, Shape: shape} }

// conv is a convolution from in to out channels with a square window, a stride and groups, a normalisation and an activation.
func (z *zoo) conv(x nn.Value, in, out, k, stride, groups int) nn.Value {
	return z.Act(z.bare(x, in, out, k, stride, groups), nn.Relu())
}

func (z *zoo) bare(x nn.Value, in, out, k, stride, groups int) nn.Value {
	n := z.name("conv")
	y := z.Conv(x, nn.Conv{
		Name: n, Weight: param(n+".weight", out, in/groups, k, k), Kernel: []int{k, k}, Strides: []int{stride, stride},
		Pads: []int{k / 2, k / 2, k / 2, k / 2}, Groups: groups,
	})
	n = z.name("bn")
	return z.BatchNorm(y, nn.BatchNorm{
		Name: n, Scale: param(n+".weight", out), Bias: param(n+".bias", out), Mean: param(n+".running_mean", out), Var: param(n+".running_var", out), Epsilon: 1e-5,
	})
}

func (z *zoo) linear(x nn.Value, in, out int) nn.Value {
	n := z.name("fc")
	return z.Linear(x, nn.Linear{Name: n, Weight: param(n+".weight", in, out), Bias: param(n+".bias", out), BiasName: n + ".add"})
}

func (z *zoo) norm(x nn.Value, width int) nn.Value {
	n := z.name("ln")
	return z.LayerNorm(x, nn.LayerNorm{Name: n, Scale: param(n+".weight", width), Bias: param(n+".bias", width), Axis: -1, Epsilon: 1e-5})
}

// head pools and classifies.
func (z *zoo) head(x nn.Value, in int) {
	y := z.Flatten(z.Pool(x, nn.Pool{Name: z.name("pool"), Kind: nn.GlobalAverage}), 1)
	z.Output("logits", z.linear(y, in, 10))
}

func (z *zoo) image(side int) nn.Value {
	return z.Input("image", nn.Float32, nn.Shape{nn.Batch, 3, side, side})
}

// attention is multi-head self-attention over [N, tokens, width].
func (z *zoo) attention(x nn.Value, tokens, width, heads int) nn.Value {
	split := func(y nn.Value) nn.Value {
		return z.Transpose(z.Reshape(y, nn.Shape{nn.Batch, tokens, heads, width / heads}), 0, 2, 1, 3)
	}
	q, k, v := split(z.linear(x, width, width)), split(z.linear(x, width, width)), split(z.linear(x, width, width))
	y := z.MatMul(z.Softmax(z.MatMul(q, z.Transpose(k, 0, 1, 3, 2)), -1), v)
	return z.linear(z.Reshape(z.Transpose(y, 0, 2, 1, 3), nn.Shape{nn.Batch, tokens, width}), width, width)
}

func (z *zoo) transformer(x nn.Value, tokens, width, heads int) nn.Value {
	x = z.Add(x, z.attention(z.norm(x, width), tokens, width, heads))
	return z.feedForward(x, width)
}

func (z *zoo) feedForward(x nn.Value, width int) nn.Value {
	return z.Add(x, z.linear(z.Act(z.linear(z.norm(x, width), width, 4*width), nn.Gelu()), 4*width, width))
}

// gatedForward is the feed-forward network of EVA-02 and LLaMA (SwiGLU), with a Swish as exporters write it before opset 24.
func (z *zoo) gatedForward(x nn.Value, width, inner int) nn.Value {
	y := z.norm(x, width)
	gate := z.linear(y, width, inner)
	gate = z.Mul(gate, z.Act(gate, nn.Sigmoid()))
	return z.Add(x, z.linear(z.Mul(gate, z.linear(y, width, inner)), inner, width))
}

// shuffle exchanges channels between groups.
func (z *zoo) shuffle(x nn.Value, channels, side, groups int) nn.Value {
	y := z.Reshape(x, nn.Shape{nn.Batch, groups, channels / groups, side, side})
	return z.Reshape(z.Transpose(y, 0, 2, 1, 3, 4), nn.Shape{nn.Batch, channels, side, side})
}

var architectures = map[string]func(z *zoo){
	"basic residual": func(z *zoo) {
		x := z.conv(z.image(16), 3, 16, 3, 1, 1)
		for range 3 {
			x = z.Act(z.Add(z.bare(z.conv(x, 16, 16, 3, 1, 1), 16, 16, 3, 1, 1), x), nn.Relu())
		}
		z.head(x, 16)
	},
	"grouped (ResNeXt)": func(z *zoo) {
		x := z.conv(z.image(16), 3, 32, 3, 1, 1)
		for range 2 {
			y := z.bare(z.conv(z.conv(x, 32, 32, 1, 1, 1), 32, 32, 3, 1, 4), 32, 32, 1, 1, 1)
			x = z.Act(z.Add(x, y), nn.Relu())
		}
		z.head(x, 32)
	},
	"dense (DenseNet)": func(z *zoo) {
		x, width := z.conv(z.image(16), 3, 16, 3, 1, 1), 16
		for range 4 {
			x, width = z.Concat(1, x, z.conv(z.conv(x, width, 32, 1, 1, 1), 32, 8, 3, 1, 1)), width+8
		}
		z.head(x, width)
	},
	"inception": func(z *zoo) {
		x := z.conv(z.image(16), 3, 16, 3, 1, 1)
		a, b := z.conv(x, 16, 8, 1, 1, 1), z.conv(z.conv(x, 16, 16, 1, 1, 1), 16, 16, 3, 1, 1)
		c := z.conv(z.Pool(x, nn.Pool{Name: "max", Kernel: []int{3, 3}, Pads: []int{1, 1, 1, 1}}), 16, 8, 1, 1, 1)
		z.head(z.conv(z.Concat(1, a, b, c), 32, 32, 3, 2, 1), 32)
	},
	"shuffle (ShuffleNet)": func(z *zoo) {
		x := z.conv(z.image(16), 3, 24, 3, 1, 1)
		for range 2 {
			y := z.shuffle(z.conv(x, 24, 24, 1, 1, 3), 24, 16, 3)
			y = z.bare(z.bare(y, 24, 24, 3, 1, 24), 24, 24, 1, 1, 3)
			x = z.Act(z.Add(x, y), nn.Relu())
		}
		z.head(x, 24)
	},
	"split shuffle (ShuffleNetV2)": func(z *zoo) {
		x := z.conv(z.image(16), 3, 32, 3, 1, 1)
		for range 2 {
			parts := z.Split(x, 1, 16, 16)
			y := z.conv(z.bare(z.conv(parts[1], 16, 16, 1, 1, 1), 16, 16, 3, 1, 16), 16, 16, 1, 1, 1)
			x = z.shuffle(z.Concat(1, parts[0], y), 32, 16, 2)
		}
		z.head(x, 32)
	},
	"ghost": func(z *zoo) {
		x := z.conv(z.image(16), 3, 16, 3, 1, 1)
		for range 2 {
			y := z.conv(x, 16, 16, 1, 1, 1)
			x = z.bare(z.Concat(1, y, z.conv(y, 16, 16, 3, 1, 16)), 32, 16, 1, 1, 1)
		}
		z.head(x, 16)
	},
	"RepVGG": func(z *zoo) {
		x := z.conv(z.image(16), 3, 16, 3, 1, 1)
		for range 3 {
			x = z.Act(z.Add(z.Add(z.bare(x, 16, 16, 3, 1, 1), z.bare(x, 16, 16, 1, 1, 1)), x), nn.Relu())
		}
		z.head(x, 16)
	},
	"mixer": func(z *zoo) {
		x := z.Transpose(z.Reshape(z.bare(z.image(16), 3, 32, 1, 4, 1), nn.Shape{nn.Batch, 32, 16}), 0, 2, 1)
		for range 2 {
			y := z.Transpose(z.norm(x, 32), 0, 2, 1)
			y = z.linear(z.Act(z.linear(y, 16, 32), nn.Gelu()), 32, 16)
			x = z.Add(x, z.Transpose(y, 0, 2, 1))
			x = z.Add(x, z.linear(z.Act(z.linear(z.norm(x, 32), 32, 64), nn.Gelu()), 64, 32))
		}
		z.Output("logits", z.linear(z.Mean(x, false, 1), 32, 10))
	},
	"PoolFormer": func(z *zoo) {
		x := z.conv(z.image(16), 3, 16, 3, 2, 1)
		for range 2 {
			p := z.Pool(x, nn.Pool{Name: z.name("avg"), Kind: nn.Average, Kernel: []int{3, 3}, Pads: []int{1, 1, 1, 1}})
			x = z.Add(x, z.Sub(p, x))
			x = z.Add(x, z.bare(z.conv(x, 16, 64, 1, 1, 1), 64, 16, 1, 1, 1))
		}
		z.head(x, 16)
	},
	"BERT-like": func(z *zoo) {
		x := z.Input("embeddings", nn.Float32, nn.Shape{nn.Batch, 12, 32})
		for range 3 {
			x = z.transformer(x, 12, 32, 4)
		}
		z.Output("states", z.norm(x, 32))
	},
	"ViT with classes": func(z *zoo) {
		x := z.Transpose(z.Reshape(z.bare(z.image(16), 3, 32, 1, 4, 1), nn.Shape{nn.Batch, 32, 16}), 0, 2, 1)
		x = z.Add(x, z.Param(param("positions", 1, 16, 32)))
		for range 2 {
			x = z.transformer(x, 16, 32, 2)
		}
		z.Output("logits", z.linear(z.Mean(z.norm(x, 32), false, 1), 32, 10))
	},
	"ViT with gates (EVA-02)": func(z *zoo) {
		x := z.conv(z.image(16), 3, 32, 3, 4, 1)
		x = z.Transpose(z.Reshape(x, nn.Shape{nn.Batch, 32, 16}), 0, 2, 1)
		for range 2 {
			x = z.gatedForward(z.Add(x, z.attention(z.norm(x, 32), 16, 32, 2)), 32, 80)
		}
		z.Output("logits", z.linear(z.Mean(z.norm(x, 32), false, 1), 32, 10))
	},
	"MobileViT-like": func(z *zoo) {
		x := z.conv(z.image(16), 3, 16, 3, 2, 1)
		y := z.conv(x, 16, 32, 1, 1, 1)
		y = z.Transpose(z.Reshape(y, nn.Shape{nn.Batch, 32, 64}), 0, 2, 1)
		y = z.transformer(y, 64, 32, 2)
		y = z.Reshape(z.Transpose(y, 0, 2, 1), nn.Shape{nn.Batch, 32, 8, 8})
		z.head(z.conv(z.Concat(1, x, z.conv(y, 32, 16, 1, 1, 1)), 32, 16, 3, 1, 1), 16)
	},
	"windows (Swin-like)": func(z *zoo) {
		x := z.Transpose(z.bare(z.image(16), 3, 32, 1, 2, 1), 0, 2, 3, 1) // N 8 8 32
		y := z.Transpose(z.Reshape(x, nn.Shape{nn.Batch, 2, 4, 2, 4, 32}), 0, 1, 3, 2, 4, 5)
		y = z.Reshape(y, nn.Shape{nn.Batch, 4, 16, 32})
		y = z.Add(y, z.linear(z.Act(z.linear(z.norm(y, 32), 32, 64), nn.Gelu()), 64, 32))
		y = z.Transpose(z.Reshape(y, nn.Shape{nn.Batch, 2, 2, 4, 4, 32}), 0, 1, 3, 2, 4, 5)
		y = z.Reshape(y, nn.Shape{nn.Batch, 8, 8, 32})
		z.head(z.Transpose(z.Add(x, y), 0, 3, 1, 2), 32)
	},
	"U-Net": func(z *zoo) {
		a := z.conv(z.image(16), 3, 16, 3, 1, 1)
		b := z.conv(a, 16, 32, 3, 2, 1)
		up := nn.Op{Type: "Resize", Name: "up", Attrs: []nn.Attr{{Name: "mode", Kind: nn.AttrString, String: "nearest"}}}
		scales := z.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_floats", Kind: nn.AttrFloats, Floats: []float32{1, 1, 2, 2}}}})[0]
		c := z.Op(up.Yields(nn.Shape{nn.Batch, 32, 16, 16}), b, nn.None, scales)[0]
		z.Output("mask", z.bare(z.conv(z.Concat(1, a, c), 48, 16, 3, 1, 1), 16, 2, 1, 1, 1))
	},
	"fully convolutional, two outputs": func(z *zoo) {
		x := z.conv(z.conv(z.image(16), 3, 16, 3, 2, 1), 16, 32, 3, 1, 1)
		z.Output("boxes", z.bare(x, 32, 4, 1, 1, 1))
		z.head(x, 32)
	},
	"two inputs": func(z *zoo) {
		a := z.conv(z.image(16), 3, 16, 3, 2, 1)
		b := z.conv(z.Input("depth", nn.Float32, nn.Shape{nn.Batch, 1, 16, 16}), 1, 16, 3, 2, 1)
		z.head(z.conv(z.Add(a, b), 16, 32, 3, 1, 1), 32)
	},
	"squeeze and excitation": func(z *zoo) {
		x := z.conv(z.image(16), 3, 16, 3, 1, 1)
		for range 2 {
			y := z.conv(z.conv(x, 16, 64, 1, 1, 1), 64, 64, 3, 1, 64)
			g := z.Pool(y, nn.Pool{Name: z.name("pool"), Kind: nn.GlobalAverage})
			y = z.Mul(y, z.Act(z.bare(z.conv(g, 64, 16, 1, 1, 1), 16, 64, 1, 1, 1), nn.Sigmoid()))
			x = z.Add(x, z.bare(y, 64, 16, 1, 1, 1))
		}
		z.head(x, 16)
	},
	"unknown operators": func(z *zoo) {
		x := z.conv(z.image(16), 3, 16, 3, 1, 1)
		x = z.Op(nn.Op{Type: "InstanceNormalization", Name: "instance"}, x, z.Param(param("in.scale", 16)), z.Param(param("in.bias", 16)))[0]
		x = z.Op(nn.Op{Type: "LRN", Name: "local", Attrs: []nn.Attr{{Name: "size", Kind: nn.AttrInt, Int: 3}}}, x)[0]
		z.head(z.conv(x, 16, 32, 3, 2, 1), 32)
	},
}

// made gives every parameter of g values that keep activations in range.
func made(g *nn.Graph) nn.MapWeights {
	w := nn.MapWeights{}
	for _, i := range g.Values {
		if i.Param == nil {
			continue
		}
		v := make([]float32, i.Param.Shape.Count())
		scale := float32(1)
		if len(i.Param.Shape) > 1 {
			scale = 2 / float32(max(1, i.Param.Shape[1:].Count()))
		}
		for k := range v {
			v[k] = scale * (float32((k*7919+len(i.Name)*104729)%2003)/2003 + 0.05)
			if len(i.Param.Shape) > 1 && k%3 != 0 {
				v[k] = -v[k]
			}
		}
		if strings.HasPrefix(i.Param.Name, "even.") { // what exporters store once
			v = slices.Repeat([]float32{float32(len(i.Param.Name)%3) + 0.5}, len(v))
		}
		w[i.Param.Source()] = nn.FromFloat32s(i.Param.Shape, v)
	}
	return w
}

// TestZoo takes architectures that nobody prepared for from model to SubNets.
func TestZoo(t *testing.T) {
	needs.Time(t)
	e := runtimeEngine(t)
	for name, build := range allArchitectures() {
		t.Run(name, func(t *testing.T) {
			anyModel(t, e, zooModel(t, build))
		})
	}
}

// zooModel writes one of the architectures as a model file.
func zooModel(t testing.TB, build func(z *zoo)) string {
	t.Helper()
	g, err := nn.Record(func(b nn.Builder) { build(&zoo{Builder: b}) })
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "zoo.onnx")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := onnxfile.Write(f, g, made(g), onnxfile.WriteOptions{Opset: 17}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}
