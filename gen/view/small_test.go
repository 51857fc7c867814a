package view

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/internal/fusion"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/testgraph"
	"github.com/autotailor/autotailor/ir/unique"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/templates"
)

// model is a small model and a config of it.
type model struct{ graph, config string }

// models have between them every kind of choice, block and wiring.
var models = map[string]model{
	"bottlenecks":  {bottlenecks, everything},
	"fixed":        {bottlenecks, "var.global_vars.resolution = [16]"},
	"resolution":   {bottlenecks, "var.global_vars.resolution = [8, 12, 16]"},
	"long stage":   {longStage, "arch.divisor = 4\nvar.stage_vars.width_mult = [0.5, 1]\nvar.stage_vars.reduce_depth = [-2, -1, 0]"},
	"transformer":  {transformer, heads},
	"tokens":       {tokens, "arch.divisor = 4\nvar.global_vars.resolution = [8, 16]\nvar.stage_vars.width_mult = [0.5, 1]\n" + heads},
	"two widths":   {twoWidths, "[var.block_vars]\nTransformerBlock.expand_ratio = [2, 1]\n"},
	"same weights": {sameWeights, "arch.divisor = 4\nvar.stage_vars.width_mult = [0.5, 1]\nvar.stage_vars.reduce_depth = [-2, -1, 0]\nvar.block_vars.BasicBlock.expand_ratio = [0.5, 1, 2]"},
	"tapped chain": {tapped, "arch.divisor = 4\nvar.stage_vars.reduce_depth = [-1, 0]\nvar.block_vars.expand_ratio = [0.5, 1]"},
	"two branches": {branches, "arch.divisor = 4\nvar.stage_vars.width_mult = [0.5, 1]\nvar.global_vars.resolution = [8, 16]"},
}

const bottlenecks = `
input x Nx3x16x16
stem = Conv x [16,3,3,3] [16] pads=1,1,1,1
stemr = Relu stem

a1 = Conv stemr [8,16,1,1]
a1r = Relu a1
a2 = Conv a1r [8,8,3,3] pads=1,1,1,1
a2r = Relu a2
a3 = Conv a2r [32,8,1,1]
as = Conv stemr [32,16,1,1]
a = Add a3 as
ar = Relu a

b1 = Conv ar [8,32,1,1]
b1r = Relu b1
b2 = Conv b1r [8,8,3,3] pads=1,1,1,1
b2r = Relu b2
b3 = Conv b2r [32,8,1,1]
b = Add b3 ar
br = Relu b

c1 = Conv br [96,32,1,1]
c1r = Clip c1
c2 = Conv c1r [96,1,5,5] group=96 pads=2,2,2,2 strides=2,2
c2r = Clip c2
c3 = Conv c2r [24,96,1,1]

d1 = Conv c3 [72,24,1,1]
d1r = Clip d1
d2 = Conv d1r [72,1,5,5] group=72 pads=2,2,2,2
d2r = Clip d2
d3 = Conv d2r [24,72,1,1]
d = Add c3 d3

p = GlobalAveragePool d
f = Flatten p
y = Gemm f [10,24] [10] transB=1
output y
`

// sameWeights has a block that is applied three times, and once more in the next stage.
const sameWeights = `
input x Nx3x16x16
const wa f32 32x16x3x3
const wb f32 16x32x3x3
stem = Conv x [16,3,3,3] [16] pads=1,1,1,1

a1 = Conv stem wa pads=1,1,1,1
a1r = Relu a1
a2 = Conv a1r wb pads=1,1,1,1
a = Add stem a2
b1 = Conv a wa pads=1,1,1,1
b1r = Relu b1
b2 = Conv b1r wb pads=1,1,1,1
b = Add a b2
c1 = Conv b wa pads=1,1,1,1
c1r = Relu c1
c2 = Conv c1r wb pads=1,1,1,1
c = Add b c2

m = Conv c [24,16,3,3] pads=1,1,1,1 strides=2,2
n = Conv m [16,24,1,1]
d1 = Conv n wa pads=1,1,1,1
d1r = Relu d1
d2 = Conv d1r wb pads=1,1,1,1
d = Add n d2

p = GlobalAveragePool d
f = Flatten p
y = Gemm f [10,16] [10] transB=1
output y
`

