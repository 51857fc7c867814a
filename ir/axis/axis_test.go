package axis_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
	"github.com/autotailor/autotailor/ir/testgraph"
)

// batch stands for the open batch.
const batch = 1009

// coupled is a graph with its coupling.
type coupled struct {
	*axis.Coupling
	g   *ir.Graph
	ids map[string]ir.ValueID
}

func couple(t *testing.T, text string) coupled {
	t.Helper()
	g, err := testgraph.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	bind := map[ir.ValueID][]dim.Dim{}
	for _, id := range g.Inputs {
		for _, d := range g.Values[id].Shape {
			if d.Size < 0 {
				d.Size = batch
			}
			bind[id] = append(bind[id], dim.Const(d.Size))
		}
	}
	shapes, err := op.InferGraph(g, bind, nil)
	if err != nil {
		t.Fatal(err)
	}
	sizes := make([][]int, len(shapes))
	for id, s := range shapes {
		if s != nil {
			sizes[id] = []int{}
		}
		for _, d := range s {
			sizes[id] = append(sizes[id], d.Original())
		}
	}
	c := coupled{axis.Couple(g, sizes, true), g, map[string]ir.ValueID{}}
	for id, v := range g.Values {
		c.ids[v.Name] = ir.ValueID(id)
	}
	return c
}

// at finds an axis such as "c:1"; the operands of node c are called "c.0", "c.1", ...
func (c coupled) at(t *testing.T, ref string) axis.Var {
	t.Helper()
	name, k, _ := strings.Cut(ref, ":")
	n, err := strconv.Atoi(k)
	id, ok := c.ids[name]
	if err != nil || !ok || n >= len(c.Axes(id)) {
		t.Fatalf("there is no axis %s", ref)
	}
	return c.Axes(id)[n]
}

// check tests a statement: "a:1 == b:1" (one class), "a:1 != b:1", "a:1 = b:1 + c:1" (a sum), "a:1 = b:1 * c:1" (a product),
// "a:1 free" or "a:1 frozen by node: reason".
func (c coupled) check(t *testing.T, statement string) {
	t.Helper()
	words := strings.Fields(statement)
	v := c.at(t, words[0])
	switch words[1] {
	case "free":
		if why := c.Frozen(v); why != nil {
			t.Errorf("%s: it is frozen by %s: %s", statement, why.Node, why.Why)
		}
	case "frozen":
		want := strings.TrimPrefix(statement, words[0]+" frozen by ")
		if why := c.Frozen(v); why == nil || !strings.HasPrefix(why.Node+": "+why.Why, want) {
			t.Errorf("%s: the reason is %v", statement, why)
		}
	case "==", "!=":
		if same := c.Find(v) == c.Find(c.at(t, words[2])); same != (words[1] == "==") {
			t.Errorf("%s: does not hold", statement)
		}
	default:
		c.parts(t, statement, v, words[2:])
	}
}

func (c coupled) parts(t *testing.T, statement string, v axis.Var, words []string) {
	t.Helper()
	have := c.Terms(v)
	if len(words) > 1 && words[1] == "*" {
		have = c.Factors(v)
	}
	var want []axis.Var
	for k := 0; k < len(words); k += 2 {
		want = append(want, c.Find(c.at(t, words[k])))
	}
	for k := range have {
		have[k] = c.Find(have[k])
	}
	if !slices.Equal(have, want) {
		var sizes []int
		for _, p := range have {
			sizes = append(sizes, c.Size(p))
		}
		t.Errorf("%s: its parts have sizes %v", statement, sizes)
	}
}

