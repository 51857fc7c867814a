package pass

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// run is a Slice of consecutive channels.
type run struct {
	node       *ir.Node
	axis       int
	start, end int
}

// channelSplits makes one Split of the Slices that take a value's channels apart (chunk in some exports, gated units, fused projections):
// parts of a Split can follow the choices, positions by number cannot. So are the halves of each head that rotary positions turn. Space is left alone,
// where the bounds of a Slice may mean "the rest". Of a stored weight or bias one Slice is enough, along any axis: exporters store projections of queries,
// keys and values as one matrix.
func channelSplits(g *ir.Graph) error {
	byAxis := map[sliced][]run{}
	var order []sliced
	vals, users := extents(g), readersOf(g)
	var space *axis.Coupling
	for _, n := range g.Nodes {
		if n.Op != "Slice" || n.Domain != "" {
			continue
		}
		x := vals[n.In[0]].Shape
		r, ok := runOf(g, n, x)
		stored := ok && storedWeight(g, users, n)
		if ok = ok && (r.axis > 0 || stored); ok && !stored {
			if space == nil {
				space = coupled(g, vals)
			}
			axes := space.Axes(n.In[0])
			ok = r.axis < len(axes) && !space.Is(axes[r.axis], axis.Spatial|axis.Batch) || len(axes) == 0 && r.axis == channelAxis(len(x))
		}
		if at := (sliced{n.In[0], r.axis}); ok {
			if byAxis[at] == nil {
				order = append(order, at)
			}
			byAxis[at] = append(byAxis[at], r)
		}
	}
	at, gone, others := map[*ir.Node]*ir.Node{}, map[*ir.Node]bool{}, substitutes{}
	for _, of := range order {
		id, runs := of.value, byAxis[of]
		extent, _ := vals[id].Shape[of.axis].IsConst()
		parts := partition(runs, extent)
		if len(parts) == 2 {
			continue
		}
		at[runs[0].node] = splitOf(g, id, runs, parts, others)
		for _, r := range runs {
			gone[r.node] = r.node.Op == "Slice"
		}
	}
	var nodes []*ir.Node
	for _, n := range g.Nodes {
		if s := at[n]; s != nil {
			others.read(s)
			nodes = append(nodes, s)
		}
		if !gone[n] {
			others.read(n)
			nodes = append(nodes, n)
		}
	}
	g.Nodes = nodes
	others.outputs(g)
	return nil
}

// storedWeight tells whether a Slice takes a part of a stored bias, or of a stored weight that a product reads.
func storedWeight(g *ir.Graph, users [][]*ir.Node, n *ir.Node) bool {
	t := g.Values[n.In[0]].Const
	return t != nil && t.Type == ir.Float32 && (len(t.Shape) == 1 || weighs(users, n.Out[0]))
}

// weighs tells whether all that is made of a value, by moving its elements, is the second operand of products.
func weighs(users [][]*ir.Node, id ir.ValueID) bool {
	for _, u := range users[id] {
		o, _ := operators.Lookup(u.Domain, u.Op)
		moved := o.Class == operators.Layout && u.In[0] == id && len(u.Out) == 1 && weighs(users, u.Out[0])
		if !moved && (o.Class != operators.Product || u.Input(1) != id) {
			return false
		}
	}
	return len(users[id]) > 0
}

// readersOf lists the nodes that read each value.
func readersOf(g *ir.Graph) [][]*ir.Node {
	out := make([][]*ir.Node, len(g.Values))
	for _, n := range g.Nodes {
		for _, id := range n.In {
			out[id] = append(out[id], n)
		}
	}
	return out
}

// sliced is what Slices take apart: an axis of a value.
type sliced struct {
	value ir.ValueID
	axis  int
}

// coupled finds out which axes are space.
func coupled(g *ir.Graph, vals []op.Operand) *axis.Coupling {
	sizes, batched := make([][]int, len(vals)), false
	for id, v := range vals {
		for _, d := range v.Shape {
			if k, ok := d.Batches(); ok {
				sizes[id], batched = append(sizes[id], k*anyBatch), true
			} else {
				sizes[id] = append(sizes[id], d.Original())
			}
		}
	}
	return axis.Couple(g, sizes, batched)
}

