package supernet

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
)

// heads are the variables of an attention that can move. A list is empty if its variables cannot move.
type heads struct {
	count []axis.Var // heads: the batch of both products
	qk    []axis.Var // dimension of queries and keys within a head: what the scores sum over
	value []axis.Var // dimension of values within a head: what the mix leaves
	width int        // of queries in the original model
	parts int        // of the dimension of queries and keys that are cut alike: the two halves of a rotary embedding
}

// of returns the variables that a kind of choices moves.
func (h heads) of(kind ChoiceKind) []axis.Var {
	return map[ChoiceKind][]axis.Var{Heads: h.count, QK: h.qk, Value: h.value}[kind]
}

// attention makes a choice for an attention: of its heads, or of the dimension of its queries or values. A list that moves nothing is still counted as
// modifications, as in the paper. The factor on the scores stays the original's, so that a SubNet computes what the model computes with all other heads and
// dimensions at zero.
func (b *binder) attention(s *Stage, bl *Block, kind ChoiceKind, h heads, v Var) {
	list := v.List
	bl.Lists++
	c := b.blockChoice(s, bl, kind, v)
	leaves := slices.DeleteFunc(h.of(kind), func(v axis.Var) bool { _, bound := b.leaves[v]; return bound })
	ratios, labelled := []float64{1}, []float64{1}
	if len(leaves) > 0 {
		ratios = ratioCandidates(list, b.originalShare(bl, kind))
		labelled = labels(ratios, list)
	}
	rows := make([][]int, len(ratios))
	for i, r := range ratios {
		for _, l := range leaves {
			n := b.coupling.Size(l)
			if i > 0 {
				n = b.attended(kind, h, n, r)
			}
			rows[i] = append(rows[i], n)
		}
	}
	c.Candidates, rows = distinct(labelled, rows)
	c.Like = fmt.Sprint(b.spans(leaves), b.heads(bl).width)
	g, ok := b.add(c, list)
	if !ok {
		return
	}
	bl.Choices = append(bl.Choices, int(g))
	for k, l := range leaves {
		b.leaves[l] = dim.Var(g, column(rows, k))
	}
}

// attended is the extent that a ratio leaves of size positions.
func (b *binder) attended(kind ChoiceKind, h heads, size int, ratio float64) int {
	switch kind {
	case Heads:
		return max(1, int(math.Round(float64(size)*ratio)))
	case QK:
		return roundTo(float64(size)*ratio, size, b.config.Divisor/gcd(b.config.Divisor, h.parts))
	}
	return min(size, max(1, int(math.Round(float64(h.width)*ratio)))) // not rounded to the divisor, as with the paper's authors
}

// originalShare is the value of an attention's choice in the original model.
func (b *binder) originalShare(bl *Block, kind ChoiceKind) float64 {
	h := b.heads(bl)
	if kind != Value || h.width == 0 || len(h.value) == 0 {
		return 1
	}
	return float64(b.coupling.Size(h.value[0])) / float64(h.width)
}

// heads finds the variables of a block's attention in its two products. The scores sum over the dimension of queries and keys. The result of the mix has the
// dimension of values. Both have the heads in front, alone or joined with the batch.
func (b *binder) heads(bl *Block) heads {
	scores, mix := b.graph.Nodes[bl.scores], b.graph.Nodes[bl.mix]
	q, out := b.coupling.Axes(scores.In[0]), b.coupling.Axes(mix.Out[0])
	var h heads
	if len(q) < 3 || len(out) < 3 {
		return h
	}
	h.count = b.groups(q[:len(q)-2])
	dims := func(axes []axis.Var) (out []axis.Var) {
		for _, v := range axes[len(axes)-2:] { // the other axis has the positions
			out = append(out, b.movable(v)...)
		}
		return out
	}
	last := q[len(q)-1]
	h.qk, h.value, h.width, h.parts = b.movable(last), dims(out), b.coupling.Size(last), 1
	if len(h.qk) == 1 {
		h.parts = max(1, len(b.coupling.Terms(last)))
	}
	return h
}

