package supernet_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/ir/supernet"
)

// TestVerbs: a module of every level has the paper's feature and verbs. That they are what the compiler works with shows when one is taken away: it
// does not compile.
func TestVerbs(t *testing.T) {
	for _, module := range []any{(*supernet.Op)(nil), (*supernet.Block)(nil), (*supernet.Stage)(nil), (*supernet.Net)(nil)} {
		for _, verb := range []string{"Feature", "Transform", "Update", "Build"} {
			if _, ok := reflect.TypeOf(module).MethodByName(verb); !ok {
				t.Errorf("%T has no %s", module, verb)
			}
		}
	}
}

// record is a Builder that writes down what it is told.
type record struct{ lines []string }

func (r *record) Stage(s *supernet.Stage) { r.lines = append(r.lines, fmt.Sprint("stage ", s.Index)) }

func (r *record) Item(it supernet.Item) { r.lines = append(r.lines, fmt.Sprint("item ", it.Nodes)) }

func (r *record) Skip(it supernet.Item) { r.lines = append(r.lines, fmt.Sprint("skip ", it.Nodes)) }

func (r *record) Op(o *supernet.Op, a supernet.Active) {
	r.lines = append(r.lines, fmt.Sprint(o.Node.Name, a.Live, a.In, a.Out, a.Attrs))
}

// TestBuild compares what Build tells of every seventh SubNet with the net's own lists.
func TestBuild(t *testing.T) {
	net := compile(t, small, everything)
	skipped, count := false, 0
	each(net, func(genes []uint8) {
		if count++; count%7 != 1 {
			return
		}
		r := &record{}
		net.Build(r, genes)
		var want []string
		for _, s := range net.Stages {
			want = append(want, fmt.Sprint("stage ", s.Index))
			for _, it := range s.Items {
				if it.Block != nil && !alive(it.Block.Live, genes) {
					want, skipped = append(want, fmt.Sprint("skip ", it.Nodes)), true
					continue
				}
				want = append(want, fmt.Sprint("item ", it.Nodes))
				for _, i := range it.Nodes {
					o := net.Nodes[i]
					attrs := map[string][]int{}
					for name, d := range o.Attrs {
						for _, x := range d {
							attrs[name] = append(attrs[name], x.At(genes))
						}
					}
					in, out := [][]int{}, [][]int{}
					for _, id := range o.Node.In {
						in = append(in, numbers(net, int(id), genes))
					}
					for _, id := range o.Node.Out {
						out = append(out, numbers(net, int(id), genes))
					}
					want = append(want, fmt.Sprint(o.Node.Name, true, in, out, attrs))
				}
			}
		}
		if !slices.Equal(r.lines, want) {
			t.Fatalf("Build tells of %v\n%s\nwant\n%s", genes, strings.Join(r.lines, "\n"), strings.Join(want, "\n"))
		}
	})
	if !skipped {
		t.Error("no SubNet does without a block")
	}
	largest, original := &record{}, &record{}
	net.Build(largest, nil)
	net.Build(original, make([]uint8, len(net.Choices)))
	if !slices.Equal(largest.lines, original.lines) {
		t.Error("without genes it is not the original model")
	}
}

func numbers(net *supernet.Net, id int, genes []uint8) []int {
	var out []int
	for _, d := range net.Shapes[id] {
		out = append(out, d.At(genes))
	}
	return out
}

// TestFeatures: the features of the levels fit together: a stage reads what its first item reads, and a removed block's input and output are alike.
func TestFeatures(t *testing.T) {
	net := compile(t, small, everything)
	var choices []int
	choices = append(choices, net.Feature().Choices...)
	for _, s := range net.Stages {
		f := s.Feature(net)
		choices = append(choices, f.Choices...)
		for _, it := range s.Items {
			if it.Block == nil {
				continue
			}
			b := it.Block.Feature(net)
			choices = append(choices, b.Choices...)
			if b.Live.Below > 0 {
				each(net, func(genes []uint8) {
					if a := b.At(genes); !reflect.DeepEqual(a.In[0], a.Out[0]) || a.Live != alive(b.Live, genes) {
						t.Fatalf("a block that can go is %+v at %v", a, genes)
					}
				})
			}
		}
	}
	for g := range net.Choices {
		if !slices.Contains(choices, g) {
			t.Errorf("%s is not a module's", net.Choices[g].Name)
		}
	}
	if len(choices) != len(net.Choices) {
		t.Errorf("the modules have the choices %v, the net has %d", choices, len(net.Choices))
	}
}

// TestCompiledNetsStay: what Compile has handed out is changed by none of its modules.
func TestCompiledNetsStay(t *testing.T) {
	net := compile(t, small, everything)
	list := supernet.Var{Name: string(supernet.Depth), Values: supernet.Values{List: []float64{-1, 0}}}
	s, bl := net.Stages[1], net.Stages[1].Blocks()[0]
	for name, err := range map[string]error{
		"net: transform": net.Transform(list), "net: update": net.Update(),
		"stage: transform": s.Transform(net, list), "stage: update": s.Update(net),
		"block: transform": bl.Transform(net, list), "block: update": bl.Update(net),
		"operator: transform": net.Nodes[0].Transform(net, 0), "operator: update": net.Nodes[0].Update(net),
	} {
		if err == nil {
			t.Errorf("%s is done", name)
		}
	}
}

// TestUpdateRefuses: an operator that would add maps of different sides is refused, and the resolution that leads to it is none of the net's.
func TestUpdateRefuses(t *testing.T) {
	net := compile(t, `
input x Nx3x4x4
a1 = Conv x [8,3,1,1]
a2 = GlobalAveragePool a1
a3 = Pad a2 {0,0,0,0,0,0,3,3}
a = Add a3 a1
p = GlobalAveragePool a
f = Flatten p
y = Gemm f [8,10]
output y`, "var.global_vars.resolution = [1, 4]")
	const want = `test.toml:1: the resolution stays as it is: node "a": operands have extents 4 and [4 1] over choices [0] on axis 2`
	if len(net.Choices) > 0 || !slices.Contains(net.Warnings, want) {
		t.Errorf("the choices are %v, the warnings %q", summary(net), net.Warnings)
	}
}
