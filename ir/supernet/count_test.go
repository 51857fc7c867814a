package supernet_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/ir/op"
	"github.com/autotailor/autotailor/ir/supernet"
)

// spaces are small enough to visit every combination.
var spaces = []struct{ name, config string }{
	{"everything", everything},
	{"depth and ratios", `
arch.divisor = 2
var.stage_vars.reduce_depth = [-1, 0]
var.block_vars.BottleneckResidualBlock.expand_ratio = [0.125, 0.2, 0.25]`},
	{"width only", "arch.divisor = 2\nvar.stage_vars.width_mult = [0.3, 0.6, 1]"},
	{"coarse widths that coincide", `
arch.divisor = 16
var.stage_vars.width_mult = [0.8, 0.9, 1]
var.block_vars.BottleneckBlock.expand_ratio = [2.9, 2.95, 3]`},
	{"nothing", ""},
}

// TestDistinct counts the combinations that differ once the choices of removed blocks are set aside.
func TestDistinct(t *testing.T) {
	for _, s := range spaces {
		for _, keep := range []string{"", "\nvar.stage_vars.reduce_depth_keep = 2"} {
			net := compile(t, small, s.config+keep)
			seen := map[string]bool{}
			each(net, func(genes []uint8) {
				canonical := append([]uint8{}, genes...)
				for g, c := range net.Choices {
					if !alive(c.Live, genes) {
						canonical[g] = 0
					}
				}
				seen[string(canonical)] = true
			})
			if got := net.Distinct().String(); got != fmt.Sprint(len(seen)) {
				t.Errorf("%s%s: %s distinct SubNets, counting gives %d", s.name, keep, got, len(seen))
			}
		}
	}
}

// TestDistinctSubNetsDiffer: of the SubNets that Distinct counts, any two are different networks: some operator has another shape, or is not
// there. Only where a narrow stage rounds two ratios to one width, as in the first space, two of them coincide.
func TestDistinctSubNetsDiffer(t *testing.T) {
	for _, s := range spaces {
		net := compile(t, small, s.config)
		seen := map[string]bool{}
		each(net, func(genes []uint8) { seen[network(net, genes)] = true })
		if got := net.Distinct(); got.Int64() != int64(len(seen)) && (s.name != "everything" || got.Int64() < int64(len(seen))) {
			t.Errorf("%s: %s distinct SubNets, there are %d different networks", s.name, got, len(seen))
		}
	}
}

// network describes the operators that a SubNet runs.
func network(net *supernet.Net, genes []uint8) string {
	var b strings.Builder
	for i, o := range net.Nodes {
		if o.Block != nil && !alive(o.Block.Live, genes) {
			continue
		}
		fmt.Fprint(&b, i, ":")
		for _, id := range append(append(o.Node.In[:0:0], o.Node.In...), o.Node.Out...) {
			for _, d := range net.Shapes[id] {
				fmt.Fprint(&b, d.At(genes), ",")
			}
		}
	}
	return b.String()
}

// TestCoverage compares with trying every choice on every axis: of the small net's layers, which are convolutions and one Gemm.
func TestCoverage(t *testing.T) {
	given := map[string]bool{"stem.1 1": true, "y.1 0": true, "y.2 0": true} // axes of the model's input and output
	for _, s := range spaces {
		net := compile(t, small, s.config)
		var params, elasticParams, macs, elasticMACs float64
		for _, o := range net.Nodes {
			for _, p := range o.Params {
				free, owned, size := 0.0, 0.0, 1.0
				for k, d := range net.Shapes[p.Value] {
					size *= float64(d.Original())
					if k >= 2 || d.Original() == 1 || given[fmt.Sprint(net.Graph.Values[p.Value].Name, " ", k)] {
						continue
					}
					free++
					if varies(net, d.At) {
						owned++
					}
				}
				if free == 0 {
					continue
				}
				params, elasticParams = params+size, elasticParams+size*owned/free
				if p.Operand == 1 {
					m, _, err := op.MACs(o.Node, net.Shapes, o.Attrs)
					if err != nil {
						t.Fatal(err)
					}
					macs, elasticMACs = macs+float64(m.Original()), elasticMACs+float64(m.Original())*owned/free
				}
			}
		}
		got, err := net.Coverage()
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.Params-elasticParams/params) > 1e-12 || math.Abs(got.MACs-elasticMACs/macs) > 1e-12 {
			t.Errorf("%s: coverage %v, want %v and %v", s.name, got, elasticParams/params, elasticMACs/macs)
		}
		if s.config == "" && (got.Params != 0 || got.MACs != 0) {
			t.Errorf("%s: coverage %v", s.name, got)
		}
	}
}

// TestSmallest compares with the sizes of what the smallest SubNet has.
func TestSmallest(t *testing.T) {
	for _, s := range spaces {
		net := compile(t, small, s.config)
		last := make([]uint8, len(net.Choices))
		for g, c := range net.Choices {
			if c.Kind != supernet.Resolution {
				last[g] = uint8(len(c.Candidates) - 1)
			}
		}
		var sums [2]struct{ params, macs float64 }
		for k, genes := range [][]uint8{make([]uint8, len(net.Choices)), last} {
			for _, o := range net.Nodes {
				if o.Block != nil && !alive(o.Block.Live, genes) {
					continue
				}
				for _, p := range o.Params {
					size := 1.0
					for _, d := range net.Shapes[p.Value] {
						size *= float64(d.At(genes))
					}
					sums[k].params += size
				}
				m, _, err := op.MACs(o.Node, net.Shapes, o.Attrs)
				if err != nil {
					t.Fatal(err)
				}
				sums[k].macs += float64(m.At(genes))
			}
		}
		got, err := net.Smallest()
		if want := (supernet.Smallest{Params: sums[1].params / sums[0].params, MACs: sums[1].macs / sums[0].macs}); err != nil || got != want {
			t.Errorf("%s: the smallest SubNet keeps %v, want %v (%v)", s.name, got, want, err)
		}
	}
}

// varies tells whether some choice other than the resolution, alone, changes f.
func varies(net *supernet.Net, f func(genes []uint8) int) bool {
	genes := make([]uint8, len(net.Choices))
	first := f(genes)
	for g, c := range net.Choices {
		for k := range c.Candidates {
			genes[g] = uint8(k)
			if c.Kind != supernet.Resolution && f(genes) != first {
				return true
			}
		}
		genes[g] = 0
	}
	return false
}

// TestCounts: modifications and raw variants count what the config lists for the modules that can have it.
func TestCounts(t *testing.T) {
	net := compile(t, small, `
var.global_vars.resolution = [8, 12, 16]
var.stage_vars.reduce_depth = [-1, 0]
var.stage_vars.reduce_depth_skipped = [-1, -2, -3, -4]
var.block_vars.BottleneckResidualBlock.expand_ratio = [0.125, 0.25]`)
	// Three resolutions; two depths in one stage; two ratios in three blocks.
	if net.Modifications != 3+2+2*3 || net.Raw.String() != fmt.Sprint(3*2*2*2*2) {
		t.Errorf("%d modifications, %v variants of %q", net.Modifications, net.Raw, summary(net))
	}
}
