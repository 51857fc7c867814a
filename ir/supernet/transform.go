package supernet

import (
	"errors"
	"fmt"

	"github.com/autotailor/autotailor/ir/dim"
)

// errCompiled refuses changes to a net that Compile has returned.
var errCompiled = errors.New("the SuperNet is compiled and no longer changes; state the list in the config")

// transform makes all choices, in gene order: the resolution; then, stage by stage, width, depth and the choices of blocks; last the shares of widths that no
// template knows.
func (b *binder) transform() error {
	if err := b.net.Transform(b.config.Resolution.as(Resolution)); err != nil {
		return err
	}
	for _, s := range b.net.Stages {
		if err := s.Transform(b.net, b.stageLists(s)...); err != nil {
			return err
		}
		elastic := 0
		for _, bl := range s.Blocks() {
			bl.elastic = elastic
			if err := bl.Transform(b.net, b.blockLists(s, bl)...); err != nil {
				return err
			}
			if len(bl.Choices) > 0 {
				elastic++
			}
		}
	}
	return b.generic()
}

// Transform makes the choice of the whole net: the resolution, which is the side of its input.
func (n *Net) Transform(lists ...Var) error {
	b := n.binder
	if b == nil {
		return errCompiled
	}
	for _, v := range lists {
		if v.Name != string(Resolution) {
			return v.foreign("net")
		}
		if err := b.resolution(v.Values); err != nil {
			return err
		}
	}
	return b.err
}

// Transform makes a choice of the stage from each list: multipliers of its width, numbers of dropped blocks, or shares of the inner widths that no template
// knows.
func (s *Stage) Transform(n *Net, lists ...Var) error {
	b := n.binder
	if b == nil {
		return errCompiled
	}
	for _, v := range lists {
		switch ChoiceKind(v.Name) {
		case Width:
			b.width(s, v.List)
		case Depth:
			b.depth(s, v.List)
		case Ratio:
			if leaves := b.rest(s); len(leaves) > 0 {
				b.multiply(s, Ratio, leaves, v.List)
			}
		default:
			return v.foreign("stage")
		}
	}
	return b.err
}

// Transform makes a choice of the block from each list: its windows, the ratio of its inner width, or the sizes of its attention. An empty list of ratios makes no
// choice, and lets the inner width follow the width around the block.
func (bl *Block) Transform(n *Net, lists ...Var) error {
	b := n.binder
	if b == nil {
		return errCompiled
	}
	s, it := n.Stages[bl.Stage], n.item(bl)
	b.block = bl
	defer func() { b.block = nil }()
	var h *heads
	for _, v := range lists {
		switch kind := ChoiceKind(v.Name); kind {
		case Kernel:
			b.kernel(s, bl, v)
		case Expand:
			b.expand(s, it, v)
		case Heads, QK, Value:
			if h == nil { // find all variables that move before any of them does
				found := b.heads(bl)
				h = &found
			}
			b.attention(s, bl, kind, *h, v)
		default:
			return v.foreign("block")
		}
	}
	return b.err
}

// Transform lets the window of the operator, a convolution, and its padding follow a choice of its block.
func (o *Op) Transform(n *Net, g dim.Choice) error {
	b := n.binder
	if b == nil {
		return errCompiled
	}
	b.crop(o, g, n.Choices[g].Candidates)
	return nil
}

// foreign is the error for a list of another level.
func (v Var) foreign(level string) error {
	return fmt.Errorf("internal error: a %s has no choice called %q", level, v.Name)
}

// stageLists returns what the config states for a stage.
func (b *binder) stageLists(s *Stage) []Var {
	var out []Var
	for _, c := range []struct {
		kind          ChoiceKind
		list, skipped Values
	}{{Width, b.config.Width, b.config.WidthSkipped}, {Depth, b.config.Depth, b.config.DepthSkipped}} {
		if len(c.list.List) > 0 && !b.skips(c.skipped.List)[s.Index] {
			out = append(out, c.list.as(c.kind))
		}
	}
	return out
}

// blockLists returns what the config states for a block: kernel, expand ratio, then what is for its attention. A block with an inner width
// always has a list of ratios, which may be empty.
func (b *binder) blockLists(s *Stage, bl *Block) []Var {
	var out []Var
	fixed := b.skipsBlock(s, bl)
	if v := b.config.list(bl, string(Kernel)); !fixed && len(v.List) > 0 && (v.Block != "" || len(bl.kernels) > 0) {
		out = append(out, v)
	}
	if len(bl.inner) > 0 {
		ratios := Var{Name: string(Expand)}
		if v := b.config.list(bl, string(Expand)); !fixed && len(v.List) > 0 {
			ratios = v
		}
		out = append(out, ratios)
	}
	if bl.scores == 0 || fixed {
		return out
	}
	for _, kind := range []ChoiceKind{Heads, QK, Value} {
		if v := b.config.list(bl, string(kind)); len(v.List) > 0 {
			out = append(out, v)
		}
	}
	return out
}

// as turns values for all stages, or for the net, into a Var of a kind.
func (v Values) as(kind ChoiceKind) Var { return Var{Name: string(kind), Values: v} }