var tests = []struct {
	name, graph string
	want        []string
}{
	{
		"chain of convolutions", `
input x Nx3x32x32
c = Conv x [8,3,3,3] [8] pads=1,1,1,1
n = BatchNormalization c [8] [8] [8] [8]
r = Relu n
d = Conv r [16,8,1,1]
p = MaxPool d kernel_shape=2,2
output p`,
		[]string{
			"c:1 == c.1:0", "c:1 == c.2:0", "c:1 == n.1:0", "c:1 == n.4:0", "c:1 == r:1", "c:1 == d.1:1", "c:1 free",
			"x:1 == c.1:1", "x:1 frozen by x: is an input", "x:0 frozen by x: is an input",
			"d:1 == d.1:0", "d:1 == p:1", "d:1 frozen by p: is an output", "c:1 != d:1", "c:0 == x:0", "c:2 != x:2",
		},
	},
	{
		"residual", `
input x Nx3x8x8
s = Conv x [8,3,1,1]
c = Conv s [24,8,1,1]
d = Conv c [8,24,1,1] [8]
y = Add d s
e = Conv y [8,8,1,1]
z = Add e y
w = Conv z [4,8,1,1]
output w`,
		[]string{"s:1 == d:1", "s:1 == d.2:0", "s:1 == e:1", "s:1 == e.1:0", "s:1 == w.1:1", "s:1 free", "c:1 != s:1", "c:1 free"},
	},
	{
		"depthwise", `
input x Nx3x8x8
c = Conv x [24,3,1,1]
d = Conv c [24,1,3,3] [24] group=24 pads=1,1,1,1
e = Conv d [8,24,1,1]
f = Conv e [6,8,1,1]
output f`,
		[]string{"c:1 == d.1:0", "c:1 == d:1", "c:1 == e.1:1", "c:1 == d.2:0", "c:1 free", "e:1 free"},
	},
	{
		"depthwise with a multiplier", `
input x Nx3x8x8
c = Conv x [12,3,1,1]
d = Conv c [24,1,3,3] group=12 pads=1,1,1,1
e = Conv d [8,24,1,1]
output e`,
		[]string{"c:1 free", "c:1 != d.1:0"},
	},
	{
		"grouped", `
input x Nx3x8x8
c = Conv x [12,3,1,1]
d = Conv c [18,4,3,3] group=3 pads=1,1,1,1
e = Conv d [8,18,1,1]
output e`,
		[]string{"d.1:1 free"},
	},
	{
		"squeeze and excitation", `
input x Nx3x8x8
c = Conv x [16,3,1,1]
g = GlobalAveragePool c
a = Conv g [4,16,1,1]
r = Relu a
b = Conv r [16,4,1,1]
h = HardSigmoid b
m = Mul c h
y = Conv m [6,16,1,1]
output y`,
		[]string{"c:1 == b:1", "c:1 == a.1:1", "c:1 == y.1:1", "c:1 free", "a:1 free", "a:1 != c:1"},
	},
	{
		"flatten before linear", `
input x Nx3x4x4
c = Conv x [8,3,1,1]
f = Flatten c
y = Gemm f [128,10] [10]
output y`,
		[]string{"f:1 = c:1 * c:2 * c:3", "f:1 == y.1:0", "y.2:0 frozen by y: is an output"},
	},
	{
		"pooled and flattened", `
input x Nx3x4x4
c = Conv x [8,3,1,1]
p = GlobalAveragePool c
f = Flatten p
y = Gemm f [10,8] transB=1
output y`,
		[]string{"f:1 == c:1", "c:1 == y.1:1", "c:1 free"},
	},
	{
		"reduced", `
input x Nx3x4x4
c = Conv x [8,3,1,1]
p = ReduceMean c axes=2,3 keepdims=0
q = ReduceMax c {-1,-2}
y = MatMul p [8,10]
output y`,
		[]string{"p:1 == c:1", "q:1 == c:1", "y.1:0 == c:1"},
	},
	{
		"concatenation", `
input x Nx3x4x4
a = Conv x [8,3,1,1]
b = Conv x [4,3,1,1]
k = Concat a b a axis=1
y = Conv k [5,20,1,1]
output y`,
		[]string{"k:1 = a:1 + b:1 + a:1", "k:1 == y.1:1", "a:1 free", "b:1 free"},
	},
	{
		"concatenation of a concatenation", `
input x Nx3x4x4
a = Conv x [8,3,1,1]
b = Conv a [4,8,1,1]
k = Concat a b axis=1
c = Conv k [6,12,1,1]
l = Concat k c axis=-3
y = Conv l [5,18,1,1]
output y`,
		[]string{"y.1:1 = a:1 + b:1 + c:1", "c:1 free"},
	},
	{
		"split", `
input x Nx9x16
q = MatMul x [16,48]
a, b, c = Split q axis=2
m = MatMul a [16,4]
o = MatMul m [4,16]
s = Add o c
y = MatMul s [16,5]
output y`,
		[]string{"q:2 = a:2 + b:2 + c:2", "q:2 == q.1:1", "c:2 == o.1:1", "c:2 == y.1:0", "a:2 != c:2", "a:2 == m.1:0"},
	},
	{
		"shuffled channels", `
input x Nx3x4x4
c = Conv x [12,3,1,1]
r = Reshape c {0,2,6,4,4}
t = Transpose r perm=0,2,1,3,4
f = Reshape t {0,12,4,4}
y = Conv f [5,12,1,1]
output y`,
		[]string{"c:1 = r:1 * r:2", "f:1 = r:2 * r:1", "f:1 == y.1:1", "f:1 != c:1"},
	},
	{
		"attention", `
input x Nx3x4x4
e = Conv x [24,3,1,1]
f = Reshape e {0,24,16}
h = Transpose f perm=0,2,1
q = MatMul h [24,24]
k = MatMul h [24,24]
v = MatMul h [24,24]
qb = Add q [24]
qr = Reshape qb {0,16,3,8}
kr = Reshape k {0,16,3,8}
vr = Reshape v {0,16,3,8}
qt = Transpose qr perm=0,2,1,3
kt = Transpose kr perm=0,2,3,1
vt = Transpose vr perm=0,2,1,3
s = MatMul qt kt
p = Softmax s axis=3
a = MatMul p vt
at = Transpose a perm=0,2,1,3
m = Reshape at {0,16,24}
o = MatMul m [24,24]
r = Add o h
l = LayerNormalization r [24] [24] axis=-1
y = MatMul l [24,5]
output y`,
		[]string{
			"q:2 = qr:2 * qr:3", "qb.1:0 == q:2", "qr:2 == kr:2", "qr:2 == vr:2", "qr:3 == kr:3", "qr:3 != vr:3", "qr:2 != qr:3",
			"o.1:0 = vr:2 * vr:3", "v:2 = vr:2 * vr:3", "m:2 = vr:2 * vr:3", "e:1 == o:2", "e:1 == l.1:0", "e:1 == h:2", "qr:2 free", "vr:3 free", "e:1 free",
		},
	},
	{
		"a reshape that nothing matches", `
input x Nx3x4x4
c = Conv x [8,3,1,1]
r = Reshape c {0,-1}
s = Reshape r {0,16,8}
u = MatMul s [8,5]
output u`,
		[]string{"u:2 frozen by u: is an output"},
	},
	{
		"extents that do not match", `
input x Nx3x2x5
c = Conv x [6,3,1,1]
r = Reshape c {0,4,15}
u = MatMul r [15,5]
output u`,
		[]string{"c:1 frozen by r: joins axes that are put together differently", "r:2 frozen by r: joins axes that are put together differently"},
	},
	{
		"a recurrent layer: gates of hidden elements", `
input x 7xNx6
y, h, c = LSTM x [1,32,6] [1,32,8] [1,64] _ [1,1,8] [1,1,8] [1,24]
z, k = GRU x [2,24,6] [2,24,8] [2,48] direction=bidirectional
t = Transpose z perm=0,2,1,3
r = Reshape t {0,0,16}
w = MatMul r [16,5]
s = Squeeze y {1}
v = MatMul s [8,5]
output w
output v`,
		[]string{"y:3 == y.2:2", "h:2 == c:2", "y.5:2 == y:3", "y.6:2 == y:3", "v.1:0 == y:3", "y:3 free", "z:3 == z.2:2", "z:3 != y:3", "z:1 frozen by z: is the number of directions", "z:3 free"},
	},
	{
		"grouped transposed convolutions", `
input x Nx3x4x4
a = Conv x [8,3,1,1]
b = ConvTranspose a [8,3,2,2] [6] group=2
c = Conv b [5,6,1,1]
d = ConvTranspose c [5,1,2,2] [5] group=5
e = Conv d [3,5,1,1]
output e`,
		[]string{"a.1:0 == b.1:0", "c.1:1 == b:1", "b.2:0 == b:1", "b.1:1 free", "d:1 == c:1", "d.2:0 == c.1:0", "d.1:0 == e.1:1", "c:1 free"},
	},
	{
		"quantised tensors and their scales", `
input x Nx3x4x4
const s f32 8
const z i8 8
q = QuantizeLinear x [] [] : i8
w = DequantizeLinear [8,3,1,1] s z axis=0
c = Conv x w
d = QuantizeLinear c [] [] : i8
e = QLinearConv d [] [] [6,8,1,1] [6] [6] [] [] [6] : i8
f = DequantizeLinear e [] []
g = Conv f [4,6,1,1]
output g
output q`,
		[]string{"s:0 == c:1", "z:0 == c:1", "w.0:0 == c:1", "e.3:1 == c:1", "e.4:0 == e:1", "e.5:0 == e:1", "e.8:0 == g.1:1", "c:1 free", "e:1 free"},
	},
	{
		"operators that ONNX Runtime joins", `
input x Nx3x4x4
a = Conv x [8,3,1,1]
b = com.microsoft.FusedConv a [8,8,1,1] [8] a activation=Relu
r = Reshape b {0,8,16}
t = Transpose r perm=0,2,1
n, m, i, u = com.microsoft.SkipLayerNormalization t [16,8] [8] [8] [8]
o = MatMul u [8,5]
output o
output n`,
		[]string{"a.1:0 == b.1:0", "b.2:0 == a:1", "n.1:1 == a:1", "n.2:0 == a:1", "u:2 == a:1", "o.1:0 == a:1"},
	},
	{
		"an unknown operator", `
input x Nx3x4x4
c = Conv x [8,3,1,1]
d = Conv x [8,3,1,1]
m = com.example.Magic c d : f32 Nx8x4x4
e = Conv m [4,8,1,1]
f = Conv d [4,8,1,1]
g = Add e f
h = Conv g [3,4,1,1]
output h`,
		[]string{
			"c:1 frozen by m: operator Magic has no axis rule", "d:1 frozen by m", "m:1 frozen by m: makes it anew (Magic)",
			"e.1:1 frozen by m", "f.1:1 == d:1", "g:1 free",
		},
	},
	{
		"a roll of windows", `
input x Nx8x6x6
c = Conv x [8,8,1,1]
w = Reshape c {0,8,2,3,6}
a, b = Split c {5,1} axis=2
k = Concat b a axis=2
e = Add c k
f = Conv e [4,8,1,1]
output f`,
		[]string{"c:1 free", "a:1 == c:1", "e:1 == c:1"},
	},
	{
		"channels that are taken apart across groups", `
input x Nx8x3x3
c = Conv x [8,8,1,1]
w = Reshape c {0,2,4,9}
a, b = Split c {3,5} axis=1
e = Conv a [4,3,1,1]
f = Conv b [4,5,1,1]
output e f`,
		[]string{"c:1 free", "a:1 == e.1:1", "b:1 == f.1:1", "e.1:1 free"},
	},
	{
		"channels of two branches that are shuffled", `
input x Nx8x2x2
a = Conv x [6,8,1,1]
b = Conv x [6,8,1,1]
k = Concat a b axis=1
r = Reshape k {-1,2,6,2,2}
t = Transpose r perm=0,2,1,3,4
s = Reshape t {-1,12,2,2}
l, h = Split s {6,6} axis=1
e = Conv h [6,6,1,1]
m = Add e l
output m`,
		[]string{"a:1 == b:1", "e:1 == l:1", "a:1 free", "e.1:1 free"},
	},
	{
		"channels that groups of a convolution share across the parts of a Concat", `
input x Nx3x2x2
a = Conv x [4,3,1,1]
b = Conv x [12,3,1,1]
k = Concat a b axis=1
c = Conv k [8,8,1,1] group=2
output c`,
		[]string{"a:1 free", "b:1 free"},
	},
	{
		"positions that are known to be such later", `
input x Nx3x8x8
w = Relu [8,2,4]
r = Reshape w {8,8}
v = Reshape x {-1,3,8,2,4}
m = Add v w
q = Slice r {0} {6} {1}
a = Conv x [8,3,1,1]
y = Conv a [5,8,1,1]
output m q y`,
		[]string{"r:1 free", "a:1 free"},
	},
	{
		"a filter over channels", `
input x Nx3x4x4
a = Conv x [8,3,1,1]
p = GlobalAveragePool a
s = Reshape p {-1,1,8}
f = Conv s [1,1,3] pads=1,1
u = Reshape f {-1,8,1,1}
m = Mul a u
y = Conv m [4,8,1,1]
output y`,
		[]string{"f:2 == a:1", "a:1 free"},
	},
	{
		"a filter over some of the channels", `
input x Nx3x4x4
a = Conv x [8,3,1,1]
p = GlobalAveragePool a
s = Reshape p {-1,1,8}
f = Conv s [1,1,3]
u = Reshape f {-1,6,1,1}
y = Conv u [4,6,1,1]
output y`,
		[]string{"f:2 != a:1"},
	},
	{
		"groups of positions of two maps", `
input x Nx3x4x4
a = Conv x [5,3,1,1]
f = Reshape a {-1,5,16}
g = Reshape a {-1,5,16}
k = Concat f g axis=2
r = Reshape k {-1,5,8,4}
t = Transpose r perm=0,1,3,2
output t`,
		[]string{"a:1 frozen by t: is an output", "k:2 free", "r:2 != k:2"},
	},
	{
		"weights of an unknown operator", `
input x Nx3x4x4
m = com.example.Magic x [8,3,1,1]
e = Conv m [4,3,1,1]
output e`,
		[]string{"m.1:0 frozen by m: operator Magic has no axis rule"},
	},
	{
		"windows that are shifted", `
input x Nx3x8x8
c = Conv x [8,3,1,1]
t = Transpose c perm=0,2,3,1
a, b = Split t {2,6} axis=1
k = Concat b a axis=1
r = Reshape k {0,2,4,2,4,8}
p = Transpose r perm=0,1,3,2,4,5
w = Reshape p {-1,16,8}
q = MatMul w [8,8]
y = MatMul q [8,5]
output y`,
		[]string{"c:1 free", "q.1:0 == c:1", "w:1 = r:2 * r:4"},
	},
	{
		"shapes that nobody knows", `
input x Nx3x4x4
c = Conv x [8,3,1,1]
s = com.example.Source
m = Add c s
output m`,
		[]string{"c:1 frozen by m: the shapes of its operands are not known"},
	},
	{
		"a transposed convolution", `
input x Nx3x4x4
c = Conv x [8,3,1,1]
d = ConvTranspose c [8,6,2,2] [6] strides=2,2
e = Conv d [4,6,1,1]
output e`,
		[]string{"c:1 == d.1:0", "d:1 == d.1:1", "d:1 == d.2:0", "d:1 == e.1:1", "c:1 free", "d:1 free"},
	},
	{
		"broadcast operands", `
input x Nx3x4x4
c = Conv x [8,3,1,1]
a = Mul c [8,1,1]
b = Add a [1]
d = PRelu b [8,1,1]
e = Conv d [4,8,1,1]
output e`,
		[]string{"a.1:0 == c:1", "d.1:0 == c:1", "b.1:0 != c:1", "c:1 free"},
	},
	{
		"the same parameter used twice by distinct values", `
input x Nx6
a = Gemm x [6,8]
b = Gemm a [8,8]
c = Add a b
d = Gemm c [5,8] transB=1
output d`,
		[]string{"a:1 == b:1", "b.1:0 == b.1:1", "d.1:1 == a:1", "a:1 free"},
	},
}

