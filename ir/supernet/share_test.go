package supernet_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/testgraph"
	"github.com/autotailor/autotailor/templates"
)

// filled makes the SuperNet of a hand-written graph whose constant w has these elements.
func filled(t *testing.T, graph, text string, w []float32) *supernet.Net {
	t.Helper()
	g, err := testgraph.Parse(graph)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range g.Values {
		if v.Name == "w" {
			v.Const.Raw = ir.FromFloat32s(v.Const.Shape, w).Raw
		}
	}
	net, err := supernet.Compile(g, settings(t, text), templates.All())
	if err != nil {
		t.Fatal(err)
	}
	return net
}

const biases = `
input x Nx3x8x8
const w f32 8
a = Conv x [8,3,1,1] w
r = Relu a
b = Conv r [8,8,3,3] w pads=1,1,1,1 strides=2,2
p = GlobalAveragePool b
f = Flatten p
y = Gemm f [8,5]
output y`

const widths = "arch.divisor = 4\nvar.stage_vars.width_mult = [0.5, 1]"

// TestSharedParameters: a tensor that two layers use is one and has one width. A vector of equal elements, which exporters store once by chance, is cut for each
// of them.
func TestSharedParameters(t *testing.T) {
	for _, c := range []struct {
		elements []float32
		choices  int
		apart    bool
	}{
		{[]float32{1, 2, 3, 4, 5, 6, 7, 8}, 1, false},
		{make([]float32, 8), 2, true},
	} {
		net := filled(t, biases, widths, c.elements)
		first, second := net.Nodes[0].Params[1], net.Nodes[2].Params[1]
		if len(net.Choices) != c.choices || (first.Value != second.Value) != c.apart {
			t.Fatalf("%v: %v, values %d and %d", c.elements, summary(net), first.Value, second.Value)
		}
		genes := make([]uint8, c.choices)
		genes[0] = 1
		want := 4
		if c.apart {
			want = 8
		}
		if a, b := net.Shapes[first.Value][0].At(genes), net.Shapes[second.Value][0].At(genes); a != 4 || b != want {
			t.Errorf("the biases have %d and %d elements, want 4 and %d", a, b, want)
		}
	}
}

// TestSharedForms: a matrix and what it is the other way round have the same axes, whichever is used first.
func TestSharedForms(t *testing.T) {
	for _, turned := range []bool{false, true} {
		g, err := testgraph.Parse("input x Nx6\na = MatMul x [6,16]\nb = Relu a\nconst w f32 16x16\nconst v f32 16x16\nc = MatMul b w\nd = Relu c\ne = MatMul d v\ny = Gemm e [16,3]\noutput y")
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range g.Values {
			if v.Name == "v" {
				v.Const.Name = "w"
			}
			if v.Const != nil {
				v.Const.Transposed = (v.Name == "v") != turned && v.Const.Name == "w"
			}
		}
		net, err := supernet.Compile(g, settings(t, widths+"\nvar.block_vars.Generic.ratio = [0.5, 1]"), templates.All())
		if err != nil {
			t.Fatal(err)
		}
		a, b := net.Nodes[2].Params[0], net.Nodes[4].Params[0]
		genes := make([]uint8, len(net.Choices))
		for k := range genes {
			genes[k] = 1
		}
		s, r := net.Shapes[a.Value], net.Shapes[b.Value]
		if s[0].At(genes) != r[1].At(genes) || s[1].At(genes) != r[0].At(genes) || s[0].At(genes)*s[1].At(genes) == 256 {
			t.Errorf("the matrix is %v and %v", s, r)
		}
	}
}

// stages is two stages of residual blocks, by the names of their weights; "" is a block of its own.
func twoStages(first, second []string) string {
	var text strings.Builder
	declared := map[string]bool{}
	n, x := 0, "x"
	block := func(name string) {
		if name == "" {
			name = fmt.Sprint("own", n)
		}
		if !declared[name] {
			declared[name] = true
			fmt.Fprintf(&text, "const %s.a f32 32x16x3x3\nconst %s.b f32 16x32x3x3\n", name, name)
		}
		fmt.Fprintf(&text, "a%d = Conv %s %s.a pads=1,1,1,1\nr%d = Relu a%d\nb%d = Conv r%d %s.b pads=1,1,1,1\ny%d = Add %s b%d\n", n, x, name, n, n, n, n, name, n, x, n)
		x = fmt.Sprint("y", n)
		n++
	}
	text.WriteString("input i Nx3x8x8\nx = Conv i [16,3,1,1]\n")
	for _, name := range first {
		block(name)
	}
	fmt.Fprintf(&text, "d = Conv %s [24,16,3,3] pads=1,1,1,1 strides=2,2\ne = Conv d [16,24,1,1]\n", x)
	x = "e"
	for _, name := range second {
		block(name)
	}
	fmt.Fprintf(&text, "p = GlobalAveragePool %s\nf = Flatten p\nz = Gemm f [16,5]\noutput z", x)
	return text.String()
}

