package supernet_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/onnx"
	"github.com/autotailor/autotailor/ir/pass"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/testgraph"
	"github.com/autotailor/autotailor/templates"
)

// settings reads the text of a config.
func settings(t testing.TB, text string) supernet.Config {
	t.Helper()
	c, err := config.Read("test.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c.Supernet()
}

// compile makes the SuperNet of a hand-written graph.
func compile(t testing.TB, graph, text string) *supernet.Net {
	t.Helper()
	g, err := testgraph.Parse(graph)
	if err != nil {
		t.Fatal(err)
	}
	net, err := supernet.Compile(g, settings(t, text), templates.All())
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// compileModel makes the SuperNet of a model file.
func compileModel(t testing.TB, path, text string) *supernet.Net {
	t.Helper()
	net, err := supernet.Compile(canonical(t, path), settings(t, text), templates.All())
	if err != nil {
		t.Fatal(err)
	}
	return net
}

func canonical(t testing.TB, path string) *ir.Graph {
	t.Helper()
	g, _, err := onnx.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := pass.Canonicalise(g, pass.Options{}); err != nil {
		t.Fatal(err)
	}
	return g
}

func committed(name string) string {
	return filepath.Join("..", "..", "generated", "models", name+".onnx")
}

func text(t testing.TB, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// summary lists the choices as "name: candidates", with the condition under which they matter.
func summary(net *supernet.Net) []string {
	var out []string
	for _, c := range net.Choices {
		s := fmt.Sprintf("%s: %v", c.Name, c.Candidates)
		if c.Live.Below > 0 {
			s += fmt.Sprintf(" while %s is below candidate %d", net.Choices[c.Live.Choice].Name, c.Live.Below)
		}
		out = append(out, s)
	}
	return out
}

// each visits all combinations of a small space.
func each(net *supernet.Net, visit func(genes []uint8)) {
	var deps []dim.Choice
	var cards []uint8
	for g, c := range net.Choices {
		deps, cards = append(deps, dim.Choice(g)), append(cards, uint8(len(c.Candidates)))
	}
	genes := make([]uint8, len(net.Choices))
	dim.Enumerate(deps, cards, genes, func() { visit(genes) })
}

// alive tells whether a condition holds.
func alive(n supernet.Need, genes []uint8) bool { return n.Below == 0 || genes[n.Choice] < n.Below }

// shape writes the shape of a named value at genes.
func shape(t testing.TB, net *supernet.Net, name string, genes []uint8) string {
	t.Helper()
	for id, v := range net.Graph.Values {
		if v.Name == name && id > 0 {
			var parts []string
			for _, d := range net.Shapes[id] {
				parts = append(parts, fmt.Sprint(d.At(genes)))
			}
			return strings.Join(parts, "x")
		}
	}
	t.Fatalf("there is no value %s", name)
	return ""
}

// small has a stem and two stages: two residual bottlenecks with a projection, and an inverted residual after a widening one.
const small = `
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
d = Add d3 c3

p = GlobalAveragePool d
f = Flatten p
y = Gemm f [10,24] [10] transB=1
output y
`

// everything asks for every kind of choice.
const everything = `
arch.divisor = 4
var.global_vars.resolution = [8, 12, 16]
var.stage_vars.width_mult = [0.5, 1]
var.stage_vars.reduce_depth = [-1, 0]
var.block_vars.BottleneckResidualBlock.expand_ratio = [0.125, 0.25]
var.block_vars.BottleneckBlock.expand_ratio = [1, 2, 3]
var.block_vars.BottleneckBlock.kernel_size = [3, 5]
`

func TestChoices(t *testing.T) {
	net := compile(t, small, everything)
	want := []string{
		"resolution: [16 12 8]",
		"stage0.width: [1 0.5]",
		"stage1.width: [1 0.5]",
		"stage1.depth: [2 1]",
		"stage1.0.expand: [0.25 0.125]",
		"stage1.1.expand: [0.25 0.125] while stage1.depth is below candidate 1",
		"stage2.width: [1 0.5]",
		"stage2.depth: [2 1]",
		"stage2.0.kernel: [5 3]",
		"stage2.0.expand: [3 2 1]",
		"stage2.1.expand: [3 0.25 0.125] while stage2.depth is below candidate 1",
	}
	if got := summary(net); !slices.Equal(got, want) {
		t.Errorf("the choices are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(net.Warnings) > 0 {
		t.Error(net.Warnings)
	}
}

// TestExtents follows choices through the net: what each of them moves, and what it does not.
func TestExtents(t *testing.T) {
	net := compile(t, small, everything)
	gene := map[string]int{}
	for g, c := range net.Choices {
		gene[c.Name] = g
	}
	for _, c := range []struct {
		set    string // choice=candidate index
		values map[string]string
	}{
		{"", map[string]string{"x": "1x3x16x16", "a1": "1x8x16x16", "c1": "1x96x16x16", "c2.1": "96x1x5x5", "d": "1x24x8x8", "f": "1x24", "y.1": "10x24"}},
		{"resolution=1", map[string]string{"x": "1x3x12x12", "b": "1x32x12x12", "d": "1x24x6x6", "f": "1x24"}},
		{"stage0.width=1", map[string]string{"stem.1": "8x3x3x3", "stem.2": "8", "a1.1": "8x8x1x1", "as.1": "32x8x1x1", "a1": "1x8x16x16"}},
		{"stage1.width=1", map[string]string{"a3.1": "16x4x1x1", "as.1": "16x16x1x1", "b1.1": "4x16x1x1", "b": "1x16x16x16", "c1.1": "48x16x1x1"}},
		{"stage1.1.expand=1", map[string]string{"b1.1": "4x32x1x1", "b2.1": "4x4x3x3", "b3.1": "32x4x1x1", "a1.1": "8x16x1x1"}},
		{"stage2.0.kernel=1", map[string]string{"c2.1": "96x1x3x3", "c2": "1x96x8x8", "d2.1": "72x1x5x5"}},
		{"stage2.0.expand=1", map[string]string{"c1.1": "64x32x1x1", "c2.1": "64x1x5x5", "c3.1": "24x64x1x1", "d1.1": "72x24x1x1"}},
		{"stage2.width=1", map[string]string{"c3.1": "12x96x1x1", "d1.1": "36x12x1x1", "d2.1": "36x1x5x5", "d3.1": "12x36x1x1", "y.1": "10x12"}},
	} {
		genes := make([]uint8, len(net.Choices))
		if name, k, ok := strings.Cut(c.set, "="); ok {
			genes[gene[name]] = k[0] - '0'
		}
		for v, want := range c.values {
			if got := shape(t, net, v, genes); got != want {
				t.Errorf("with %q %s is %s, want %s", c.set, v, got, want)
			}
		}
	}
}

// TestMovingAttributes: the group count of a depthwise convolution and the padding of a cropped one follow.
func TestMovingAttributes(t *testing.T) {
	net := compile(t, small, everything)
	for _, o := range net.Nodes {
		if o.Node.Name != "c2" {
			continue
		}
		each(net, func(genes []uint8) {
			w := shape(t, net, "c2.1", genes)
			group, k, pad := o.Attrs["group"][0].At(genes), o.Attrs["kernel_shape"][0].At(genes), o.Attrs["pads"][3].At(genes)
			if want := fmt.Sprintf("%dx1x%dx%d", group, k, k); w != want || pad != k/2 {
				t.Fatalf("at %v: weight %s, group %d, window %d, padding %d", genes, w, group, k, pad)
			}
		})
		return
	}
	t.Fatal("there is no node c2")
}

// TestPicks: the picks of every parameter keep as many positions as its shape has.
func TestPicks(t *testing.T) {
	net := compile(t, small, everything)
	cut := 0
	each(net, func(genes []uint8) {
		for _, o := range net.Nodes {
			for _, p := range o.Params {
				for k, a := range p.Axes {
					cut++
					full := net.Graph.Values[p.Value].Const.Shape[k]
					if got, want := kept(a, full, genes), net.Shapes[p.Value][k].At(genes); got != want {
						t.Fatalf("%s operand %d axis %d at %v keeps %d, its shape has %d", o.Node.Name, p.Operand, k, genes, got, want)
					}
				}
			}
		}
	})
	if cut == 0 {
		t.Error("no parameter is ever cut")
	}
}

func kept(a supernet.Axis, full int, genes []uint8) int {
	switch {
	case len(a.Of) > 0 && a.Sum:
		n := 0
		for _, p := range a.Of {
			n += kept(p, p.Size, genes)
		}
		return n
	case len(a.Of) > 0:
		n := 1
		for _, p := range a.Of {
			n *= kept(p, p.Size, genes)
		}
		return n
	case len(a.Keep.Deps()) > 0:
		return a.Keep.At(genes)
	}
	return full
}

// TestModules: stages, blocks and their nodes hold every node once, in order.
func TestModules(t *testing.T) {
	needs.Clone(t)
	for _, net := range []*supernet.Net{
		compile(t, small, everything),
		compileModel(t, committed("mobilenetv2"), ""),
		compileModel(t, committed("resnet50"), ""),
	} {
		next := 0
		for s, st := range net.Stages {
			if st.Index != s {
				t.Errorf("stage %d has index %d", s, st.Index)
			}
			for _, it := range st.Items {
				for _, n := range it.Nodes {
					if n != next {
						t.Fatalf("node %d stands where %d should", n, next)
					}
					if o := net.Nodes[n]; o.Stage != s || o.Block != it.Block || o.Node != net.Graph.Nodes[n] {
						t.Errorf("node %d does not know its stage and block", n)
					}
					next++
				}
			}
		}
		if next != len(net.Graph.Nodes) {
			t.Errorf("%d of %d nodes are in stages", next, len(net.Graph.Nodes))
		}
	}
}

// TestRigid: a node whose rule contradicts the choices around it is frozen with its reason instead of failing.
func TestRigid(t *testing.T) {
	net := compile(t, `
input x Nx3x8x8
a = Conv x [8,3,1,1]
e = Expand a {8,8,8}
b = Conv e [16,8,1,1]
m = com.microsoft.RotaryEmbedding b [1] [1] [1]
c = Conv m [12,16,1,1]
p = GlobalAveragePool c
f = Flatten p
y = Gemm f [12,5]
output y`, "arch.divisor = 4\nvar.stage_vars.width_mult = [0.5, 1]\nvar.global_vars.resolution = [4, 8]")
	if got := summary(net); len(got) != 1 || !strings.HasSuffix(got[0], "width: [1 0.5]") {
		t.Errorf("the choices are %q, want the last width only", got)
	}
	if got := fmt.Sprint(net.Warnings); !strings.Contains(got, "test.toml:3: resolution 4 is left out: node \"e\" (Expand)") {
		t.Errorf("the warnings are %s", got)
	}
	for _, want := range []string{"a.1:0 8 e: operands have extents", "b.1:0 16 m: operator RotaryEmbedding has no axis rule", "c.1:1 16 m: makes it anew"} {
		found := false
		for _, f := range net.Frozen {
			found = found || strings.HasPrefix(fmt.Sprintf("%s:%d %d %s: %s", f.Value, f.Axis, f.Size, f.Node, f.Why), want)
		}
		if !found {
			t.Errorf("no axis is frozen as %q: %v", want, net.Frozen)
		}
	}
	each(net, func(genes []uint8) {
		if a, c := shape(t, net, "a.1", genes), shape(t, net, "c.1", genes); a != "8x3x1x1" || !strings.HasSuffix(c, "x16x1x1") {
			t.Errorf("at %v the weights are %s and %s", genes, a, c)
		}
	})
}

// TestExpandFollows: an Expand to extents that an exporter wrote down follows the choices, and the map that it is added to.
func TestExpandFollows(t *testing.T) {
	net := compile(t, `
input x Nx3x8x8
a = Conv x [8,3,1,1]
e = Expand [1,8,1,1] {1,8,8,8}
s = Add a e
p = GlobalAveragePool s
f = Flatten p
y = Gemm f [8,5]
output y`, "arch.divisor = 4\nvar.stage_vars.width_mult = [0.5, 1]\nvar.global_vars.resolution = [4, 8]")
	if got := summary(net); len(got) != 2 || len(net.Warnings) > 0 || len(net.Unowned) > 0 {
		t.Errorf("%q, warnings %v, %v", got, net.Warnings, net.Unowned)
	}
	if e, a := shape(t, net, "e", []uint8{1, 1}), shape(t, net, "e.0", []uint8{1, 1}); e != "1x4x4x4" || a != "1x4x1x1" {
		t.Errorf("the smallest SubNet expands %s to %s", a, e)
	}
}

// TestDenseLayersGo: a layer of a dense block that depth drops leaves no channels, and what comes after reads fewer.
func TestDenseLayersGo(t *testing.T) {
	net := compile(t, `
input x Nx3x8x8
s = Conv x [16,3,1,1]
a = Conv s [8,16,3,3] pads=1,1,1,1
b = Concat s a axis=1
c = Conv b [8,24,3,3] pads=1,1,1,1
d = Concat b c axis=1
e = Conv d [8,32,3,3] pads=1,1,1,1
f = Concat d e axis=1
n = BatchNormalization f [40] [40] [40] [40]
p = GlobalAveragePool n
q = Flatten p
y = Gemm q [40,5]
output y`, "arch.divisor = 4\nvar.stage_vars.width = [0.5, 1]\nvar.stage_vars.depth = [-2, -1, 0]")
	if got := fmt.Sprint(summary(net)); got != "[stage0.width: [1 0.5] stage1.width: [1 0.5] stage1.depth: [3 2 1]]" || len(net.Unowned) > 0 {
		t.Fatalf("%s, without a choice %v", got, net.Unowned)
	}
	each(net, func(genes []uint8) {
		stem, growth, layers := 16>>genes[0], 8>>genes[1], 3-int(genes[2])
		want := fmt.Sprintf("%dx5", stem+layers*growth)
		if got := shape(t, net, "y.1", genes); got != want {
			t.Errorf("at %v the last weight is %s, want %s", genes, got, want)
		}
	})
}
