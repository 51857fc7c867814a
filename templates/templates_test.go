package templates_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/testgraph"
	"github.com/autotailor/autotailor/templates"
)

// matches describes the first template that matches at each item of a graph's main flow: its names, how many items it spans, the roles of
// its nodes (+ where the inner width is made, * where a window can shrink).
func matches(t *testing.T, graph string) string {
	t.Helper()
	g, err := testgraph.Parse(graph)
	if err != nil {
		t.Fatal(err)
	}
	f := supernet.NewFlow(g)
	var out []string
	for i := 0; i < len(f.Items); {
		end := i + 1
		for _, tp := range templates.All() {
			m, ok := tp.Match(f, i)
			if !ok {
				continue
			}
			if m.Items < 1 || i+m.Items > len(f.Items) || m.Doc == "" || m.GoName == "" {
				t.Errorf("%s spans %d of %d items, is called %q: %q", tp.Name, m.Items, len(f.Items)-i, m.GoName, m.Doc)
			}
			if widens := slices.Contains(wide, m.GoName); m.Widens != widens {
				t.Errorf("%s: ratios of %s are relative to the input's width: %t, want %t", tp.Name, m.GoName, m.Widens, widens)
			}
			out = append(out, fmt.Sprintf("%s %s %d: %s", tp.Name, m.GoName, m.Items, roles(f, m)))
			end = i + max(1, m.Items)
			break
		}
		i = end
	}
	return strings.Join(out, "; ")
}

// wide are the blocks that widen their input; all others with an inner width narrow for their output.
var wide = []string{"InvertedResidual", "ConvNeXt", "FFN", "Transformer"}

func roles(f *supernet.Flow, m supernet.Match) string {
	var out []string
	for _, i := range slices.Sorted(maps.Keys(m.Roles)) {
		s := f.Node(i).Name + "=" + m.Roles[i]
		if slices.Contains(m.Inner, i) {
			s += "+"
		}
		if slices.Contains(m.Kernels, i) {
			s += "*"
		}
		out = append(out, s)
	}
	return strings.Join(out, " ")
}