// anyBatch stands for the open batch: a prime that no model's axis has.
const anyBatch = 1_000_003

// channelAxis is the axis of a value's channels: the last one of matrices and sequences, else axis 1.
func channelAxis(rank int) int {
	switch {
	case rank < 2:
		return 0
	case rank == 3:
		return 2
	}
	return 1
}

// runOf reads a Slice that takes consecutive positions of one axis and nothing else.
func runOf(g *ir.Graph, n *ir.Node, x []dim.Dim) (run, bool) {
	list := func(attr string, operand int) []int64 {
		if v := n.Ints(attr); v != nil {
			return v
		}
		if id := n.Input(operand); id != 0 && g.Values[id].Const != nil {
			v, _ := g.Values[id].Const.Int64s()
			return v
		}
		return nil
	}
	starts, ends, axes, steps := list("starts", 1), list("ends", 2), list("axes", 3), list("steps", 4)
	if len(starts) != 1 || len(ends) != 1 || len(axes) != 1 || len(steps) > 0 && steps[0] != 1 || n.Input(4) != 0 && len(steps) == 0 {
		return run{}, false
	}
	along := int(axes[0])
	if along < 0 {
		along += len(x)
	}
	if along < 0 || along >= len(x) {
		return run{}, false
	}
	extent, fixed := x[along].IsConst()
	if !fixed || extent < 2 {
		return run{}, false
	}
	bound := func(v int64) int {
		if v < 0 {
			v += int64(extent)
		}
		return int(min(max(v, 0), int64(extent)))
	}
	r := run{n, along, bound(starts[0]), bound(ends[0])}
	return r, r.start < r.end
}

// partition lists where the parts begin into which runs take an axis apart, gaps included, and its end.
func partition(runs []run, extent int) []int {
	out := []int{0, extent}
	for _, r := range runs {
		out = append(out, r.start, r.end)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// splitOf makes the Split. A run that has several parts, as runs overlap, becomes their Concat; readers of a run that is there twice read the first one's
// result.
func splitOf(g *ir.Graph, id ir.ValueID, runs []run, parts []int, others substitutes) *ir.Node {
	first := runs[0].node
	s := &ir.Node{Op: "Split", Name: first.Name + "_split", Scope: first.Scope, Meta: first.Meta, In: []ir.ValueID{id}}
	place := func(at int) int { k, _ := slices.BinarySearch(parts, at); return k }
	taken := map[int]ir.ValueID{} // results of runs of one part, by where it begins
	for _, r := range runs {
		s.Parts = append(s.Parts, r.node.Name)
		if place(r.end)-place(r.start) > 1 {
			continue
		}
		if out := taken[r.start]; out != 0 {
			others[r.node.Out[0]] = out
		} else {
			taken[r.start] = r.node.Out[0]
		}
	}
	var sizes []int64
	for k, start := range parts[:len(parts)-1] {
		sizes = append(sizes, int64(parts[k+1]-start))
		out := taken[start]
		if out == 0 {
			g.Values = append(g.Values, &ir.Value{Name: fmt.Sprintf("%s_rest%d", first.Name, k), Type: g.Values[id].Type})
			out = ir.ValueID(len(g.Values) - 1)
		}
		s.Out = append(s.Out, out)
	}
	along := int64(runs[0].axis)
	for _, r := range runs {
		if from, to := place(r.start), place(r.end); to-from > 1 {
			r.node.Op, r.node.In, r.node.Attrs = "Concat", slices.Clone(s.Out[from:to]), []ir.Attr{{Name: "axis", Kind: ir.AttrInt, Int: along}}
		}
	}
	s.Attrs = []ir.Attr{{Name: "axis", Kind: ir.AttrInt, Int: along}, {Name: "split", Kind: ir.AttrInts, Ints: sizes}}
	return s
}
