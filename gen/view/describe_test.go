package view

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/nn"
	runtime "github.com/autotailor/autotailor/runtime/supernet"
)

// TestDescribedShapes: the shapes that a Builder derives are those of the compiler, node by node, for every kind of choice.
func TestDescribedShapes(t *testing.T) {
	eachModel(t, func(t *testing.T, net *supernet.Net, p *Package) {
		for _, genes := range p.subnets(20) {
			var want []string
			for i, n := range net.Graph.Nodes {
				if net.Nodes[i].Block == nil || alive(net.Nodes[i].Block.Live, genes) {
					want = append(want, fmt.Sprint(n.Op, shapesAt(net, n.Out, genes)))
				}
			}
			g := described(t, p, genes)
			var got []string
			for _, n := range g.Nodes {
				got = append(got, fmt.Sprint(n.Type, shapesOf(g, n.Out)))
			}
			if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
				t.Fatalf("SubNet %v is\n%s\nwant\n%s", genes, g, w)
			}
		}
	})
}

func alive(n supernet.Need, genes []uint8) bool { return n.Below == 0 || genes[n.Choice] < n.Below }

func shapesAt(net *supernet.Net, ids []ir.ValueID, genes []uint8) []nn.Shape {
	var out []nn.Shape
	for _, id := range ids {
		s := nn.Shape{}
		for _, d := range net.Shapes[id] {
			n := d.At(genes)
			if d.IsBatch() {
				n = -n
			}
			s = append(s, n)
		}
		out = append(out, s)
	}
	return out
}

func shapesOf(g *nn.Graph, values []nn.Value) []nn.Shape {
	var out []nn.Shape
	for _, v := range values {
		out = append(out, append(nn.Shape{}, g.Values[v].Shape...))
	}
	return out
}

// TestTableAddsUp: what the sites of a SubNet cost by the table is what its graph costs, under every rule set.
func TestTableAddsUp(t *testing.T) {
	eachModel(t, func(t *testing.T, _ *supernet.Net, p *Package) {
		for _, genes := range p.subnets(20) {
			want := runtime.Count(described(t, p, genes).Bind(1))
			for _, r := range p.Table.Rules {
				var got runtime.Counts
				for _, s := range r.Sites {
					if s.Live.Below > 0 && genes[s.Live.Gene] >= s.Live.Below {
						continue
					}
					k := 0
					for _, d := range s.Deps {
						k = k*len(p.Choices[d].Values) + int(genes[d])
					}
					o := p.Table.Ops[s.Ops[k]]
					got.MACs += o.MACs
					got.Params += o.ParamCount(s.Shared...)
				}
				if got != want {
					t.Fatalf("SubNet %v under %s: %+v, want %+v", genes, r.Name, got, want)
				}
			}
		}
	})
}

// TestTableIsSorted: every operator is there once, in order, and the rows of kernels are the operators.
func TestTableIsSorted(t *testing.T) {
	eachModel(t, func(t *testing.T, _ *supernet.Net, p *Package) {
		for k, o := range p.Table.Ops[1:] {
			if compareOps(p.Table.Ops[k], o) >= 0 {
				t.Errorf("operator %d is not before the next", k)
			}
		}
		var shapes []runtime.Shapes
		names := map[string]bool{}
		for _, s := range p.Table.Shapes {
			if names[s.Name] {
				t.Errorf("the name %q is there twice", s.Name)
			}
			names[s.Name] = true
			shapes = append(shapes, s.Shapes)
		}
		if got := runtime.Ops(shapes, p.Table.Kernels); !slices.Equal(got, p.Table.Ops) {
			t.Errorf("the rows are\n%v\nwant\n%v", got, p.Table.Ops)
		}
	})
}

// TestShapesNames: a name says which shapes they are.
func TestShapesNames(t *testing.T) {
	for text, want := range map[string]string{
		"1x3x224x224":    "s1x3x224x224",
		"32x3x3x3 32":    "s32x3x3x3_32",
		"i64:3 ()":       "si64x3_scalar",
		"1 2 3 4 5 i8:6": "s1_2_3_4_etc",
	} {
		if got := shapesName(text); got != want {
			t.Errorf("%q is called %s, want %s", text, got, want)
		}
	}
	p := &Package{}
	if err := p.SetOps([]runtime.Op{{Steps: "Concat axis=1", In: "1 2 3 4 5", Out: "15"}, {Steps: "Concat axis=1", In: "1 2 3 4 6", Out: "16"}}); err != nil {
		t.Fatal(err)
	}
	if a, b := p.Table.Shapes[1].Name, p.Table.Shapes[3].Name; a != "s1_2_3_4_etc" || b == a {
		t.Errorf("two lists are called %s and %s", a, b)
	}
	if err := p.SetOps([]runtime.Op{{Steps: "Relu", In: "1xq", Out: "1"}}); err == nil {
		t.Error("a shape that is none is taken")
	}
}
