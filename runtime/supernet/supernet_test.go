package supernet_test

import (
	"testing"

	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// small returns a net with a width and a depth; the second site goes away with the depth.
func small() *supernet.Net {
	return &supernet.Net{
		Package: "small",
		Choices: []space.Choice{
			{Name: "width", Kind: "width", Values: []string{"1", "0.5"}},
			{Name: "depth", Kind: "depth", Values: []string{"2", "1"}},
		},
		Ops: []supernet.Op{
			{Steps: "Conv", In: "1x3x8x8", Params: "4x3x1x1 4", Out: "1x4x8x8", MACs: 768},
			{Steps: "Conv", In: "1x3x8x8", Params: "8x3x1x1 8", Out: "1x8x8x8", MACs: 1536},
			{Steps: "Relu", In: "1x4x8x8", Out: "1x4x8x8"},
			{Steps: "Relu", In: "1x8x8x8", Out: "1x8x8x8"},
		},
		Rules: []supernet.Rules{{Name: "none", Sites: []supernet.Site{
			{Name: "conv", Deps: []uint8{0}, Ops: []supernet.ID{1, 0}},
			{Name: "conv2", Deps: []uint8{0}, Ops: []supernet.ID{1, 0}, Live: space.Need{Gene: 1, Below: 1}},
			{Name: "relu", Deps: []uint8{0}, Ops: []supernet.ID{3, 2}},
		}}},
	}
}

func TestSumsFollowSites(t *testing.T) {
	n := small()
	macs, err := n.MACs()
	if err != nil {
		t.Fatal(err)
	}
	params, err := n.Params()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		genes        []uint8
		macs, params int64
	}{{[]uint8{0, 0}, 3072, 64}, {[]uint8{1, 0}, 1536, 32}, {[]uint8{1, 1}, 768, 16}} {
		if m, p := macs.At(c.genes), params.At(c.genes); m != c.macs || p != c.params {
			t.Errorf("%v: %d MACs and %d parameters, want %d and %d", c.genes, m, p, c.macs, c.params)
		}
	}
	if _, err := n.Sites("ncnn"); err == nil {
		t.Error("no error for rules that the package lacks")
	}
}

func TestDigestDependsOnEveryPart(t *testing.T) {
	seen := map[string]string{supernet.Digest(small()): "nothing"}
	for name, change := range map[string]func(*supernet.Net){
		"choice name":      func(n *supernet.Net) { n.Choices[0].Name = "w" },
		"choice kind":      func(n *supernet.Net) { n.Choices[0].Kind = "w" },
		"candidate":        func(n *supernet.Net) { n.Choices[0].Values[1] = "0.6" },
		"candidate split":  func(n *supernet.Net) { n.Choices[0].Values = []string{"10", ".5"} },
		"choice condition": func(n *supernet.Net) { n.Choices[0].Live = space.Need{Gene: 1, Below: 1} },
		"operator":         func(n *supernet.Net) { n.Ops[0].In = "1x3x9x9" },
		"operator order":   func(n *supernet.Net) { n.Ops[0], n.Ops[1] = n.Ops[1], n.Ops[0] },
		"rules":            func(n *supernet.Net) { n.Rules[0].Name = "other" },
		"site name":        func(n *supernet.Net) { n.Rules[0].Sites[0].Name = "other" },
		"site operators":   func(n *supernet.Net) { n.Rules[0].Sites[0].Ops[0] = 0 },
		"site condition":   func(n *supernet.Net) { n.Rules[0].Sites[0].Live.Below = 1 },
		"site genes":       func(n *supernet.Net) { n.Rules[0].Sites[0].Deps[0] = 1 },
	} {
		n := small()
		change(n)
		d := supernet.Digest(n)
		if other, dup := seen[d]; dup {
			t.Errorf("changing the %s gives the digest of changing the %s", name, other)
		}
		seen[d] = name
	}
	n := small()
	n.Ops[0].MACs, n.Title, n.Digest = 1, "title", "x"
	if seen[supernet.Digest(n)] != "nothing" {
		t.Error("digest depends on MACs, title or itself")
	}
}