// groups returns the axes of heads that move. If several heads of queries share keys and values, whole groups of heads go. If the number of groups is fixed,
// some heads of each group go.
func (b *binder) groups(axes []axis.Var) []axis.Var {
	var whole, shared []axis.Var
	for _, v := range axes {
		for _, l := range b.movable(v) {
			if b.coupling.Is(l, axis.Repeat) || len(whole) > 0 {
				shared = append(shared, l)
			} else {
				whole = append(whole, l)
			}
		}
	}
	if len(whole) > 0 {
		return whole
	}
	return shared[:min(1, len(shared))]
}

// planAttention offers half of the heads, three quarters where they divide, and half the dimensions of queries and values where that is a multiple of the
// divisor. A list holds what any block of the type can have.
func (b *binder) planAttention(p *Plan, bl *Block) {
	h := b.heads(bl)
	if len(h.count) == 1 {
		n := float64(b.coupling.Size(h.count[0]))
		b.offer(p, bl, "heads", 1, []float64{0.5, 0.75}, func(r float64) bool { return r == 0.5 && n > 1 || n*r == math.Trunc(n*r) })
	}
	half := func(leaves []axis.Var, parts int) func(r float64) bool {
		return func(r float64) bool {
			return len(leaves) == 1 && math.Mod(float64(b.coupling.Size(leaves[0])*parts)*r, float64(b.config.Divisor)) == 0
		}
	}
	b.offer(p, bl, "qk", 1, []float64{0.5}, half(h.qk, h.parts))
	if len(h.qk) == 1 && len(h.value) == 1 && h.qk[0] != h.value[0] {
		b.offer(p, bl, "value", b.originalShare(bl, Value), []float64{0.5}, half(h.value, 1))
	}
}

// offer extends a list of a block type by the original value and by the shares of it that fit.
func (b *binder) offer(p *Plan, bl *Block, name string, original float64, shares []float64, fits func(share float64) bool) {
	list := slices.Clone(p.Config.Var(bl.GoName, name).List)
	for _, s := range shares {
		if fits(s) {
			list = append(list, s*original, original)
		}
	}
	if len(list) > 0 {
		slices.Sort(list)
		p.Config.setVar(bl.GoName, name, slices.Compact(list))
	}
}

// attentionKinds are the kinds of choices that lists of an attention make.
var attentionKinds = map[string]ChoiceKind{"heads": Heads, "qk": QK, "value": Value}

// subject names what a kind of an attention's choices moves, for messages.
func (k ChoiceKind) subject() string {
	switch k {
	case Heads:
		return "heads"
	case QK:
		return "query and key dimensions"
	}
	return "value dimensions"
}

// warnAttention warns of a list that moves nothing.
func (b *binder) warnAttention(v Var, kind ChoiceKind) {
	if top := b.largestShare(v.Block, kind); top > 0 && slices.Min(v.List) >= top {
		b.warning(v.Pos, "%s moves nothing: nothing in it is below %s, the largest ratio that a block has", v.key(), number(top))
		return
	}
	b.warning(v.Pos, "%s moves nothing: no %s has %s that can change by themselves", v.key(), cmp.Or(v.Block, "block"), kind.subject())
}

// largestShare is the largest original value of a kind among the blocks of a type, 0 if none can move.
func (b *binder) largestShare(block string, kind ChoiceKind) float64 {
	top := 0.0
	for _, s := range b.net.Stages {
		for _, bl := range s.Blocks() {
			if bl.is(block) && bl.scores > 0 && len(b.heads(bl).of(kind)) > 0 {
				top = max(top, b.originalShare(bl, kind))
			}
		}
	}
	return top
}

// hasIn tells whether a block of a type has a choice of a kind.
func (b *binder) hasIn(block string, kind ChoiceKind) bool {
	for _, s := range b.net.Stages {
		for _, bl := range s.Blocks() {
			if bl.is(block) && slices.ContainsFunc(bl.Choices, func(g int) bool { return b.net.Choices[g].Kind == kind }) {
				return true
			}
		}
	}
	return false
}