// TestCoupling states which axes are cut together in small graphs, and why others are not.
func TestCoupling(t *testing.T) {
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			got := couple(t, c.graph)
			for _, s := range c.want {
				got.check(t, s)
			}
		})
	}
}

// TestOtherOperators: operators that repeat, count and pick leave alone what they can.
func TestOtherOperators(t *testing.T) {
	for graph, want := range map[string][]string{
		"g = Tile c {1,1,2,3}":                                                     {"g:1 == c:1", "c:1 free", "g:2 != c:2"},
		"g = Tile c {1,3,1,1}\ny = Conv g [5,24,1,1]":                              {"y.1:1 == g:1", "g:0 == c:0", "c:1 free"},
		"s = SpaceToDepth c blocksize=2\ny = Conv s [5,32,1,1]":                    {"y.1:1 == s:1", "c:1 free"},
		"g = CumSum c {2}":                                                         {"g:1 == c:1", "c:1 free"},
		"g = LRN c size=3":                                                         {"g:1 == c:1", "c:1 free"},
		"g = ArgMax c axis=1":                                                      {"c:1 frozen by g: looks for positions", "g:2 == c:2"},
		"g = ArgMin c axis=2 keepdims=0":                                           {"g:1 == c:1", "c:1 free"},
		"g, h = TopK c {2} axis=3":                                                 {"g:1 == c:1", "h:1 == c:1", "c:1 free", "g:3 != c:3"},
		"g, h = TopK c {2} axis=1":                                                 {"c:1 frozen by g: sorts positions", "g:1 frozen by g"},
		"i = Cast c to=7 : i64\ng = GatherElements c i axis=2":                     {"g:1 == c:1", "c:1 free", "c:2 frozen by g: picks positions"},
		"i = Cast c to=7 : i64\ng = ScatterElements c i c":                         {"g:1 == c:1", "c:1 free"},
		"g = Einsum c [8,5] equation=nchw,co->nohw":                                {"g.1:0 == c:1", "g:1 == g.1:1", "g:2 == c:2", "c:1 free"},
		"g = Einsum [8,8] equation=ii->i\nh = Conv c [8,8,1,1]\ny = Mul h [8,1,1]": {"g:0 == g.0:0", "g.0:0 == g.0:1"},
		"g = Einsum [6,8,8] equation=...jj->...j":                                  {"g.0:1 == g.0:2", "g:0 == g.0:0"},
		"m = ReduceMean c axes=0,2,3 keepdims=0\ng = MatMul m [8,5]":               {"g.1:0 == c:1", "g:0 == g.1:1"},
		"m = ReduceMean c axes=0,2,3 keepdims=0\ng = MatMul [5,8] m":               {"g.0:1 == c:1", "g:0 == g.0:0"},
		"e = Expand [1,8,1,1] {1,8,4,4}\ny = Add c e":                              {"e.0:1 == c:1", "e:2 == c:2", "c:1 free"},
		"e = Expand [1,1,1,1] {1,8,4,4}\ny = Add c e":                              {"e:1 == c:1", "c:1 free"},
		"m, i = MaxPool c kernel_shape=2,2 strides=2,2\nd = Conv m [8,8,1,1]\ng = MaxUnpool d i kernel_shape=2,2 strides=2,2": {"d:1 == c:1", "g:1 == c:1", "g:0 == c:0", "c:1 free"},
		"m, i = MaxPool c kernel_shape=3,3 strides=3,3\ns = Shape c : i64\ng = MaxUnpool m i s kernel_shape=3,3 strides=3,3":  {"g:1 == c:1", "c:1 free"},
		"m, i = MaxPool c kernel_shape=2,2 strides=2,2\ng = MaxUnpool m i {1009,8,4,4} kernel_shape=2,2 strides=2,2":          {"c:1 frozen by g: states the extents of its result"},
		"m, i = MaxPool c kernel_shape=3,3 strides=3,3\ng = MaxUnpool m i kernel_shape=3,3 strides=3,3":                       {"c:1 frozen by g: puts elements into a map of another size than the one that was pooled"},
		"m, i = MaxPool c kernel_shape=2,2 strides=2,2\nj = Neg i : i64\ng = MaxUnpool m j kernel_shape=2,2 strides=2,2":      {"c:1 frozen by g: puts elements at places that no MaxPool has computed"},
		"y = ConvTranspose c [8,6,2,2]": {"y:1 == y.1:1"},
	} {
		c := couple(t, "input x Nx3x4x4\nc = Conv x [8,3,1,1]\n"+graph)
		for _, s := range want {
			c.check(t, s)
		}
		if t.Failed() {
			t.Fatal(graph)
		}
	}
}