const everything = `
arch.divisor = 4
var.global_vars.resolution = [8, 12, 16]
var.stage_vars.width_mult = [0.5, 1]
var.stage_vars.reduce_depth = [-1, 0]
var.block_vars.BottleneckResidualBlock.expand_ratio = [0.125, 0.25]
var.block_vars.BottleneckBlock.expand_ratio = [1, 2, 3]
var.block_vars.BottleneckBlock.kernel_size = [3, 5]
`

var transformer = "input x Nx6x32\n" + attention("x", "", 32, 4) + "output r\n"

// twoWidths has two blocks of one form with numbers of heads that differ and cannot be chosen.
var twoWidths = "input x Nx6x32\n" + attention("x", "a", 32, 4) + "w = MatMul ra [32,64]\n" + attention("w", "b", 64, 8) + "output rb\n"

// attention is a Transformer of six tokens after the value in; its values end with n, and r is its result.
func attention(in, n string, width, heads int) string {
	numbers := strings.NewReplacer("WIDTH", fmt.Sprint(width), "KEYS", fmt.Sprint(16*heads), "VALUES", fmt.Sprint(32*heads), "HEADS", fmt.Sprint(heads), "TWICE", fmt.Sprint(2*width))
	return strings.NewReplacer("#", n, "IN", in).Replace(numbers.Replace(`
q# = MatMul IN [WIDTH,KEYS]
k# = MatMul IN [WIDTH,KEYS]
v# = MatMul IN [WIDTH,VALUES]
qh# = Reshape q# {0,6,HEADS,16}
kh# = Reshape k# {0,6,HEADS,16}
vh# = Reshape v# {0,6,HEADS,32}
qt# = Transpose qh# perm=0,2,1,3
kt# = Transpose kh# perm=0,2,3,1
vt# = Transpose vh# perm=0,2,1,3
s# = MatMul qt# kt#
p# = Softmax s# axis=-1
m# = MatMul p# vt#
mt# = Transpose m# perm=0,2,1,3
mr# = Reshape mt# {0,6,VALUES}
o# = MatMul mr# [VALUES,WIDTH]
y# = Add o# IN
a# = MatMul y# [WIDTH,TWICE]
b# = Gelu a#
c# = MatMul b# [TWICE,WIDTH]
z# = Add c# y#
r# = Relu z#
`))
}

// tokens is a vision transformer: positions are added to patches, and their mean is classified.
const tokens = `
input x Nx3x16x16
patches = Conv x [32,3,4,4] strides=4,4
flat = Reshape patches {0,0,-1}
list = Transpose flat perm=0,2,1
e = Add list [1,16,32]
n = LayerNormalization e [32] [32] axis=-1
q = MatMul n [32,64]
k = MatMul n [32,64]
v = MatMul n [32,128]
qh = Reshape q {0,-1,4,16}
kh = Reshape k {0,-1,4,16}
vh = Reshape v {0,-1,4,32}
qt = Transpose qh perm=0,2,1,3
kt = Transpose kh perm=0,2,3,1
vt = Transpose vh perm=0,2,1,3
s = MatMul qt kt
p = Softmax s axis=-1
m = MatMul p vt
mt = Transpose m perm=0,2,1,3
mr = Reshape mt {0,-1,128}
o = MatMul mr [128,32]
ob = Add o [32]
y = Add ob e
n2 = LayerNormalization y [32] [32] axis=-1
a = MatMul n2 [32,64]
ab = Add a [64]
g = Gelu ab
c = MatMul g [64,32]
cb = Add c [32]
z = Add cb y
mean = ReduceMean z axes=1 keepdims=0
r = Gemm mean [10,32] [10] transB=1
output r
`

const heads = `[var.block_vars]
TransformerBlock.head_ratio = [0.5, 0.75, 1]
AttentionBlock.qk_ratio = [0.5, 0.4, 1]
TransformerBlock.v_scale = [4, 2, 1, 1.5]
`

// branches has two convolutions that are joined, parts that are taken apart again, and two results.
const branches = `
input x Nx3x16x16
stem = Conv x [16,3,3,3] [16] pads=1,1,1,1
a = Conv stem [16,16,1,1]
b = Conv stem [16,16,3,3] pads=1,1,1,1
j = Concat a b axis=1
c = Conv j [32,32,3,3] pads=1,1,1,1 strides=2,2
l, r = Split c {16,16} axis=1
m = Mul l r
e = AveragePool m kernel_shape=2,2 strides=2,2
g = GlobalAveragePool e
f = Flatten g
y = Gemm f [10,16] [10] transB=1
output y m
`

