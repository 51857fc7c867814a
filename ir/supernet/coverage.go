package supernet

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/cost"
	"github.com/autotailor/autotailor/ir/dim"
)

// Coverage is the elastic share of a net: of its parameters, and of its multiply-accumulates.
//
// A tensor counts with its size, times the share of its free axes that some choice other than the resolution moves. An operator counts with its
// multiply-accumulates, times that share of the axes that it works on.
//
// An axis is free unless it is one of the model's inputs or outputs, a window (kernel taps), a position in space, the batch, an operator's setting, or of extent
// 1. An axis that is fixed for another reason, such as an operator without an axis rule, is free and not covered. If an axis is a product (heads times their
// dimension), one moving factor covers it, since the factor moves the whole axis. If it is a concatenation, each part counts with its extent.
//
// A tensor without free axes is left out of both sums, since nothing could be covered there. Depth covers nothing: a block that can go must have elastic widths
// as well.
type Coverage struct{ Params, MACs float64 }

// Coverage measures the net at its largest SubNet.
func (n *Net) Coverage() (Coverage, error) {
	if n.coupling == nil { // made by hand
		return Coverage{}, nil
	}
	var params, covered, macs, coveredMACs float64
	for id, size := range n.params() {
		if share, free := n.owned(n.coupling.Axes(id)); free {
			params += size
			covered += size * share
		}
	}
	for _, o := range n.Nodes {
		spent, _, err := cost.MACs(n.Graph, o.Node, n.Shapes, o.Attrs)
		if err != nil {
			return Coverage{}, err
		}
		var axes []axis.Var
		for _, id := range slices.Concat(o.Node.In, o.Node.Out) {
			axes = append(axes, n.coupling.Axes(id)...)
		}
		if share, free := n.owned(axes); free {
			macs += float64(spent.Original())
			coveredMACs += float64(spent.Original()) * share
		}
	}
	return Coverage{share(covered, params), share(coveredMACs, macs)}, nil
}

// params lists the sizes of the parameters of the original model, each once. Lists of extents and indices do not count as parameters.
func (n *Net) params() map[ir.ValueID]float64 {
	out := map[ir.ValueID]float64{}
	stored := n.stored()
	for _, o := range n.Nodes {
		for _, p := range o.Params {
			id := stored.of(n.Graph, p.Value)
			if n.integers(id) {
				continue
			}
			out[id] = 1
			for _, d := range n.Shapes[p.Value] {
				out[id] *= float64(d.Original())
			}
		}
	}
	return out
}

// integers tells whether a value holds extents or indices.
func (n *Net) integers(id ir.ValueID) bool {
	t := n.Graph.Values[id].Type
	return t == ir.Int64 || t == ir.Int32
}

// owned is the share of the free axes that choices move, each class of axes once. ok is false if no axis is free.
func (n *Net) owned(axes []axis.Var) (share float64, ok bool) {
	var free, owned float64
	seen := map[axis.Var]bool{}
	for _, v := range axes {
		if v = n.coupling.Find(v); !seen[v] {
			seen[v] = true
			f, o := n.freedom(v)
			free, owned = free+f, owned+o
		}
	}
	if free == 0 {
		return 0, false
	}
	return owned / free, true
}

// freedom tells which share of the positions along v is free, and which share choices move.
func (n *Net) freedom(v axis.Var) (free, owned float64) {
	c := n.coupling
	if fs := c.Factors(v); fs != nil {
		for _, p := range fs {
			f, o := n.freedom(p)
			free, owned = max(free, f), max(owned, o)
		}
		return free, owned
	}
	if ts := c.Terms(v); ts != nil {
		for _, p := range ts {
			f, o := n.freedom(p)
			weight := float64(c.Size(p)) / float64(c.Size(v))
			free, owned = free+weight*f, owned+weight*o
		}
		return free, owned
	}
	if n.fixed(v) || c.Frozen(v) != nil && c.Frozen(v).Given {
		return 0, 0
	}
	switch {
	case n.moves(n.leaves[c.Find(v)]):
		return 1, 1
	case n.beside[c.Find(v)] != nil:
		return 0, 0
	}
	return 1, 0
}

// fixed tells whether no choice of widths could move a leaf: it is a window, a position, the batch, or of extent 1 or 0.
func (n *Net) fixed(v axis.Var) bool {
	return n.coupling.Size(v) <= 1 || n.coupling.Is(v, axis.Kernel|axis.Spatial|axis.Batch)
}

