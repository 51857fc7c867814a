package unique_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/testgraph"
	"github.com/autotailor/autotailor/ir/unique"
	"github.com/autotailor/autotailor/templates"
)

// nets are small nets with every kind of choice. NORM stands where a normalisation may be; BIAS where its folded form has a bias.
var nets = []struct{ name, graph, config string }{
	{"residual bottlenecks", `
input x Nx3x16x16
stem = Conv x [16,3,3,3] BIAS pads=1,1,1,1
NORM stem
stemr = Relu stem'
a1 = Conv stemr [8,16,1,1] BIAS
NORM a1
a1r = Relu a1'
a2 = Conv a1r [8,8,3,3] BIAS pads=1,1,1,1
NORM a2
a2r = Relu a2'
a3 = Conv a2r [32,8,1,1] BIAS
NORM a3
as = Conv stemr [32,16,1,1] BIAS
NORM as
a = Add a3' as'
ar = Relu a
b1 = Conv ar [8,32,1,1] BIAS
NORM b1
b1r = Relu b1'
b2 = Conv b1r [8,8,3,3] BIAS pads=1,1,1,1
NORM b2
b2r = Relu b2'
b3 = Conv b2r [32,8,1,1] BIAS
NORM b3
b = Add b3' ar
br = Relu b
p = GlobalAveragePool br
f = Flatten p
y = Gemm f [10,32] [10] transB=1
output y`, `
arch.divisor = 4
var.global_vars.resolution = [8, 12, 16]
var.stage_vars.width_mult = [0.5, 1]
var.stage_vars.reduce_depth = [-1, 0]
var.block_vars.BottleneckResidualBlock.expand_ratio = [0.125, 0.25]`},
	{"inverted residuals", `
input x Nx3x16x16
stem = Conv x [16,3,3,3] BIAS pads=1,1,1,1
NORM stem
c1 = Conv stem' [48,16,1,1] BIAS
NORM c1
c1r = Clip c1'
c2 = Conv c1r [48,1,5,5] BIAS group=48 pads=2,2,2,2 strides=2,2
NORM c2
c2r = Clip c2'
c3 = Conv c2r [24,48,1,1] BIAS
NORM c3
d1 = Conv c3' [72,24,1,1] BIAS
NORM d1
d1r = Clip d1'
d2 = Conv d1r [72,1,5,5] BIAS group=72 pads=2,2,2,2
NORM d2
d2r = Clip d2'
d3 = Conv d2r [24,72,1,1] BIAS
NORM d3
d = Add d3' c3'
p = GlobalAveragePool d
f = Flatten p
y = Gemm f [10,24] [10] transB=1
output y`, `
var.global_vars.resolution = [10, 16]
var.stage_vars.width_mult = [0.7, 1]
var.stage_vars.reduce_depth = [-1, 0]
var.block_vars.BottleneckResidualBlock.kernel_size = [3, 5]
var.block_vars.BottleneckResidualBlock.expand_ratio = [1, 2, 3]
var.block_vars.BottleneckBlock.kernel_size = [1, 3, 5]
var.block_vars.BottleneckBlock.expand_ratio = [2, 3]`},
	{"concatenation and groups", `
input x Nx3x16x16
stem = Conv x [16,3,3,3] BIAS pads=1,1,1,1
NORM stem
l = Conv stem' [8,16,1,1]
r = Conv stem' [12,16,3,3] pads=1,1,1,1
k = Concat l r axis=1
g = Conv k [20,10,3,3] group=2 pads=1,1,1,1
s = Conv g [16,20,1,1]
m = MaxPool s kernel_shape=2,2
p = GlobalAveragePool m
f = Flatten p
y = Gemm f [16,5]
output y`, `
arch.divisor = 4
var.global_vars.resolution = [8, 16]
var.stage_vars.width_mult = [0.5, 0.75, 1]`},
}