// tapped has two blocks of one form whose results are both read at the end, as in C2f of YOLO.
const tapped = `
input x Nx3x8x8
stem = Conv x [16,3,3,3] [16] pads=1,1,1,1
a1 = Conv stem [16,16,3,3] pads=1,1,1,1
a2 = Relu a1
a3 = Conv a2 [16,16,3,3] pads=1,1,1,1
a = Add stem a3
b1 = Conv a [16,16,3,3] pads=1,1,1,1
b2 = Relu b1
b3 = Conv b2 [16,16,3,3] pads=1,1,1,1
b = Add a b3
j = Concat stem a b axis=1
c = Conv j [16,48,1,1]
output c
`

// longStage has five blocks of one form, of which some can be left out.
var longStage = func() string {
	var s strings.Builder
	s.WriteString("input x Nx3x8x8\nx0 = Conv x [16,3,3,3] [16] pads=1,1,1,1 strides=2,2\n")
	for k := range 5 {
		fmt.Fprintf(&s, "n%[1]d = Conv x%[1]d [48,16,1,1]\na%[1]d = BatchNormalization n%[1]d [48] [48] [48] [48]\nb%[1]d = Clip a%[1]d\nc%[1]d = Conv b%[1]d [48,1,3,3] group=48 pads=1,1,1,1\nd%[1]d = Clip c%[1]d\n", k)
		fmt.Fprintf(&s, "e%[1]d = Conv d%[1]d [16,48,1,1]\nx%[2]d = Add e%[1]d x%[1]d\n", k, k+1)
	}
	s.WriteString("p = GlobalAveragePool x5\nf = Flatten p\ny = Gemm f [10,16] transB=1\noutput y\n")
	return s.String()
}()

// compiled makes the SuperNet of a model and its view.
func compiled(t testing.TB, m model) (*supernet.Net, *Package) {
	t.Helper()
	g, err := testgraph.Parse(m.graph)
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Read("test.toml", []byte(m.config))
	if err != nil {
		t.Fatal(err)
	}
	net, err := supernet.Compile(g, c.Supernet(), templates.All())
	if err != nil {
		t.Fatal(err)
	}
	var sets []fusion.Rules
	for _, name := range []string{"none", "onnxruntime"} {
		set, err := fusion.Named(name)
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, set)
	}
	u, err := unique.Enumerate(net, sets)
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(net, "small")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.AddTable(net, u); err != nil {
		t.Fatal(err)
	}
	return net, p
}

// eachModel runs a test on every model.
func eachModel(t *testing.T, test func(t *testing.T, net *supernet.Net, p *Package)) {
	for name, m := range models {
		t.Run(name, func(t *testing.T) {
			net, p := compiled(t, m)
			test(t, net, p)
		})
	}
}

// subnets are the original, the smallest and random SubNets.
func (p *Package) subnets(n int) [][]uint8 {
	rng := rand.New(rand.NewPCG(7, 7))
	original, smallest := make([]uint8, len(p.Choices)), make([]uint8, len(p.Choices))
	for k, c := range p.Choices {
		smallest[k] = uint8(len(c.Values) - 1)
	}
	out := [][]uint8{original, smallest}
	for range n {
		g := slices.Clone(original)
		for k, c := range p.Choices {
			g[k] = uint8(rng.IntN(len(c.Values)))
		}
		out = append(out, g)
	}
	return out
}

// described is the graph of a SubNet, as Describe makes it.
func described(t testing.TB, p *Package, genes []uint8) *nn.Graph {
	t.Helper()
	tape := nn.NewTape()
	if err := p.Describe(genes, tape); err != nil {
		t.Fatal(err)
	}
	g, err := tape.Graph()
	if err != nil {
		t.Fatalf("SubNet %v: %v", genes, err)
	}
	return g
}

// text lists a graph's nodes with all that is known of their operands and results.
func text(g *nn.Graph) string {
	var s strings.Builder
	for _, n := range g.Nodes {
		fmt.Fprintf(&s, "%s %s %+v", n.Name, n.Type, n.Attrs)
		for _, v := range slices.Concat(n.In, n.Out) {
			i := g.Values[v]
			fmt.Fprintf(&s, " %s:%v", i.Name, i.Shape)
			if i.Param != nil {
				fmt.Fprintf(&s, "%+v", *i.Param)
			}
		}
		s.WriteByte('\n')
	}
	return s.String()
}
