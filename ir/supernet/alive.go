package supernet

import (
	"fmt"
	"maps"
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// either is the condition that holds if any condition of list holds. If no single Need can express that, because stages drop their blocks independently,
// ok is false and n is the condition that always holds.
func either(list []Need) (n Need, ok bool) {
	for k, m := range list {
		switch {
		case m.Below == 0:
			return Need{}, true
		case k == 0:
			n, ok = m, true
		case m.Choice != n.Choice:
			ok = false
		}
		n.Below = max(n.Below, m.Below)
	}
	if !ok {
		return Need{}, len(list) == 0
	}
	return n, true
}

// alive lets a choice of a block matter as long as any node that the choice moves is present: several blocks may share weights that the choice of one block
// moves. It returns the blocks that must stay. Without them a shared tensor or a choice would depend on the depths of several stages.
func (b *binder) alive() []Kept {
	users := map[dim.Choice][]int{} // nodes that a block's choice moves
	for i, o := range b.net.Nodes {
		for _, g := range o.deps(b.net) {
			if b.net.Choices[g].Live.Below > 0 {
				users[g] = append(users[g], i)
			}
		}
	}
	kept := map[int]Kept{} // by stage
	seen := map[ir.Identity]bool{}
	for _, o := range b.net.Nodes {
		for _, p := range o.Params {
			t := b.graph.Values[p.Value].Const
			id, ok := t.Identity()
			if !ok || seen[id] {
				continue
			}
			seen[id] = true
			nodes := b.readers(p.Value)
			if _, ok := either(b.needs(nodes)); !ok {
				b.keepFirst(kept, nodes, fmt.Sprintf("tensor %q is used there and in other stages", t.Name))
			}
		}
	}
	for _, g := range slices.Sorted(maps.Keys(users)) {
		c := &b.net.Choices[g]
		need, ok := either(append(b.needs(users[g]), c.Live))
		if !ok {
			b.keepFirst(kept, users[g], fmt.Sprintf("%s moves what other stages have, too", c.Name))
			continue
		}
		c.Live = need
	}
	var out []Kept
	for _, stage := range slices.Sorted(maps.Keys(kept)) {
		out = append(out, kept[stage])
	}
	return out
}

// needs are the conditions under which nodes are present.
func (b *binder) needs(nodes []int) []Need {
	var out []Need
	for _, i := range nodes {
		out = append(out, b.net.Nodes[i].Feature(b.net).Live)
	}
	return out
}

// keepFirst keeps the block that has the first of nodes, and so all blocks before it in its stage.
func (b *binder) keepFirst(kept map[int]Kept, nodes []int, why string) {
	o := b.net.Nodes[slices.Min(nodes)]
	if k, ok := kept[o.Stage]; !ok || k.Place < o.Block.Place {
		kept[o.Stage] = Kept{o.Stage, o.Block.Place, why}
	}
}

// keepBlocks clears Skippable of the blocks that must stay.
func (b *binder) keepBlocks() {
	for _, k := range b.config.Kept {
		s := b.net.Stages[k.Stage]
		s.Blocks()[k.Place].Skippable = false
		b.warning(b.config.Depth.Pos, "stage %d keeps its first %d blocks: %s", k.Stage, k.Place+1, k.Why)
	}
}

// keepNonzero clears Skippable of blocks that add something to their input even when their weights are zero. Without such a block the result would not be
// that of the original with zeroed weights. It warns of the last such block of each stage, which keeps the blocks before it.
func (b *binder) keepNonzero() {
	z := &zeros{b.flow, map[ir.ValueID]zero{}}
	for _, s := range b.net.Stages {
		last := true
		for k, bl := range slices.Backward(s.Blocks()) {
			by := z.adds(bl)
			if by == nil {
				continue
			}
			if bl.Skippable = false; last && k >= max(1, b.config.DepthKeep) {
				last = false
				b.warning(b.config.Depth.Pos, "stage %d keeps its first %d blocks: without its weights the last of them would still add something, by node %s, to its input",
					s.Index, k+1, title(by))
			}
		}
	}
}

// deps lists the choices that move an operator.
func (o *Op) deps(n *Net) []dim.Choice {
	f := o.Feature(n)
	all := slices.Concat(slices.Concat(f.In...), slices.Concat(f.Out...))
	for _, d := range f.Attrs {
		all = append(all, d...)
	}
	return dim.Union(all...)
}