// TestGroups: a grouped convolution's channels are groups times the channels of one, and both can move.
func TestGroups(t *testing.T) {
	c := couple(t, tests[4].graph)
	for ref, want := range map[string][2]int{"c:1": {3, 4}, "d:1": {3, 6}} {
		f := c.Factors(c.at(t, ref))
		if len(f) != 2 || c.Size(f[0]) != want[0] || c.Size(f[1]) != want[1] {
			t.Fatalf("%s is not %v", ref, want)
		}
		if c.Frozen(f[0]) != nil || c.Frozen(f[1]) != nil || !c.Is(f[0], axis.Group) {
			t.Errorf("%s: frozen %v and %v; want groups and channels to move", ref, c.Frozen(f[0]), c.Frozen(f[1]))
		}
	}
	if c.Find(c.Factors(c.at(t, "c:1"))[0]) != c.Find(c.Factors(c.at(t, "d:1"))[0]) {
		t.Error("the groups of operand and result are not the same")
	}
}

// TestLeaves lists each unrefined variable once.
func TestLeaves(t *testing.T) {
	c := couple(t, tests[9].graph)
	leaves := c.Leaves(c.at(t, "k:1"))
	if len(leaves) != 2 {
		t.Errorf("a + b + a has the leaves %v", leaves)
	}
	if got := fmt.Sprint(c.Size(leaves[0]), c.Size(leaves[1])); got != "8 4" {
		t.Errorf("of sizes %s", got)
	}
}