// TestSharedBlocks: blocks that share their weights have one choice of their width, which matters while any of them is there. Depth may drop
// them in one stage; where a tensor would count by the depths of two stages, one keeps it, with the reason.
func TestSharedBlocks(t *testing.T) {
	depths := "arch.divisor = 8\nvar.stage_vars.depth = [-2, -1, 0]\nvar.block_vars.BasicBlock.expand = [1, 2]"
	for _, c := range []struct {
		name          string
		first, second []string
		want          string // choices
		warning       string
	}{
		{"all of a stage", []string{"u", "u", "u"}, nil, "stage0.depth 3 2 1, stage0.0.expand 2 1", ""},
		{"the last two", []string{"", "u", "u"}, nil, "stage0.depth 3 2 1, stage0.0.expand 2 1, stage0.1.expand 2 1 while stage0.depth is above 1", ""},
		{"the first of both stages", []string{"u", "", ""}, []string{"u", ""},
			"stage0.depth 3 2 1, stage0.0.expand 2 1, stage0.1.expand 2 1 while stage0.depth is above 1, stage0.2.expand 2 1 while stage0.depth is above 2, " +
				"stage2.depth 2 1, stage2.0.expand 2 1 while stage2.depth is above 1", ""},
		{"blocks that both stages can drop", []string{"", "", "u"}, []string{"", "u"},
			"stage0.0.expand 2 1, stage0.1.expand 2 1, stage0.2.expand 2 1, stage2.depth 2 1, stage2.0.expand 2 1",
			`stage 0 keeps its first 3 blocks: tensor "u.a" is used there and in other stages`},
	} {
		net := compile(t, twoStages(c.first, c.second), depths)
		var got []string
		for _, x := range net.Choices {
			text := x.Name
			for _, v := range x.Candidates {
				text += fmt.Sprint(" ", v)
			}
			if x.Live.Below > 0 {
				d := net.Choices[x.Live.Choice]
				text += fmt.Sprintf(" while %s is above %v", d.Name, d.Candidates[x.Live.Below])
			}
			got = append(got, text)
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.name, text, c.want)
		}
		if has := slices.ContainsFunc(net.Warnings, func(w string) bool { return strings.Contains(w, c.warning) }); c.warning != "" && !has || c.warning == "" && len(net.Warnings) > 0 {
			t.Errorf("%s: %q, want %q", c.name, net.Warnings, c.warning)
		}
	}
}

// TestSharedDisagreement: uses that cannot agree freeze the axes, with the node that reads them otherwise.
func TestSharedDisagreement(t *testing.T) {
	net := compile(t, `
input x Nx3x8x8
const w f32 16x12x1x1
a = Conv x [12,3,1,1]
b = Conv a w
c = Conv b [24,16,1,1]
d = Conv c w group=2
p = GlobalAveragePool d
f = Flatten p
y = Gemm f [16,5]
output y`, "arch.divisor = 4\nvar.stage_vars.width = [0.5, 1]")
	genes := make([]uint8, len(net.Choices))
	for k := range genes {
		genes[k] = 1
	}
	w := net.Nodes[1].Params[0].Value
	if w != net.Nodes[3].Params[0].Value {
		t.Fatal("the convolutions have weights of their own")
	}
	groups := net.Nodes[3].Attrs["group"]
	n := 2
	if groups != nil {
		n = groups[0].At(genes)
	}
	if in, of := net.Shapes[w][1].At(genes)*n, net.Shapes[net.Nodes[3].Node.In[0]][1].At(genes); in != of {
		t.Errorf("%d groups of %v read %d channels; %v", n, net.Shapes[w], of, net.Frozen)
	}
}
