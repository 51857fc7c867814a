package unique_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/internal/fusion"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/onnx"
	"github.com/autotailor/autotailor/ir/pass"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/unique"
	"github.com/autotailor/autotailor/templates"
)

// compile makes the SuperNet of a model under the text of a config.
func compile(t testing.TB, path, text string) *supernet.Net {
	t.Helper()
	g, _, err := onnx.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := pass.Canonicalise(g, pass.Options{}); err != nil {
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

func model(name string) string { return filepath.Join("..", "..", "generated", "models", name) }

func rules(t testing.TB, names ...string) []fusion.Rules {
	t.Helper()
	var out []fusion.Rules
	for _, n := range names {
		r, err := fusion.Named(n)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

func enumerate(t testing.TB, net *supernet.Net) *unique.Table {
	t.Helper()
	u, err := unique.Enumerate(net, rules(t, "none", "embedded", "onnxruntime", "ncnn"))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// keyOf describes the operator of some nodes at given genes, from the net's shapes alone: written down again for this test.
func keyOf(net *supernet.Net, nodes []int, genes []uint8) string {
	var b strings.Builder
	inside := map[ir.ValueID]bool{}
	for k, i := range nodes {
		o := net.Nodes[i]
		if k > 0 && o.Node.Op == "BatchNormalization" {
			inside[o.Node.Out[0]] = true
			continue
		}
		fmt.Fprintf(&b, "%s ", o.Node.Op)
		for _, name := range []string{"strides", "pads", "kernel_shape", "dilations", "group"} {
			if d := o.Attrs[name]; d != nil {
				for _, x := range d {
					fmt.Fprintf(&b, "%s %d ", name, x.At(genes))
				}
			} else if a, ok := o.Node.Attr(name); ok && !(name == "group" && a.Int == 1) {
				fmt.Fprintf(&b, "%s %v %d ", name, a.Ints, a.Int)
			}
		}
		for j, id := range o.Node.In {
			if id != 0 && !inside[id] && (j < 2 || o.Node.Op != "Conv" && o.Node.Op != "Gemm") {
				for _, d := range net.Shapes[id] {
					fmt.Fprintf(&b, "%d,", d.At(genes))
				}
				b.WriteString("; ")
			}
		}
		inside[o.Node.Out[0]] = true
	}
	return b.String()
}

// holds tells whether a need is met.
func holds(n supernet.Need, genes []uint8) bool { return n.Below == 0 || genes[n.Choice] < n.Below }

// small is a space that can be enumerated.
const small = `[var.global_vars]
resolution = [16, 32]
[var.stage_vars]
reduce_depth = [-1, 0]
reduce_depth_skipped = [0, 1, 2, 3]
[var.block_vars]
BottleneckBlock.expand_ratio = [3, 6]
`

// TestTableIsTheUnion: over all SubNets of a small space, the operators that occur are exactly the table's, under every rule set, and
// each site's table says which one runs there.
func TestTableIsTheUnion(t *testing.T) {
	needs.Clone(t)
	net := compile(t, model("mobilenetv2.onnx"), small)
	u := enumerate(t, net)
	total := 1
	for _, c := range net.Choices {
		total *= len(c.Candidates)
	}
	if total < 16 || total > 1<<14 {
		t.Fatalf("%d combinations", total)
	}
	for _, r := range u.Rules {
		byKey, byID := map[string]int{}, map[int]string{}
		genes := make([]uint8, len(net.Choices))
		for k := range total {
			for g, rest := 0, k; g < len(genes); g++ {
				genes[g] = uint8(rest % len(net.Choices[g].Candidates))
				rest /= len(net.Choices[g].Candidates)
			}
			for _, s := range r.Sites {
				if !holds(s.Live, genes) {
					continue
				}
				id := s.Ops[index(net, s, genes)]
				key := keyOf(net, s.Nodes, genes)
				if old, ok := byKey[key]; ok && old != id {
					t.Fatalf("%s: operators %d and %d are one: %s", r.Name, old, id, key)
				}
				if old, ok := byID[id]; ok && old != key {
					t.Fatalf("%s: operator %d is two: %s and %s", r.Name, id, old, key)
				}
				byKey[key], byID[id] = id, key
			}
		}
		used := map[int]bool{}
		for _, s := range r.Sites {
			for _, id := range s.Ops {
				used[id] = true
			}
		}
		if len(used) != len(byID) {
			t.Errorf("%s: the table has %d operators, %d occur", r.Name, len(used), len(byID))
		}
	}
}

func index(net *supernet.Net, s unique.Site, genes []uint8) int {
	at := 0
	for _, g := range s.Deps {
		at = at*len(net.Choices[g].Candidates) + int(genes[g])
	}
	return at
}

// TestRandomSubNetsAreCovered: on a large space, what runs at each site of 1,000 random SubNets is what its table says.
func TestRandomSubNetsAreCovered(t *testing.T) {
	needs.Clone(t)
	for _, name := range []string{"mobilenetv2", "resnet50"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "generated", name, "autotailor.toml"))
		if err != nil {
			t.Fatal(err)
		}
		net := compile(t, model(name+".onnx"), string(text))
		for _, r := range enumerate(t, net).Rules {
			randomSubNetsAreCovered(t, net, r)
		}
	}
}

func randomSubNetsAreCovered(t *testing.T, net *supernet.Net, r unique.Rules) {
	t.Helper()
	rng := rand.New(rand.NewPCG(4, 4))
	seen := map[int]string{}
	for range 1000 {
		genes := make([]uint8, len(net.Choices))
		for g, c := range net.Choices {
			genes[g] = uint8(rng.IntN(len(c.Candidates)))
		}
		for _, s := range r.Sites {
			id, key := s.Ops[index(net, s, genes)], keyOf(net, s.Nodes, genes)
			if old, ok := seen[id]; ok && old != key {
				t.Fatalf("%s: operator %d is %s and %s", r.Name, id, old, key)
			}
			seen[id] = key
		}
	}
}

// TestPaperCounts: the convolutions of the paper's two networks under its authors' settings (full-size models).
func TestPaperCounts(t *testing.T) {
	dir := os.Getenv("AUTOTAILOR_MODELS")
	if dir == "" {
		t.Skip("set AUTOTAILOR_MODELS to the folder of the full-size models to run this test")
	}
	for _, c := range []struct {
		config string
		files  []string
		want   map[string]int
		mods   int
		raw    string
	}{
		{"timm_resnet50.toml", []string{"resnet50.ts.onnx", "resnet50.tr.onnx", "resnet50.dy.onnx"}, map[string]int{"Conv": 3418}, 100, "21182215236075"},
		{"timm_mobilenetv2w10.toml", []string{"mobilenetv2_100.tr.onnx", "mobilenetv2_100.dy.onnx", "mobilenetv2_100.dyn.onnx"}, map[string]int{"Conv": 593, "DepthwiseConv": 396}, 85, "87169610025"},
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", "internal", "conform", "testdata", c.config))
		if err != nil {
			t.Fatal(err)
		}
		distinct := ""
		for _, f := range c.files {
			net := compile(t, filepath.Join(dir, f), string(text))
			if net.Modifications != c.mods || net.Raw.String() != c.raw {
				t.Errorf("%s: %d modifications, %v variants", f, net.Modifications, net.Raw)
			}
			if n := net.Distinct().String(); distinct != "" && n != distinct {
				t.Errorf("%s: %s distinct SubNets, another exporter's file has %s", f, n, distinct)
			} else {
				distinct = n
			}
			u := enumerate(t, net)
			got := map[string]int{}
			seen := map[int]bool{}
			for _, s := range u.Rules[0].Sites {
				for _, id := range s.Ops {
					if !seen[id] {
						got[u.Ops[id].Kind]++
					}
					seen[id] = true
				}
			}
			for kind, n := range c.want {
				if got[kind] != n {
					t.Errorf("%s: %d %s, want %d", f, got[kind], kind, n)
				}
			}
			t.Logf("%s: %s distinct, operators %v", f, distinct, got)
		}
	}
}

// BenchmarkEnumerate is the whole table of a committed model under four rule sets.
func BenchmarkEnumerate(b *testing.B) {
	text, err := os.ReadFile(filepath.Join("..", "..", "generated", "resnet50", "autotailor.toml"))
	if err != nil {
		b.Fatal(err)
	}
	net := compile(b, model("resnet50.onnx"), string(text))
	b.ReportAllocs()
	for b.Loop() {
		enumerate(b, net)
	}
}
