package supernet

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// region is a residual x + f(x) with parameters in f: the nodes of f, in order, and the Add at its end. f may read other values beside the main flow: a mask, tables
// of positions, an encoder's result, or the skip connection of a longer residual around this one.
type region struct {
	nodes []int
	skip  ir.ValueID // x
}

// regions looks for the innermost residuals of a flow.
type regions struct {
	*Flow
	found map[int]region // by the Add at the end
	of    []int          // Add of the region that a node belongs to, -1 outside
	steps int            // that are left, see patience
}

// patience bounds the work: the number of steps for each node.
const patience = 64

func (f *Flow) regions() *regions {
	r := &regions{Flow: f, found: map[int]region{}, of: make([]int, len(f.Graph.Nodes)), steps: patience * len(f.Graph.Nodes)}
	for i := range r.of {
		r.of[i] = -1
	}
	for i, n := range f.Graph.Nodes {
		if n.Op != "Add" || n.Domain != "" || n.In[0] == n.In[1] {
			continue
		}
		for k, skip := range n.In {
			if in := r.residual(i, skip, n.In[1-k]); in != nil {
				r.found[i] = region{in, skip}
				for _, m := range in {
					r.of[m] = i
				}
				break
			}
		}
	}
	return r
}

// residual returns the nodes of f, with node i at the end, if node i adds value = f(x) to skip = x. Otherwise it returns nil.
func (r *regions) residual(i int, skip, value ir.ValueID) []int {
	_, sum := r.found[r.producer[skip]]
	if len(r.users[skip]) < 2 && !sum || r.Graph.Values[skip].Const != nil {
		return nil
	}
	inside := r.owned(i, skip, value)
	reads := r.dependent(inside, skip)
	if len(reads) == 0 {
		return nil
	}
	if inside = r.near(inside, reads); !slices.ContainsFunc(inside, r.learned) {
		return nil // a function in pieces, such as GELU by its polynomial
	}
	return append(inside, i)
}

// learned tells whether a node has a parameter.
func (r *regions) learned(i int) bool {
	return slices.ContainsFunc(r.Graph.Nodes[i].In, func(id ir.ValueID) bool {
		t := r.Graph.Values[id]
		return id != 0 && t.Const != nil && t.Const.NumElements() > 1
	})
}

// owned returns the nodes, in order, that contribute to a value and to nothing else: only these nodes and node i read their results. The end of another residual
// is not among them.
func (r *regions) owned(i int, skip, value ir.ValueID) []int {
	var in []int
	used := map[int]int{} // by node: the uses of its results that were found
	for todo := []ir.ValueID{value}; len(todo) > 0 && r.steps > 0; r.steps-- {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		p := r.producer[id]
		if _, end := r.found[p]; p < 0 || id == skip || end {
			continue
		}
		uses := 0
		for _, out := range r.Graph.Nodes[p].Out {
			if out == skip {
				uses++ // never owned
			}
			uses += len(r.users[out])
		}
		if used[p]++; used[p] == uses {
			in = append(in, p)
			todo = append(todo, r.Graph.Nodes[p].In...)
		}
	}
	slices.Sort(in)
	return in
}

// dependent returns those of the nodes that depend on x. They may depend on skip itself, on a value of which skip is the sum, or on a value that was made from
// skip in few steps, because parallel branches may share a normalisation.
func (r *regions) dependent(inside []int, skip ir.ValueID) map[int]bool {
	x := map[ir.ValueID]bool{skip: true}
	for p, sum := r.found[r.producer[skip]]; sum && len(x) <= parallel; p, sum = r.found[r.producer[p.skip]] {
		x[p.skip] = true
	}
	member, out := setOf(inside), map[int]bool{}
	asked := map[ir.ValueID]int{} // with how many steps
	var made func(id ir.ValueID, steps int) bool
	made = func(id ir.ValueID, steps int) bool {
		p := r.producer[id]
		switch _, end := r.found[p]; {
		case x[id] || p < 0 || steps == 0 || end || r.steps < 0:
			return x[id]
		case member[p]:
			return out[p]
		case asked[id] >= steps:
			return false
		}
		asked[id], r.steps = steps, r.steps-1
		return slices.ContainsFunc(r.Graph.Nodes[p].In, func(in ir.ValueID) bool { return made(in, steps-1) })
	}
	for _, i := range inside {
		if slices.ContainsFunc(r.Graph.Nodes[i].In, func(in ir.ValueID) bool { return made(in, sharedSteps) }) {
			out[i] = true
		}
	}
	return out
}

// parallel is the largest number of branches that are added to one value, one after the other. sharedSteps is the largest number of operators that they may
// share, such as a normalisation in pieces.
const (
	parallel    = 4
	sharedSteps = 8
)

