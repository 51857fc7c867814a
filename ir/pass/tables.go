package pass

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// maxPicks bounds the indices that a table is spread by, which stand in generated code, too.
const maxPicks = 1024

// foldTables evaluates what is large but regular, and follows from constants alone: the attention masks of shifted windows (Swin), which exporters
// leave as dozens of operators that fill the regions of an image one by one. Such a tensor is a small table, spread by a Gather along each axis on which slices
// are alike; where all are, by one Expand.
func foldTables(g *ir.Graph) error {
	known := map[ir.ValueID]array{}
	for _, n := range g.Nodes {
		out, ok := evaluate(g, n, func(id ir.ValueID) (array, bool) {
			if a, ok := known[id]; ok {
				return a, true
			}
			return arrayOf(g.Values[id], maxEvaluated)
		})
		for k := range out {
			if ok {
				known[n.Out[k]] = out[k]
			}
		}
	}
	s := spreader{g: g, done: map[ir.ValueID]ir.ValueID{}}
	for _, n := range g.Nodes {
		table := func(id ir.ValueID) bool { return len(known[id].v) > 1 } // single numbers are the business of fold-scalars
		for k, id := range n.In {
			if table(id) && !slices.ContainsFunc(n.Out, table) {
				n.In[k] = s.spread(id, known[id])
			}
		}
		s.nodes = append(s.nodes, n)
	}
	g.Nodes = s.nodes
	return nil
}

// spreader writes tables instead of the operators that compute them.
type spreader struct {
	g     *ir.Graph
	nodes []*ir.Node
	done  map[ir.ValueID]ir.ValueID // what stands for a value, itself where it is not regular
}

// spread returns what stands for the value id, which is a.
func (s *spreader) spread(id ir.ValueID, a array) ir.ValueID {
	if to, ok := s.done[id]; ok {
		return to
	}
	s.done[id] = id
	t, picks, ok := tableOf(a)
	if !ok {
		return id
	}
	name := s.g.Values[id].Name
	flat := array{t.kind, []int{len(t.v)}, t.v}
	if len(t.v) == 1 { // a number
		flat.shape = []int{}
	}
	to := constantValue(s.g, name+"_table", flat.tensor())
	if len(t.v) > 1 && len(t.shape) > 1 {
		to = s.add("Reshape", name+"_shaped", array{t.kind, t.shape, nil}, to, list(s.g, name+"_shape", t.shape))
	}
	now, alike := slices.Clone(t.shape), false
	for axis, p := range picks {
		if p == nil || t.shape[axis] == 1 {
			alike = alike || p != nil
			continue
		}
		now[axis] = len(p)
		to = s.add("Gather", fmt.Sprintf("%s_axis%d", name, axis), array{t.kind, slices.Clone(now), nil}, to, list(s.g, fmt.Sprintf("%s_picks%d", name, axis), p))
		n := s.nodes[len(s.nodes)-1]
		n.Attrs = []ir.Attr{{Name: "axis", Kind: ir.AttrInt, Int: int64(axis)}}
	}
	if alike {
		to = s.add("Expand", name+"_repeated", a, to, list(s.g, name+"_extents", a.shape))
	}
	s.done[id] = to
	return to
}

// add appends an operator whose result has the type and shape of like.
func (s *spreader) add(op, name string, like array, in ...ir.ValueID) ir.ValueID {
	s.g.Values = append(s.g.Values, &ir.Value{Name: name, Type: like.kind, Shape: fixed(like.shape)})
	id := ir.ValueID(len(s.g.Values) - 1)
	s.nodes = append(s.nodes, &ir.Node{Op: op, Name: name, In: in, Out: []ir.ValueID{id}})
	return id
}

// list makes a constant of whole numbers.
func list(g *ir.Graph, name string, v []int) ir.ValueID {
	to := make([]int64, len(v))
	for k, n := range v {
		to[k] = int64(n)
	}
	return constantValue(g, name, ir.FromInt64s([]int{len(v)}, to))
}

// tableOf returns the slices of a that differ, along every axis, and for each axis that has equal ones which of them stands at each
// position, nil for the others. ok is false where that is too much for generated code.
func tableOf(a array) (table array, picks [][]int, ok bool) {
	total := 0
	picks = make([][]int, len(a.shape))
	for axis := range a.shape {
		if len(a.v) == 0 {
			return array{}, nil, false
		}
		if a, picks[axis] = a.distinct(axis); picks[axis] != nil {
			total += len(picks[axis])
		}
	}
	return a, picks, len(a.v) <= maxFolded && total <= maxPicks
}

// distinct keeps one of the slices along an axis that are equal; which is nil where none are.
func (a array) distinct(axis int) (kept array, which []int) {
	inner := volume(a.shape[axis+1:])
	size := a.shape[axis]
	classes := map[string]int{}
	var first []int
	for k := range size {
		var key []byte
		for from := k * inner; from < len(a.v); from += size * inner {
			for _, v := range a.v[from : from+inner] {
				key = binary.LittleEndian.AppendUint64(key, uint64(v))
			}
		}
		class, seen := classes[string(key)]
		if !seen {
			class = len(first)
			classes[string(key)] = class
			first = append(first, k)
		}
		which = append(which, class)
	}
	if len(first) == size {
		return a, nil
	}
	kept = array{a.kind, slices.Clone(a.shape), nil}
	kept.shape[axis] = len(first)
	for from := 0; from < len(a.v); from += size * inner {
		for _, k := range first {
			kept.v = append(kept.v, a.v[from+k*inner:from+(k+1)*inner]...)
		}
	}
	return kept, which
}
