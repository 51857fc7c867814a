package supernet

import (
	"cmp"
	"fmt"
	"math"
	"strings"

	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// blockChoice is a choice of a block from the values of v.
func (b *binder) blockChoice(s *Stage, bl *Block, kind ChoiceKind, v Var) Choice {
	index := bl.elastic
	list := v.Block
	switch {
	case list != "" && list == bl.Type:
		list = bl.GoName
	case list != bl.GoName: // the list is that of another block type with a part in common
		list = strings.TrimSuffix(list, "Block")
	}
	c := Choice{
		Name: blockName(s, index, kind), Kind: kind,
		Stage: s.Index, Block: index, List: list, Stated: v.Block,
	}
	if was := blockName(s, bl.Place, kind); was != c.Name {
		c.Was = was // version 1 counted blocks without choices, too
	}
	return c
}

func blockName(s *Stage, block int, kind ChoiceKind) string {
	return fmt.Sprintf("stage%d.%d.%s", s.Index, block, kind)
}

// override lets an attribute move.
func (o *Op) override(attr string, d []dim.Dim) {
	if o.Attrs == nil {
		o.Attrs = op.Overrides{}
	}
	o.Attrs[attr] = d
}

// expand binds the inner width of a block to its base width (input or output) times a ratio. Without candidates the ratio stays the original's, and the
// inner width follows the base.
func (b *binder) expand(s *Stage, it Item, v Var) {
	bl, list := it.Block, v.List
	if len(list) > 0 {
		bl.Lists++
	}
	base := b.base(it)
	full := b.coupling.Size(base)
	var leaves []axis.Var
	for _, i := range bl.inner {
		for _, l := range b.movable(b.made(i)) {
			if !hasVar(leaves, l) {
				leaves = append(leaves, l)
			}
		}
	}
	ratios := []float64{1}
	c := b.blockChoice(s, bl, Expand, v)
	if len(leaves) > 0 {
		ratios = ratioCandidates(list, b.innerSpan(bl.inner[0], leaves[0])/float64(full))
	}
	rows := make([][]int, len(ratios)) // widths of the leaves over the base's values, for each candidate
	dims := make([][]dim.Dim, len(ratios))
	for i, r := range ratios {
		for _, l := range leaves {
			d := b.scaledDim(b.extent(base), full, l, r/ratios[0])
			dims[i] = append(dims[i], d)
			rows[i] = append(rows[i], d.Values()...)
		}
	}
	c.Candidates, _ = distinct(labels(ratios, list), rows)
	dims = distinctDims(dims, rows)
	c.Like = fmt.Sprint(full, b.extent(base).Deps(), b.spans(leaves))
	g, ok := b.add(c, list)
	if ok {
		bl.Choices = append(bl.Choices, int(g))
	}
	for k, l := range leaves {
		b.leaves[l] = dims[0][k]
		if ok {
			b.leaves[l] = b.keep(dim.Select(g, columnDims(dims, k)))
		}
	}
}

// innerSpan is the inner width of a block in channels: the sum of its parts if it has several, or else the span of its first leaf.
func (b *binder) innerSpan(i int, first axis.Var) float64 {
	if v := b.made(i); b.coupling.Terms(v) != nil {
		return float64(b.coupling.Size(v))
	}
	return float64(b.span(first))
}

// spans lists, for each leaf, the numbers by which its extent is rounded: its positions, and the channels that it stands for.
func (b *binder) spans(leaves []axis.Var) []int {
	var out []int
	for _, l := range leaves {
		out = append(out, b.coupling.Size(l), b.units[l])
	}
	return out
}

// scaledDim is a leaf's width for a base extent: its share of the base times the ratio, rounded. It is exact if nothing is reduced.
func (b *binder) scaledDim(base dim.Dim, full int, l axis.Var, ratio float64) dim.Dim {
	size := b.coupling.Size(l)
	share := float64(size) / float64(full) * ratio
	return dim.Map(func(w int) int {
		if w == full && ratio == 1 {
			return size
		}
		return b.roundLeaf(float64(w)*share, l)
	}, base)
}

// base is the variable that a block's ratio refers to. The config's expand_base names it, or else the block's template.
func (b *binder) base(it Item) axis.Var {
	in := b.read(it.Block.inner[0])
	out := in
	for _, id := range it.Out {
		if b.hasChannel(id) { // a region can also pass on extents
			out = b.channel(id)
			break
		}
	}
	switch cmp.Or(b.config.Base(it.Block.GoName), b.config.Base(it.Block.Type)) {
	case "in":
		return in
	case "out":
		return out
	}
	if it.Block.widens {
		return in
	}
	return out
}

// ratioCandidates lists the original ratio, so that the largest SubNet is the original model, and then the smaller configured ratios. If the nearest configured
// ratio is about the original one, it stands for the original. (The authors always use the nearest one.)
func ratioCandidates(list []float64, orig float64) []float64 {
	nearest := math.Inf(1)
	for _, r := range list {
		if math.Abs(r-orig) < math.Abs(nearest-orig) {
			nearest = r
		}
	}
	out := []float64{orig}
	for _, r := range largestFirst(list, orig)[1:] {
		if r < orig && !(r == nearest && r > (1-sameRatio)*orig) {
			out = append(out, r)
		}
	}
	return out
}

// sameRatio is the largest relative difference at which a configured ratio stands for the original one.
const sameRatio = 0.1

// labels names the original ratio by the configured one if they differ by at most a hundredth.
func labels(ratios, list []float64) []float64 {
	out := append([]float64{}, ratios...)
	out[0] = math.Round(out[0]*1000) / 1000
	for _, r := range list {
		if math.Abs(r-ratios[0]) <= 0.01*r {
			out[0] = r
		}
	}
	return out
}

func distinctDims(dims [][]dim.Dim, rows [][]int) [][]dim.Dim {
	var out [][]dim.Dim
	var kept [][]int
	for i, d := range dims {
		dup := len(rows[i]) == 0 && i > 0
		for _, r := range kept {
			dup = dup || equal(r, rows[i])
		}
		if !dup {
			out, kept = append(out, d), append(kept, rows[i])
		}
	}
	return out
}

func columnDims(dims [][]dim.Dim, k int) []dim.Dim {
	out := make([]dim.Dim, len(dims))
	for i, d := range dims {
		out[i] = d[k]
	}
	return out
}

func hasVar(list []axis.Var, v axis.Var) bool {
	for _, e := range list {
		if e == v {
			return true
		}
	}
	return false
}

// extent is the extent of a variable. Bound leaves follow their choices. All other leaves have their extent in the model.
func (b *binder) extent(v axis.Var) dim.Dim {
	if fs := b.coupling.Factors(v); fs != nil {
		d := dim.Const(1)
		for _, f := range fs {
			d = b.keep(dim.Mul(d, b.extent(f)))
		}
		return d
	}
	if ts := b.coupling.Terms(v); ts != nil {
		d := dim.Const(0)
		for _, t := range ts {
			d = b.keep(dim.Add(d, b.extent(t)))
		}
		return d
	}
	if d, ok := b.leaves[b.coupling.Find(v)]; ok {
		return d
	}
	return dim.Const(b.coupling.Size(v))
}
