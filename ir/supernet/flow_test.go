package supernet_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/testgraph"
	"github.com/autotailor/autotailor/templates"
)

// flow writes the items of a graph's main flow by the names of their nodes: "a; b c d; e".
func flow(t *testing.T, graph string) (*supernet.Flow, string) {
	t.Helper()
	g, err := testgraph.Parse(graph)
	if err != nil {
		t.Fatal(err)
	}
	f := supernet.NewFlow(g)
	var items []string
	for _, it := range f.Items {
		items = append(items, names(f, it.Nodes))
	}
	return f, strings.Join(items, "; ")
}

func names(f *supernet.Flow, nodes []int) string {
	var out []string
	for _, i := range nodes {
		out = append(out, f.Node(i).Name)
	}
	return strings.Join(out, " ")
}

func TestFlow(t *testing.T) {
	for _, c := range []struct{ name, graph, want string }{
		{"chain", "input x Nx3\na = Relu x\nb = Relu a\nc = Relu b\noutput c", "a; b; c"},
		{"residual", "input x Nx3\na = Relu x\nb = Relu a\nc = Relu b\nd = Add c a\ne = Relu d\noutput e", "a; b c d; e"},
		{"residual of the input", "input x Nx3\nb = Relu x\nd = Add b x\noutput d", "b d"},
		{"two branches", "input x Nx3\na = Relu x\nb = Abs x\nc = Add a b\nd = Relu c\noutput d", "a b c; d"},
		{"nested", `
input x Nx3
a = Relu x
b = Relu a
c = Add b a
d = Relu c
e = Add d x
f = Relu e
output f`, "a b c d e; f"},
		{"gate", "input x Nx3\na = Relu x\ng = Sigmoid a\nm = Mul a g\nd = Relu m\noutput d", "a; g m; d"},
		{"split and concatenation", "input x Nx4\na, b = Split x axis=1\nc = Relu a\nd = Concat c b axis=1\noutput d", "a c d"},
		{"two inputs", "input x Nx3\ninput z Nx3\na = Relu x\nb = Relu z\nc = Add a b\nd = Relu c\noutput d", "a b c; d"},
		{"an input that nothing reads", "input x Nx3\ninput z Nx3\na = Relu x\nb = Relu a\noutput b", "a; b"},
		{"two outputs", "input x Nx3\na = Relu x\nb = Relu a\nc = Abs a\noutput b c", "a; b; c"},
		{"constants sink to their user", `
input x Nx3
k = Shape {1,2} : i64
a = Relu x
b = Relu a
r = Reshape b k
s = Relu r
output s`, "a; b; k r; s"},
	} {
		if _, got := flow(t, c.graph); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestBranches(t *testing.T) {
	for _, c := range []struct{ name, graph, want string }{
		{"identity", "input x Nx3\nb = Relu x\nc = Relu b\nd = Add x c\noutput d", "b c|"},
		{"two", "input x Nx3\na = Abs x\nb = Relu x\nc = Relu b\nd = Add a c\noutput d", "b c|a"},
		{"a common start", "input x Nx3\na = Abs x\nb = Relu a\nz = Relu b\nd = Add b a\ne = Mul d z\noutput e", "none"},
		{"beside another branch", "input x Nx3\na = Abs x\nb = Mul a [3]\nz = Relu x\nd = Add b a\ne = Mul d z\noutput e", "b|"},
		{"a product", "input x Nx3\nb = Relu x\nd = Mul b x\noutput d", "none"},
		{"an added constant", "input x Nx3\nb = Relu x\nd = Add b [3]\noutput d", "none"},
		{"another domain", "input x Nx3\nb = Relu x\nd = mine.Add b x\noutput d", "none"},
	} {
		f, _ := flow(t, c.graph)
		got := "none"
		for _, it := range f.Items {
			if long, short, ok := f.Branches(it); ok {
				got = names(f, long) + "|" + names(f, short)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestStages: a stage ends where width, rank or resolution change; activations belong to the block before them.
func TestStages(t *testing.T) {
	net := compile(t, small, "")
	var got []string
	for _, s := range net.Stages {
		var items []string
		for _, it := range s.Items {
			kind := "-"
			if it.Block != nil {
				kind = fmt.Sprintf("%s%d/%t", it.Block.Type, it.Block.Place, it.Block.Skippable)
			}
			items = append(items, fmt.Sprintf("%s(%d)", kind, len(it.Nodes)))
		}
		got = append(got, fmt.Sprintf("%d: %s", s.Width, strings.Join(items, " ")))
	}
	want := []string{
		"16: -(1) -(1)",
		"32: BottleneckResidualBlock0/false(8) BottleneckResidualBlock1/true(7)",
		"24: BottleneckBlock0/false(5) BottleneckResidualBlock1/true(6)",
		"24: -(1)", "24: -(1)", "10: -(1)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the stages are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestSkippableNeedsEqualExtents: a branch that is added by broadcasting cannot be left out.
func TestSkippableNeedsEqualExtents(t *testing.T) {
	net := compile(t, `
input x Nx3x8x8
p = Conv x [4,3,1,1]
a = GlobalAveragePool p
b = Conv a [4,4,1,1]
c = Conv b [4,4,1,1]
q = Add c a
r = ConvTranspose q [4,4,8,8]
d = Conv r [4,4,1,1]
e = Add d r
output e`, "")
	n := 0
	for _, s := range net.Stages {
		for _, b := range s.Blocks() {
			if n++; !b.Skippable {
				t.Errorf("%s in stage %d cannot be skipped", b.Type, s.Index)
			}
		}
	}
	if n != 2 {
		t.Errorf("%d blocks", n)
	}
	g, err := testgraph.Parse("input x Nx4x1x1\na = ConvTranspose x [4,4,2,2]\nb = Add a x\nc = Relu b\noutput c")
	if err != nil {
		t.Fatal(err)
	}
	net, err = supernet.Compile(g, settings(t, ""), templates.All())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range net.Stages {
		for _, b := range s.Blocks() {
			if b.Skippable {
				t.Errorf("%s grows its input and is skippable", b.Type)
			}
		}
	}
}

// TestDetect: what `init` proposes compiles without a warning, and offers every kind of choice that the model has.
func TestDetect(t *testing.T) {
	needs.Clone(t)
	graphs := map[string]*ir.Graph{}
	for _, name := range []string{"mobilenetv2", "resnet50", "levit"} {
		graphs[name] = canonical(t, committed(name))
	}
	g, err := testgraph.Parse(small)
	if err != nil {
		t.Fatal(err)
	}
	graphs["small"] = g
	want := map[string][]supernet.ChoiceKind{
		"mobilenetv2": {supernet.Depth, supernet.Expand, supernet.Resolution, supernet.Width},
		"resnet50":    {supernet.Depth, supernet.Expand, supernet.Resolution, supernet.Width},
		"levit":       {supernet.Depth, supernet.Expand, supernet.Heads, supernet.QK, supernet.Ratio, supernet.Resolution, supernet.Value, supernet.Width},
		"small":       {supernet.Depth, supernet.Expand, supernet.Kernel, supernet.Resolution, supernet.Width},
	}
	for name, g := range graphs {
		p, err := supernet.Detect(g, supernet.Config{Divisor: 8, DepthKeep: 1}, templates.All())
		if err != nil {
			t.Fatal(err)
		}
		net, err := supernet.Compile(g, p.Config, templates.All())
		if err != nil {
			t.Fatal(err)
		}
		if len(net.Warnings) > 0 {
			t.Errorf("%s: %v", name, net.Warnings)
		}
		var kinds []supernet.ChoiceKind
		for _, c := range net.Choices {
			kinds = append(kinds, c.Kind)
		}
		slices.Sort(kinds)
		if kinds = slices.Compact(kinds); !slices.Equal(kinds, want[name]) {
			t.Errorf("%s: choices of %v, want %v", name, kinds, want[name])
		}
	}
}