// near leaves out nodes that do not depend on x and are before a product with weights. For example, an encoder whose result only one layer of a decoder reads is
// no part of that layer. The products that make keys and values from the result are part of it.
func (r *regions) near(inside []int, reads map[int]bool) []int {
	far, member := map[int]bool{}, setOf(inside)
	for _, i := range slices.Backward(inside) {
		if reads[i] || r.derivedOnly(r.Graph.Nodes[i]) {
			continue
		}
		for _, out := range r.Graph.Nodes[i].Out {
			far[i] = far[i] || slices.ContainsFunc(r.users[out], func(u int) bool { return far[u] || member[u] && !reads[u] && r.weighted(u) })
		}
	}
	return slices.DeleteFunc(inside, func(i int) bool { return far[i] })
}

// weighted tells whether a node multiplies with a weight.
func (r *regions) weighted(i int) bool {
	n := r.Graph.Nodes[i]
	return len(n.In) > 1 && slices.Contains([]string{"MatMul", "Gemm", "Conv"}, n.Op) && r.derived[n.In[1]]
}

func setOf(list []int) map[int]bool {
	out := map[int]bool{}
	for _, i := range list {
		out[i] = true
	}
	return out
}

// part is a piece of an item. A piece beside the main flow makes values that blocks read, such as masks.
type part struct {
	nodes  []int
	first  ir.ValueID // the value by which the main flow enters; 0 for the first value that is read
	last   ir.ValueID // the value by which it leaves; 0 for the first value that is made
	beside bool
}

// whole joins items if a residual spans several of them. This happens with learned queries: they depend on no input, so they are live beside all items.
func (r *regions) whole(items []Item) []Item {
	start := map[int]int{} // node at the end of a residual -> its first one
	for i, e := range r.found {
		start[i] = slices.Min(e.nodes)
	}
	var out []Item
	for _, it := range items {
		from := it.Nodes[0]
		for _, i := range it.Nodes {
			if s, ends := start[i]; ends {
				from = min(from, s)
			}
		}
		for len(out) > 0 && out[len(out)-1].Nodes[len(out[len(out)-1].Nodes)-1] >= from {
			last := out[len(out)-1]
			it = Item{In: last.In, Out: it.Out, Nodes: append(slices.Clip(last.Nodes), it.Nodes...)}
			out = out[:len(out)-1]
		}
		out = append(out, it)
	}
	return out
}

// parts splits an item that holds residuals, one after the other.
func (r *regions) parts(it Item) []part {
	ends, last := 0, len(it.Nodes)-1
	for _, i := range it.Nodes[:last] {
		if r.of[i] == i {
			ends++
		}
	}
	_, _, residual := r.Branches(it)
	if residual && ends < 2 || ends == 0 && len(r.found[it.Nodes[last]].nodes) == 0 { // a block may have one residual in it
		return []part{{nodes: it.Nodes}}
	}
	var out []part
	var loose []int
	at := ir.ValueID(0)
	for _, i := range it.Nodes {
		switch r.of[i] {
		case -1:
			loose = append(loose, i)
		case i:
			e, sum := r.found[i], r.Graph.Nodes[i].Out[0]
			out = append(append(out, r.loose(loose, at, e.skip)...), part{nodes: e.nodes, first: e.skip, last: sum})
			loose, at = nil, sum
		}
	}
	return append(out, r.loose(loose, at, 0)...)
}

// loose splits the operators between residuals: those that lead from one value of the main flow to the next, where nothing else is live, and those beside the main
// flow. After the last residual there is no next value.
func (r *regions) loose(nodes []int, from, to ir.ValueID) []part {
	main := map[int]bool{}
	inside := setOf(nodes)
	var lead func(id ir.ValueID)
	lead = func(id ir.ValueID) {
		if p := r.producer[id]; p >= 0 && inside[p] && !main[p] {
			main[p] = true
			for _, in := range r.Graph.Nodes[p].In {
				lead(in)
			}
		}
	}
	lead(to)
	left := map[ir.ValueID]int{to: 1} // uses that are left
	var way, beside []int
	for _, i := range nodes {
		if to != 0 && !main[i] {
			beside = append(beside, i)
			continue
		}
		way = append(way, i)
		for _, in := range r.Graph.Nodes[i].In {
			left[in]++
		}
	}
	out := r.cuts(way, from, left)
	if len(out) > 0 {
		out[len(out)-1].last = to
	}
	if len(beside) > 0 {
		out = append(out, part{nodes: beside, beside: true})
	}
	return out
}

// cuts divides nodes wherever at most one value is live. left counts the uses that values still have.
func (r *regions) cuts(nodes []int, from ir.ValueID, left map[ir.ValueID]int) (out []part) {
	live := map[ir.ValueID]bool{from: left[from] > 0}
	cur := part{}
	for _, i := range nodes {
		n := r.Graph.Nodes[i]
		cur.nodes = append(cur.nodes, i)
		for _, id := range n.In {
			if left[id]--; left[id] == 0 {
				delete(live, id)
			}
		}
		for _, id := range n.Out {
			if id != 0 && left[id] > 0 {
				live[id] = true
			}
		}
		if len(live) <= 1 && !r.derivedOnly(n) {
			out, cur = append(out, cur), part{}
		}
	}
	if len(cur.nodes) > 0 {
		out = append(out, cur)
	}
	return out
}