// cases are positive topologies of every template and near misses: what is almost one, and what becomes of it.
var cases = []struct{ name, graph, want string }{
	// BottleneckResidualBlock
	{"bottleneck", `
a = Conv x [4,16,1,1]
ar = Relu a
b = Conv ar [4,4,3,3] pads=1,1,1,1
bn = BatchNormalization b [4] [4] [4] [4]
br = Relu bn
c = Conv br [16,4,1,1]
y = Add c x`, "BottleneckResidualBlock Bottleneck 1: a=reduce+ b=conv+* c=restore"},
	{"bottleneck with a projection, the other way round", `
s = Conv x [32,16,1,1] strides=2,2
a = Conv x [4,16,1,1]
b = Conv a [4,4,3,3] pads=1,1,1,1 strides=2,2
c = Conv b [32,4,1,1]
y = Add s c`, "BottleneckResidualBlock Bottleneck 1: s=shortcut a=reduce+ b=conv+* c=restore"},
	{"inverted residual", `
a = Conv x [96,16,1,1]
b = Conv a [96,1,5,5] group=96 pads=2,2,2,2
c = Conv b [16,96,1,1]
y = Add x c`, "BottleneckResidualBlock InvertedResidual 1: a=expand+ b=depthwise+* c=project"},
	{"inverted residual with squeeze and excitation", `
a = Conv x [96,16,1,1]
b = Conv a [96,1,5,5] group=96 pads=2,2,2,2
g = GlobalAveragePool b
g1 = Conv g [24,96,1,1]
g2 = Relu g1
g3 = Conv g2 [96,24,1,1]
g4 = HardSigmoid g3
m = Mul b g4
c = Conv m [16,96,1,1]
y = Add x c`, "BottleneckResidualBlock InvertedResidual 1: a=expand+ b=depthwise+* c=project"},
	{"layer of a dense network", `
n = BatchNormalization x [16] [16] [16] [16]
r = Relu n
a = Conv r [32,16,1,1]
b = Conv a [8,32,3,3] pads=1,1,1,1
y = Concat x b axis=1`, "DenseLayerBlock DenseLayer 1: a=conv1 b=conv2"},
	{"what is made of it stands in front", `
a = Conv x [8,16,3,3] pads=1,1,1,1
y = Concat a x axis=1`, ""},
	{"joined in space", `
a = Conv x [16,16,3,3] pads=1,1,1,1
y = Concat x a axis=2`, ""},
	{"bottleneck without a window", `
a = Conv x [4,16,1,1]
b = Conv a [4,4,1,1]
c = Conv b [16,4,1,1]
y = Add c x`, "ConvResidualBlock ConvResidual 1: a=conv1+ b=conv2+ c=conv3"},
	{"bottleneck that multiplies", `
a = Conv x [4,16,1,1]
b = Conv a [4,4,3,3] pads=1,1,1,1
c = Conv b [16,4,1,1]
y = Mul c x`, ""},
	{"bottleneck of four", `
a = Conv x [4,16,1,1]
b = Conv a [4,4,3,3] pads=1,1,1,1
c = Conv b [4,4,3,3] pads=1,1,1,1
d = Conv c [16,4,1,1]
y = Add d x`, "ConvResidualBlock ConvResidual 1: a=conv1+ b=conv2+* c=conv3+* d=conv4"},

	// SEResidualBlock
	{"narrow residual", "a = Conv x [4,16,1,1]\nb = Relu a\nc = Conv b [16,4,1,1]\ny = Add c x", "SEResidualBlock SEResidual 1: a=squeeze+ c=excite"},
	{"narrow residual with a window", "a = Conv x [4,16,3,3] pads=1,1,1,1\nc = Conv a [16,4,1,1]\ny = Add c x", "ConvResidualBlock ConvResidual 1: a=conv1+* c=conv2"},
	{"residual as wide inside", "a = Conv x [16,16,1,1]\nc = Conv a [16,16,1,1]\ny = Add c x", "ConvResidualBlock ConvResidual 1: a=conv1+ c=conv2"},

	// ConvResidualBlock
	{"basic block", "a = Conv x [16,16,3,3] pads=1,1,1,1\nc = Conv a [16,16,3,3] pads=1,1,1,1\ny = Add c x", "ConvResidualBlock BasicBlock 1: a=conv1+* c=conv2*"},
	{"basic block with a projection", `
a = Conv x [32,16,3,3] pads=1,1,1,1 strides=2,2
b = Conv a [32,32,3,3] pads=1,1,1,1
s = Conv x [32,16,1,1] strides=2,2
y = Add b s`, "ConvResidualBlock BasicBlock 1: a=conv1+* b=conv2* s=shortcut"},
	{"depthwise separable residual", "a = Conv x [16,1,3,3] group=16 pads=1,1,1,1\nc = Conv a [16,16,1,1]\ny = Add c x", "ConvResidualBlock DepthwiseResidual 1: a=depthwise* c=project"},

	// ResidualBlock
	{"residual without convolutions", "a = Relu x\nb = MaxPool a kernel_shape=3,3 pads=1,1,1,1\ny = Add x b", "ResidualBlock Residual 1: "},
	{"branches that share a start", "a = Relu x\nb = Abs a\nc = Add a b\nd = Add c a\nz = Add d x", "ResidualBlock Residual 1: "},
	{"an addition of two inputs", "a = Relu x\ny = Add a w", ""},

	// BottleneckBlock
	{"widening chain", `
a = Conv x [96,16,1,1]
ar = Clip a
b = Conv ar [96,1,3,3] group=96 pads=1,1,1,1 strides=2,2
br = Clip b
c = Conv br [24,96,1,1]
cn = BatchNormalization c [24] [24] [24] [24]
d = MaxPool cn kernel_shape=2,2`, "BottleneckBlock InvertedResidual 6: a=expand+ b=depthwise+* c=project"},
	{"widening chain with squeeze and excitation", `
a = Conv x [96,16,1,1]
b = Conv a [96,1,3,3] group=96 pads=1,1,1,1 strides=2,2
g = GlobalAveragePool b
g1 = Conv g [24,96,1,1]
g3 = Conv g1 [96,24,1,1]
m = Mul b g3
c = Conv m [24,96,1,1]
d = MaxPool c kernel_shape=2,2`, "BottleneckBlock InvertedResidual 4: a=expand+ b=depthwise+* c=project"},
	{"widening chain with activations in pieces", `
a = Conv x [96,16,1,1]
as = Sigmoid a
ar = Mul a as
b = Conv ar [96,1,3,3] group=96 pads=1,1,1,1 strides=2,2
bs = Sigmoid b
br = Mul b bs
g = GlobalAveragePool br
g1 = Conv g [24,96,1,1]
g2 = Sigmoid g1
g3 = Mul g1 g2
g4 = Conv g3 [96,24,1,1]
g5 = Sigmoid g4
m = Mul br g5
c = Conv m [24,96,1,1]
d = MaxPool c kernel_shape=2,2`, "BottleneckBlock InvertedResidual 6: a=expand+ b=depthwise+* c=project"},
	{"narrowing chain", `
a = Conv x [8,16,1,1]
b = Conv a [8,8,3,3] pads=1,1,1,1
c = Conv b [24,8,1,1]`, ""},
	{"widening chain with a pooling in it", `
a = Conv x [96,16,1,1]
p = MaxPool a kernel_shape=2,2
b = Conv p [96,1,3,3] group=96 pads=1,1,1,1
q = MaxPool b kernel_shape=2,2
c = Conv q [24,96,1,1]`, ""},

	// MBBlock
	{"depthwise separable", `
a = Conv x [16,1,3,3] group=16 pads=1,1,1,1
ar = Clip a
b = Conv ar [24,16,1,1]
d = MaxPool b kernel_shape=2,2`, "MBBlock DepthwiseSeparable 3: a=depthwise* b=project"},
	{"grouped and pointwise", "a = Conv x [16,8,3,3] group=2 pads=1,1,1,1\nb = Conv a [24,16,1,1]", ""},
	{"depthwise twice", "a = Conv x [16,1,3,3] group=16 pads=1,1,1,1\nb = Conv a [16,1,1,1] group=16", ""},
	{"depthwise without a window", "a = Conv x [16,1,1,1] group=16\nb = Conv a [24,16,1,1]", ""},

	// CNResidualBlock
	{"ConvNeXt", `
a = Conv x [16,1,7,7] group=16 pads=3,3,3,3
b = Transpose a perm=0,2,3,1
c = LayerNormalization b [16] [16]
d = MatMul c [16,64]
e = Gelu d
f = MatMul e [64,16]
h = Transpose f perm=0,3,1,2
y = Add h x`, "CNResidualBlock ConvNeXt 1: a=depthwise* d=expand+ f=project"},
	{"ConvNeXt of 1x1 convolutions", `
a = Conv x [16,1,7,7] group=16 pads=3,3,3,3
d = Conv a [64,16,1,1]
f = Conv d [16,64,1,1]
y = Add f x`, "CNResidualBlock ConvNeXt 1: a=depthwise* d=expand+ f=project"},
	{"ConvNeXt that narrows", `
a = Conv x [16,1,7,7] group=16 pads=3,3,3,3
b = Transpose a perm=0,2,3,1
d = MatMul b [16,8]
f = MatMul d [8,16]
h = Transpose f perm=0,3,1,2
y = Add h x`, "ConvResidualBlock ConvResidual 1: a=conv1*"},

	// FFNBlock, AttentionBlock, TransformerBlock
	{"feed-forward", "a = MatMul x [16,64]\nb = Add a [64]\nc = Gelu b\nd = MatMul c [64,16]\ne = Add d [16]\ny = Add e x", "FFNBlock FFN 1: a=expand+ d=project"},
	{"feed-forward of three layers", "a = MatMul x [16,64]\nb = MatMul a [64,64]\nc = MatMul b [64,16]\ny = Add c x", "ResidualBlock Residual 1: "},
	{"gated feed-forward", gated, "FFNBlock FFN 1: g=gate+ u=expand+ d=project"},
	{"gated feed-forward with a Sigmoid and a product", strings.Replace(gated, "s = Swish b", "q = Sigmoid b\ns = Mul q b", 1), "FFNBlock FFN 1: g=gate+ u=expand+ d=project"},
	{"gated feed-forward whose gate is the second", `
u = MatMul x [16,48]
g = MatMul x [16,48]
s = Gelu g
m = Mul u s
d = MatMul m [48,16]
y = Add x d`, "FFNBlock FFN 1: u=expand+ g=gate+ d=project"},
	{"feed-forward with a sum for a gate", strings.Replace(gated, "= Mul", "= Add", 1), "ResidualBlock Residual 1: "},
	{"feed-forward with a product of two linear layers", strings.Replace(gated, "s = Swish b", "s = Neg b", 1), "ResidualBlock Residual 1: "},
	{"feed-forward with a gate of another width", strings.Replace(gated, "u = MatMul x [16,48]", "u = MatMul x [16,1]", 1), "ResidualBlock Residual 1: "},
	{"attention and gated feed-forward", attention("x", "v2") + strings.NewReplacer("x", "v2").Replace(gated), "TransformerBlock Transformer 2: v2q=query v2k=key v2v=value v2o=attend g=gate+ u=expand+ d=project"},
	{"attention", attention("x", "y"), "AttentionBlock Attention 1: yq=query yk=key yv=value yo=project"},
	{"attention without a softmax", strings.Replace(attention("x", "y"), "Softmax", "Relu", 1), "ResidualBlock Residual 1: "},
	{"attention and feed-forward", attention("x", "y") + "\na = MatMul y [16,64]\nc = Gelu a\nd = MatMul c [64,16]\nz = Add d y",
		"TransformerBlock Transformer 2: yq=query yk=key yv=value yo=attend a=expand+ d=project"},
	{"attention and a convolution", attention("x", "y") + "\na = Conv y [16,16,1,1]",
		"AttentionBlock Attention 1: yq=query yk=key yv=value yo=project"},
}

