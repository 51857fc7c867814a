package supernet

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
)

// FrozenChoice is a choice that the config freezes: it has a kind, and is in the block or stage that has a node.
type FrozenChoice struct {
	Kind ChoiceKind
	Node string // "" for the resolution
	Why  string
	Pos  string
}

// isFrozen tells whether the config freezes a choice that is about to be made. bl is its block, nil for a choice of the net or of a stage.
func (b *binder) isFrozen(c Choice, bl *Block) bool {
	return slices.ContainsFunc(b.config.Frozen, func(f FrozenChoice) bool {
		return f.Kind == c.Kind && (c.Stage < 0 || slices.ContainsFunc(b.scope(c.Stage, bl), func(i int) bool { return b.graph.Nodes[i].Name == f.Node }))
	})
}

// scope lists the nodes of a block, or those of a stage.
func (b *binder) scope(stage int, bl *Block) []int {
	var out []int
	for _, it := range b.net.Stages[stage].Items {
		if bl == nil || it.Block == bl {
			out = append(out, it.Nodes...)
		}
	}
	return out
}

// freezeChoices freezes the axes that frozen choices would have moved, with the config's reason. It warns of entries whose node does not exist.
func (b *binder) freezeChoices() {
	for _, f := range b.config.Frozen {
		at := slices.IndexFunc(b.graph.Nodes, func(n *ir.Node) bool { return n.Name == f.Node })
		if f.Node == "" {
			continue
		}
		if at < 0 {
			b.warning(f.Pos, "frozen: there is no node %q", f.Node)
			continue
		}
		o := b.net.Nodes[at]
		for _, i := range b.scope(o.Stage, o.Block) {
			b.freezeUnbound(b.net.Nodes[i], axis.Reason{Node: f.Node, Why: f.Why})
		}
	}
}

// freezeUnbound freezes the axes of an operator's parameters that no choice moves.
func (b *binder) freezeUnbound(o *Op, why axis.Reason) {
	for _, id := range o.Node.In {
		if id == 0 || b.graph.Values[id].Const == nil {
			continue
		}
		for _, v := range b.coupling.Axes(id) {
			for _, l := range b.coupling.Leaves(v) {
				if _, bound := b.leaves[l]; !bound && b.coupling.Frozen(l) == nil && !b.coupling.Is(l, axis.Kernel|axis.Spatial|axis.Batch) {
					b.coupling.Freeze(l, why)
				}
			}
		}
	}
}

// NodeOf returns a node by which a config can name a choice: the first node with weights of its block or stage, or else the first node. It is "" for choices
// of the whole net.
func (n *Net) NodeOf(choice int) string {
	c := n.Choices[choice]
	if c.Stage < 0 {
		return ""
	}
	var nodes []int
	for _, it := range n.Stages[c.Stage].Items {
		if c.Block < 0 || it.Block != nil && slices.Contains(it.Block.Choices, choice) {
			nodes = append(nodes, it.Nodes...)
		}
	}
	for _, i := range nodes {
		if len(n.Nodes[i].Params) > 0 && n.Graph.Nodes[i].Name != "" {
			return n.Graph.Nodes[i].Name
		}
	}
	if len(nodes) == 0 {
		return ""
	}
	return n.Graph.Nodes[nodes[0]].Name
}