// TestIndexing: operators that pick positions freeze what they pick from and leave the other axes alone.
func TestIndexing(t *testing.T) {
	for graph, want := range map[string][]string{
		"g = Gather c {1} axis=2":                 {"g:1 == c:1", "c:1 free"},
		"g = Gather c {0,5} axis=1":               {"c:1 frozen by g: picks positions", "g:1 frozen by g: picks positions", "g:2 == c:2"},
		"g = Slice c {0} {5} {1}":                 {"c:1 frozen by g: changes the extent", "g:1 frozen by g", "g:3 == c:3"},
		"g = Slice c {0} {100} {1}":               {"g:1 == c:1", "c:1 free"},
		"g = Slice c {-1} {-100} {-3} {-1}":       {"c:1 frozen by g", "g:1 != c:1"},
		"g = Slice c {0} {2} {2}":                 {"g:1 == c:1", "c:1 free", "g:2 != c:2"},
		"g = Pad c {0,0,1,1,0,0,1,1}":             {"g:1 == c:1", "c:1 free", "g:2 != c:2"},
		"g = Pad c {0,1,0,0,0,-1,0,0}":            {"c:1 frozen by g", "g:1 != c:1"},
		"g = Expand c {3,1,8,4,4}":                {"g:2 == c:1", "c:1 free"},
		"s = Shape c : i64\ng = Relu c":           {"g:1 == c:1", "c:1 free"},
		"g = ReduceMean c axes=1":                 {"c:1 free"},
		"g = Squeeze c\nh = Unsqueeze g {0,2}":    {"h:3 == c:1", "c:1 free"},
		"g = Transpose c":                         {"g:2 == c:1", "g:0 == c:3"},
		"g = InstanceNormalization c [8] [8]":     {"g.1:0 == c:1"},
		"g = Dropout c\nh = Where g c [8,1,1]":    {"h.2:0 == c:1"},
		"g = LayerNormalization c [8,4,4] axis=1": {"g.1:0 == c:1", "g.1:2 == c:3"},
	} {
		c := couple(t, "input x Nx3x4x4\nc = Conv x [8,3,1,1]\n"+graph)
		for _, s := range want {
			c.check(t, s)
		}
		if t.Failed() {
			t.Fatal(graph)
		}
	}
}