// gated is a residual of two linear layers, one of which gates the other, and a third.
const gated = `
g = MatMul x [16,48]
b = Add g [48]
s = Swish b
u = MatMul x [16,48]
m = Mul s u
d = MatMul m [48,16]
y = Add d x`

// attention is a residual self-attention from one value to another.
func attention(from, to string) string {
	return strings.NewReplacer("X", from, "Y", to).Replace(`
Yq = MatMul X [16,16]
Yk = MatMul X [16,16]
Yv = MatMul X [16,16]
Yt = Transpose Yk
Ys = MatMul Yq Yt
Yp = Softmax Ys
Ya = MatMul Yp Yv
Yo = MatMul Ya [16,16]
Y = Add Yo X`)
}

func TestMatches(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range cases {
		text := "input v Nx16x16x16\ninput w Nx16x16x16\nx = Relu v\n" + c.graph
		lines := strings.Split(strings.TrimSpace(text), "\n")
		last, _, _ := strings.Cut(lines[len(lines)-1], " ")
		got := matches(t, text+"\noutput "+last)
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		name, _, _ := strings.Cut(got, " ")
		seen[name] = true
	}
	for _, tp := range templates.All() {
		if !seen[tp.Name] {
			t.Errorf("no case matches %s", tp.Name)
		}
	}
}
