package supernet

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
)

// Group is a class of axes that choices cut together: channels, heads, or dimensions of a head. If all its members are reordered alike, the original still
// computes the same function.
type Group struct {
	Size    int
	Members []Member
}

// Member is where a group lies in a parameter: position i of the group are the elements From + r*Every + i*Step + j along Axis, for
// each r below Repeat and each j below Step.
type Member struct {
	Value                           ir.ValueID
	Axis, From, Repeat, Every, Step int
	Reads                           bool // the parameter's node sums over the axis
}

// Groups lists the classes that choices move, in the order of the graph's parameters. A class is left out if a Member cannot describe one of its parts, or
// if the order of its positions matters.
func (n *Net) Groups() []Group {
	if n.coupling == nil { // made by hand
		return nil
	}
	w := grouper{net: n, at: map[axis.Var]int{}, odd: map[axis.Var]bool{}}
	stored := n.stored()
	for _, node := range n.Graph.Nodes {
		for k, id := range node.In {
			if id == 0 || n.Graph.Values[id].Const == nil {
				continue
			}
			axes, as := n.coupling.Axes(id), stored.of(n.Graph, id)
			for a, v := range axes {
				m := Member{Value: as, Axis: a, Repeat: 1, Step: 1, Reads: reads(node, k, a)}
				if as != id { // it is transposed
					m.Axis = len(axes) - 1 - a
				}
				w.walk(v, m, n.coupling.Size(v))
			}
		}
	}
	var out []Group
	for k, g := range w.groups {
		if !w.odd[w.order[k]] {
			out = append(out, g)
		}
	}
	return out
}

// reads tells whether a node sums over an axis of its operand k.
func reads(n *ir.Node, k, axis int) bool {
	switch {
	case k != 1:
		return false
	case n.Op == "Conv":
		return axis == 1
	case n.Op == "Gemm" && n.Int("transB", 0) != 0:
		return axis == 1
	}
	return (n.Op == "Gemm" || n.Op == "MatMul") && axis == 0
}

// grouper gathers members by class.
type grouper struct {
	net    *Net
	groups []Group
	order  []axis.Var // classes of groups
	at     map[axis.Var]int
	odd    map[axis.Var]bool // with a part that Member does not describe
}

// walk adds the parts of v. m.From elements are before v, each of its positions has m.Step elements, and the whole is repeated m.Repeat times.
func (w *grouper) walk(v axis.Var, m Member, whole int) {
	c := w.net.coupling
	v = c.Find(v)
	if fs := c.Factors(v); fs != nil {
		inner := m.Step
		for k := len(fs) - 1; k >= 0; k-- {
			part := m
			part.Step = inner
			inner *= c.Size(fs[k])
			if outer := c.Size(v) * m.Step / inner; outer > 1 {
				if m.Repeat > 1 { // two nested repetitions
					part.Repeat, part.Every = -1, 0
				} else {
					part.Repeat, part.Every = outer, inner
				}
			}
			w.walk(fs[k], part, whole)
		}
		return
	}
	if ts := c.Terms(v); ts != nil {
		for _, t := range ts {
			w.walk(t, m, whole)
			m.From += c.Size(t) * m.Step
		}
		return
	}
	w.add(v, m)
}

// add appends a member to the group of the leaf v, if some choice moves it.
func (w *grouper) add(v axis.Var, m Member) {
	c := w.net.coupling
	d, bound := w.net.leaves[v]
	if !bound || len(d.Deps()) == 0 || c.Is(v, axis.Spatial|axis.Kernel|axis.Batch) || c.Size(v) < 2 {
		return
	}
	w.odd[v] = w.odd[v] || m.Repeat < 0 || c.Is(v, axis.Ordered)
	k, ok := w.at[v]
	if !ok {
		k = len(w.groups)
		w.at[v], w.order, w.groups = k, append(w.order, v), append(w.groups, Group{Size: c.Size(v)})
	}
	same := func(o Member) bool {
		o.Reads = m.Reads
		return o == m
	}
	if i := slices.IndexFunc(w.groups[k].Members, same); i >= 0 { // a tensor that several nodes use
		w.groups[k].Members[i].Reads = w.groups[k].Members[i].Reads || m.Reads
		return
	}
	w.groups[k].Members = append(w.groups[k].Members, m)
}