// handmade compiles a small net, with normalisations or with the biases that they fold to.
func handmade(t *testing.T, graph, text string, folded bool) *supernet.Net {
	t.Helper()
	var lines []string
	for _, line := range strings.Split(graph, "\n") {
		name, isNorm := strings.CutPrefix(line, "NORM ")
		switch {
		case isNorm && folded:
			continue
		case isNorm:
			line = fmt.Sprintf("%s' = BatchNormalization %s C C C C", name, name)
		case folded:
			if out, rest, ok := strings.Cut(line, "BIAS"); ok {
				line = out + "[" + channels(line) + "]" + rest
			}
			line = strings.ReplaceAll(line, "'", "")
		default:
			line = strings.Replace(line, " BIAS", "", 1)
		}
		if isNorm {
			line = strings.ReplaceAll(line, "C C C C", strings.Repeat("["+channels(lines[len(lines)-1])+"] ", 4))
		}
		lines = append(lines, line)
	}
	g, err := testgraph.Parse(strings.Join(lines, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Read("test.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	net, err := supernet.Compile(g, c.Supernet(), templates.All())
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// channels is the number of filters in a line with a Conv.
func channels(line string) string {
	_, shape, _ := strings.Cut(line, "[")
	n, _, _ := strings.Cut(shape, ",")
	return n
}

// subNets visits all combinations of choices.
func subNets(net *supernet.Net, visit func(genes []uint8)) int {
	var deps []dim.Choice
	var cards []uint8
	n := 0
	for g, c := range net.Choices {
		deps, cards = append(deps, dim.Choice(g)), append(cards, uint8(len(c.Candidates)))
	}
	genes := make([]uint8, len(net.Choices))
	dim.Enumerate(deps, cards, genes, func() { n++; visit(genes) })
	return n
}

// TestSubNetsOneByOne builds every SubNet of small nets with plain numbers, infers its shapes anew, and describes its operators: what
// occurs is the table, operator by operator; the table of a site says which one runs there.
func TestSubNetsOneByOne(t *testing.T) {
	for _, c := range nets {
		for _, folded := range []bool{true, false} {
			net := handmade(t, c.graph, c.config, folded)
			u, err := unique.Enumerate(net, rules(t, "none"))
			if err != nil {
				t.Fatal(err)
			}
			keys := map[string]int{}
			total := subNets(net, func(genes []uint8) {
				shapes := concrete(t, net, genes)
				for _, s := range u.Rules[0].Sites {
					if !holds(s.Live, genes) {
						continue
					}
					id, key := s.Ops[index(net, s, genes)], describe(net, s.Nodes, shapes, genes)
					if old, ok := keys[key]; ok && old != id {
						t.Fatalf("%s: %s is operator %d and %d", c.name, key, old, id)
					}
					keys[key] = id
				}
			})
			ids := map[int]bool{}
			for _, id := range keys {
				ids[id] = true
			}
			if len(ids) != len(u.Ops) || len(keys) != len(u.Ops) {
				t.Errorf("%s: the table has %d operators, %d SubNets have %d in %d rows", c.name, len(u.Ops), total, len(keys), len(ids))
			}
			if total < 18 || len(u.Ops) < 20 {
				t.Errorf("%s: only %d SubNets and %d operators", c.name, total, len(u.Ops))
			}
		}
	}
}

// concrete infers the shapes of one SubNet from numbers: its input, and its parameters cut as its picks say.
func concrete(t *testing.T, net *supernet.Net, genes []uint8) [][]dim.Dim {
	t.Helper()
	bind := map[ir.ValueID][]dim.Dim{}
	for _, id := range net.Graph.Inputs {
		for _, d := range net.Shapes[id] {
			bind[id] = append(bind[id], dim.Const(d.At(genes)))
		}
	}
	over := map[*ir.Node]op.Overrides{}
	for _, o := range net.Nodes {
		for _, p := range o.Params {
			for k, n := range net.Graph.Values[p.Value].Const.Shape {
				if p.Axes != nil {
					n = kept(p.Axes[k], n, genes)
				}
				bind[p.Value] = append(bind[p.Value], dim.Const(n))
			}
		}
		fixed := op.Overrides{}
		for name, list := range o.Attrs {
			for _, d := range list {
				fixed[name] = append(fixed[name], dim.Const(d.At(genes)))
			}
		}
		over[o.Node] = fixed
	}
	shapes, err := op.InferGraph(net.Graph, bind, over)
	if err != nil {
		t.Fatalf("at %v: %v", genes, err)
	}
	return shapes
}

func kept(a supernet.Axis, full int, genes []uint8) int {
	if len(a.Of) == 0 {
		if len(a.Keep.Deps()) == 0 {
			return full
		}
		return a.Keep.At(genes)
	}
	n := 1
	if a.Sum {
		n = 0
	}
	for _, p := range a.Of {
		if part := kept(p, p.Size, genes); a.Sum {
			n += part
		} else {
			n *= part
		}
	}
	return n
}

// describe writes what tells operators apart: type, attributes, shapes of activations and results, whether there is a bias.
func describe(net *supernet.Net, nodes []int, shapes [][]dim.Dim, genes []uint8) string {
	var b strings.Builder
	o := net.Nodes[nodes[0]]
	fmt.Fprint(&b, o.Node.Op, " ", len(nodes) > 1 || len(o.Node.In) > 2, " ")
	attrs := map[string]string{}
	for _, a := range o.Node.Attrs {
		if a.Name == "group" || a.Name == "pads" || a.Name == "strides" || a.Name == "transB" || a.Name == "axis" || a.Name == "kernel_shape" {
			attrs[a.Name] = fmt.Sprint(a.Int, a.Ints)
		}
	}
	for name, list := range o.Attrs {
		attrs[name] = ""
		for _, d := range list {
			attrs[name] += fmt.Sprint(d.At(genes), " ")
		}
	}
	if o.Node.Op == "Conv" {
		delete(attrs, "kernel_shape") // the weight has it
	}
	for _, name := range []string{"group", "pads", "strides", "transB", "axis", "kernel_shape"} {
		fmt.Fprint(&b, attrs[name], ";")
	}
	for k, id := range o.Node.In {
		if k < 2 || o.Node.Op == "Concat" {
			fmt.Fprint(&b, shapes[id])
		}
	}
	fmt.Fprint(&b, shapes[net.Nodes[nodes[len(nodes)-1]].Node.Out[0]])
	return b.String()
}

// TestFoldedNormalisations: the table does not depend on whether normalisations are folded into convolutions.
func TestFoldedNormalisations(t *testing.T) {
	for _, c := range nets {
		var tables []string
		for _, folded := range []bool{true, false} {
			net := handmade(t, c.graph, c.config, folded)
			u, err := unique.Enumerate(net, rules(t, "none", "onnxruntime", "ncnn"))
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, o := range u.Ops {
				fmt.Fprintln(&b, o.Kind, o.MACs, o.Genes)
			}
			for _, r := range u.Rules {
				fmt.Fprintln(&b, r.Name)
				for _, s := range r.Sites {
					fmt.Fprintln(&b, strings.TrimSuffix(s.Name, "'"), s.Deps, s.Live, s.Ops)
				}
			}
			tables = append(tables, b.String())
		}
		if tables[0] != tables[1] {
			t.Errorf("%s: with normalisations\n%s\nfolded\n%s", c.name, tables[1], tables[0])
		}
	}
}

// TestSitesNameTheirChoices: a site depends on no choice that does not change its operator; depth is no dependency but a condition.
func TestSitesNameTheirChoices(t *testing.T) {
	for _, c := range nets {
		net := handmade(t, c.graph, c.config, true)
		for _, r := range enumerate(t, net).Rules {
			for _, s := range r.Sites {
				for k, g := range s.Deps {
					if net.Choices[g].Kind == supernet.Depth {
						t.Errorf("%s, %s: site %s depends on %s", c.name, r.Name, s.Name, net.Choices[g].Name)
					}
					if !matters(net, s, k) {
						t.Errorf("%s, %s: site %s is said to depend on %s", c.name, r.Name, s.Name, net.Choices[g].Name)
					}
				}
			}
		}
	}
}

// matters tells whether the k-th choice of a site changes its operator.
func matters(net *supernet.Net, s unique.Site, k int) bool {
	stride := 1
	for _, g := range s.Deps[k+1:] {
		stride *= len(net.Choices[g].Candidates)
	}
	card := len(net.Choices[s.Deps[k]].Candidates)
	return slices.ContainsFunc(indices(len(s.Ops)), func(i int) bool { return s.Ops[i] != s.Ops[i-i/stride%card*stride] })
}

func indices(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// TestLiteralsTellOperatorsApart: two Slices of one shape along different axes are two operators.
func TestLiteralsTellOperatorsApart(t *testing.T) {
	net := handmade(t, `
input x Nx4x1x1
c = Conv x [8,4,1,1]
a = Slice c {0} {1} {2}
b = Slice c {0} {1} {3}
ap = GlobalAveragePool a
bp = GlobalAveragePool b
s = Add ap bp
f = Flatten s
y = Gemm f [10,8] [10] transB=1
output y`, ``, false)
	table := enumerate(t, net)
	n := 0
	for _, o := range table.Ops {
		if o.Kind == "Slice" {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d kinds of Slice, want 2", n)
	}
}

// TestSquaresAreNoProducts: a product of a value with itself reads one value, one of two values of the same shape reads two.
func TestSquaresAreNoProducts(t *testing.T) {
	net := handmade(t, `
input x Nx4
a = Gemm x [8,4] transB=1
b = Gemm x [8,4] transB=1
s = Mul a a
p = Mul a b
q = Sub s p
y = Gemm q [10,8] [10] transB=1
output y`, ``, false)
	table := enumerate(t, net)
	n := 0
	for _, o := range table.Ops {
		if o.Kind == "Mul" {
			n++
		}
	}
	if n != 2 {
		t.Errorf("%d kinds of Mul, want 2", n)
	}
}
