package supernet_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// row is an operator of a net that chain makes.
type row struct {
	kind string // "conv", "bn" or "relu"
	gone bool   // in the smaller SubNet
	with bool   // with the one before, it is one site
}

// chain returns a net of operators one after the other and a choice of depth, whose second value takes some of them away.
func chain(rows ...row) *supernet.Net {
	n := &supernet.Net{Package: "chain", Choices: []space.Choice{{Name: "depth", Kind: "depth", Values: []string{"2", "1"}}}}
	const image = "1x4x8x8"
	ops := map[string]supernet.Op{
		"conv": {Steps: "Conv kernel_shape=1,1", In: image, Params: "4x4x1x1 4", Out: image},
		"bn":   {Steps: "BatchNormalization", In: image, Params: "4 4 4 4", Out: image},
		"relu": {Steps: "Relu", In: image, Out: image},
	}
	var sites []supernet.Site
	for _, r := range rows {
		if r.with {
			continue
		}
		s := supernet.Site{Name: r.kind, Ops: []supernet.ID{supernet.ID(len(n.Ops))}}
		if r.gone {
			s.Live = space.Need{Below: 1}
		}
		n.Ops, sites = append(n.Ops, ops[r.kind]), append(sites, s)
	}
	n.Rules = []supernet.Rules{{Name: supernet.Unfused, Sites: sites}}
	n.Build = func(genes []uint8, b nn.Builder) {
		p := func(name string, shape ...int) nn.Param { return nn.Param{Name: name, Shape: shape} }
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 4, 8, 8})
		for k, r := range rows {
			name := string(rune('a' + k))
			switch {
			case r.gone && genes[0] > 0:
			case r.kind == "conv":
				x = b.Conv(x, nn.Conv{Name: name, Weight: p(name+".w", 4, 4, 1, 1), Bias: p(name+".b", 4), Kernel: []int{1, 1}})
			case r.kind == "bn":
				x = b.BatchNorm(x, nn.BatchNorm{Name: name, Scale: p(name+".s", 4), Bias: p(name+".b", 4), Mean: p(name+".m", 4), Var: p(name+".v", 4), Epsilon: 1e-5})
			default:
				x = b.Act(x, nn.Relu())
			}
		}
		b.Output("y", x)
	}
	return n
}

// TestLocateTakesGroupsApart: a convolution with a bias looks alike with and without the normalisation behind it, so only all sites together tell
// which nodes belong to which.
func TestLocateTakesGroupsApart(t *testing.T) {
	conv, bn, relu := row{kind: "conv"}, row{kind: "bn"}, row{kind: "relu"}
	joined, removable := row{kind: "bn", with: true}, row{kind: "bn", gone: true}
	for name, c := range map[string]struct {
		net         *supernet.Net
		whole, part []int // the sites of nodes in the larger and the smaller SubNet
	}{
		"one operator":            {chain(conv, joined, relu), []int{0, 0, 1}, []int{0, 0, 1}},
		"removable normalisation": {chain(conv, removable, relu), []int{0, 1, 2}, []int{0, 2}},
		"both":                    {chain(conv, joined, removable, relu), []int{0, 0, 1, 2}, []int{0, 0, 2}},
		"what is between goes":    {chain(conv, row{kind: "relu", gone: true}, bn), []int{0, 1, 2}, []int{0, 2}},
		"twice":                   {chain(conv, removable, conv, joined, conv, removable), []int{0, 1, 2, 2, 3, 4}, []int{0, 2, 2, 3}},
	} {
		for k, want := range [][]int{c.whole, c.part} {
			g := space.Genes{uint8(k)}
			graph, err := c.net.Record(g)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := c.net.Locate(supernet.Unfused, graph.Bind(1), g); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s, depth %s: %v, want %v, %v", name, c.net.Choices[0].Values[k], got, want, err)
			}
		}
	}
}

// TestLocateSaysWhere: a package whose tables are not of its network is told where they part.
func TestLocateSaysWhere(t *testing.T) {
	conv, relu := row{kind: "conv"}, row{kind: "relu"}
	for _, c := range []struct {
		tables, built *supernet.Net
		want          string
	}{
		{chain(conv, relu, conv), chain(conv, relu, relu), `site "conv" is not what Build makes there`},
		{chain(conv, relu), chain(conv, relu, conv, conv), `node "c" has no site`},
		{chain(conv, relu, relu), chain(conv, relu), `site "relu" has no node`},
	} {
		graph, err := c.built.Record(space.Genes{0})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.tables.Locate(supernet.Unfused, graph.Bind(1), space.Genes{0})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "regenerate") {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
