package supernet

import (
	"slices"

	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
)

// growths finds the channels that each layer of a dense block adds. It clears Skippable if other values have these channels, too.
func (b *binder) growths() {
	owner := map[axis.Var]*Block{}
	for _, s := range b.net.Stages {
		for _, bl := range s.Blocks() {
			if bl.grows == 0 {
				continue
			}
			v := b.coupling.Axes(b.graph.Nodes[bl.grows].In[1])[1]
			bl.growth = b.whole(v)
			for _, l := range b.coupling.Leaves(v) {
				if owner[l] != nil {
					owner[l].growth, bl.growth = nil, nil
				}
				owner[l] = bl
			}
		}
	}
	if len(owner) == 0 {
		return
	}
	for _, o := range b.net.Nodes {
		for _, id := range slices.Concat(o.Node.In, o.Node.Out) {
			for _, v := range b.coupling.Axes(id) {
				if b.coupling.Terms(v) != nil {
					continue
				}
				for _, l := range b.coupling.Leaves(v) {
					if bl := owner[l]; bl != nil && bl != o.Block {
						bl.growth = nil
					}
				}
			}
		}
	}
	for _, s := range b.net.Stages {
		for _, bl := range s.Blocks() {
			bl.Skippable = bl.Skippable && (bl.grows == 0 || len(bl.growth) > 0)
		}
	}
}

// whole lists leaves whose removal removes all of v: all terms of a sum, or one factor of a product. It is nil if one of them is frozen.
func (b *binder) whole(v axis.Var) []axis.Var {
	var out []axis.Var
	for _, t := range b.coupling.Terms(v) {
		own := b.whole(t)
		if own == nil {
			return nil
		}
		out = append(out, own...)
	}
	if out != nil {
		return out
	}
	for _, f := range b.coupling.Factors(v) {
		if own := b.whole(f); own != nil {
			return own
		}
	}
	if l := b.coupling.Find(v); b.coupling.Factors(v) == nil && b.coupling.Frozen(l) == nil && !b.net.fixed(l) {
		return []axis.Var{l}
	}
	return nil
}

// shrink removes the channels that a layer of a dense block adds together with the layer, when a choice of depth drops it.
func (b *binder) shrink(s *Stage, g dim.Choice, kept []float64) {
	for place, bl := range s.Blocks() {
		for _, l := range bl.growth {
			d := b.extent(l)
			var dims []dim.Dim
			for _, n := range kept {
				if int(n) > place {
					dims = append(dims, d)
				} else {
					dims = append(dims, dim.Const(0))
				}
			}
			b.leaves[l] = b.keep(dim.Select(g, dims))
		}
	}
}