// moves tells whether d depends on a choice other than the resolution.
func (n *Net) moves(d dim.Dim) bool {
	for _, g := range d.Deps() {
		if n.Choices[g].Kind != Resolution {
			return true
		}
	}
	return false
}

func share(part, whole float64) float64 {
	if whole == 0 {
		return 0
	}
	return part / whole
}

// Smallest has the shares of the original's parameters and multiply-accumulates that the smallest SubNet keeps at full resolution.
type Smallest struct{ Params, MACs float64 }

// Smallest compares the SubNet of the last candidates with the original.
func (n *Net) Smallest() (Smallest, error) {
	genes := make([]uint8, len(n.Choices))
	for g, c := range n.Choices {
		if c.Kind != Resolution {
			genes[g] = uint8(len(c.Candidates) - 1)
		}
	}
	var kept, params, keptMACs, macs float64
	last, stored := map[ir.ValueID]float64{}, n.stored()
	for _, o := range n.Nodes {
		there := o.Block == nil || o.Block.Live.Holds(genes)
		spent, _, err := cost.MACs(n.Graph, o.Node, n.Shapes, o.Attrs)
		if err != nil {
			return Smallest{}, err
		}
		macs += float64(spent.Original())
		if !there {
			continue
		}
		keptMACs += float64(spent.At(genes))
		for _, p := range o.Params {
			id := stored.of(n.Graph, p.Value)
			last[id] = 1
			for _, d := range n.Shapes[p.Value] {
				last[id] *= float64(d.At(genes))
			}
		}
	}
	for id, size := range n.params() {
		params += size
		kept += last[id]
	}
	return Smallest{share(kept, params), share(keptMACs, macs)}, nil
}

// Free is an axis that a choice could move, but no choice does.
type Free struct {
	Value string // tensor name
	Axis  int
	Size  int
	Node  string // that has the tensor
}

// account lists the axes of parameters that no choice moves, once per class of axes: the free ones, and the frozen ones with their reason.
func (n *Net) account() {
	n.beside = n.besides()
	seen := map[axis.Var]bool{}
	for _, o := range n.Nodes {
		for _, p := range o.Params {
			if n.integers(p.Value) {
				continue
			}
			for k, v := range n.coupling.Axes(p.Value) {
				for _, l := range n.coupling.Leaves(v) {
					if !seen[l] && !n.fixed(l) && !n.moves(n.leaves[l]) {
						n.unmoved(o, p.Value, k, l)
					}
					seen[l] = true
				}
			}
		}
	}
}

// unmoved notes that nothing moves the leaf l of a parameter of o.
func (n *Net) unmoved(o *Op, id ir.ValueID, k int, l axis.Var) {
	why := n.coupling.Frozen(l)
	if why == nil {
		why = n.beside[l]
	}
	name, size := n.Graph.Values[id].Name, n.coupling.Size(l)
	if why == nil {
		n.Unowned = append(n.Unowned, Free{name, k, size, o.Node.Name})
		return
	}
	n.Frozen = append(n.Frozen, Frozen{Value: name, Axis: k, Size: size, Node: why.Node, Why: why.Why})
}

// besides lists the leaves that stay whole because another factor of the same axes always moves: the channels of each group if the number of groups moves,
// or the dimension of heads if the number of heads moves.
func (n *Net) besides() map[axis.Var]*axis.Reason {
	out, alone := map[axis.Var]*axis.Reason{}, map[axis.Var]bool{}
	for _, o := range n.Nodes {
		for _, p := range o.Params {
			for _, v := range n.coupling.Axes(p.Value) {
				n.besidesIn(v, o.Node, out, alone)
			}
		}
	}
	for l := range alone {
		if !n.coupling.Is(l, axis.Member) {
			delete(out, l)
		}
	}
	return out
}

// besidesIn notes the leaves of v that another factor moves, and those that are not in a product that moves.
func (n *Net) besidesIn(v axis.Var, node *ir.Node, out map[axis.Var]*axis.Reason, alone map[axis.Var]bool) {
	ts, leaves := n.coupling.Terms(v), n.coupling.Leaves(v)
	for _, t := range ts {
		n.besidesIn(t, node, out, alone)
	}
	if ts != nil {
		return
	}
	moves := slices.ContainsFunc(leaves, func(l axis.Var) bool { return n.moves(n.leaves[l]) })
	for _, l := range leaves {
		if !moves {
			alone[l] = true
		} else if out[l] == nil {
			out[l] = &axis.Reason{Node: node.Name, Why: "another factor of the same width moves"}
		}
	}
}
