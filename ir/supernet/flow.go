package supernet

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// Flow is the net's main flow. Its nodes are divided into items wherever a single value carries everything that later nodes need (paper, section 4.1.3, step 1).
// A straight chain gives one item per operator. Branches give one item, from the node where they part to the node where they meet again.
type Flow struct {
	Graph    *ir.Graph
	Items    []Item
	producer []int // node that makes each value, -1 for inputs and constants
	users    [][]int
	derived  []bool // value computed from constants only
}

// NewFlow divides g, whose nodes must be in execution order. Nodes that compute from constants only are moved in front of their first user, so that they are
// in its item.
//
// A second value may be live over many nodes, such as a mask that every layer reads, a long skip connection or an encoder's result. There each residual is
// an item, and so are the nodes between residuals.
func NewFlow(g *ir.Graph) *Flow {
	f := &Flow{Graph: g}
	f.sinkConstants()
	f.index()
	outputs, r := setOfValues(g.Outputs), f.regions()
	items := r.whole(f.chain(outputs))
	var parts []part
	var order []*ir.Node
	for _, it := range items {
		for _, p := range r.parts(it) {
			for k, i := range p.nodes {
				p.nodes[k] = len(order)
				order = append(order, g.Nodes[i])
			}
			parts = append(parts, p)
		}
	}
	g.Nodes = order
	f.index()
	for _, p := range parts {
		it := f.close(Item{Nodes: p.nodes, Beside: p.beside}, outputs)
		toFront(it.In, p.first)
		toFront(it.Out, p.last)
		f.Items = append(f.Items, it)
	}
	f.joinNorms()
	return f
}

// toFront moves a value, if it is there, to the front of a list.
func toFront(list []ir.ValueID, id ir.ValueID) {
	if k := slices.Index(list, id); k > 0 {
		copy(list[1:], list[:k])
		list[0] = id
	}
}

func setOfValues(ids []ir.ValueID) map[ir.ValueID]bool {
	out := map[ir.ValueID]bool{}
	for _, id := range ids {
		out[id] = true
	}
	return out
}

// chain divides the nodes where one single value is live.
func (f *Flow) chain(outputs map[ir.ValueID]bool) (items []Item) {
	g := f.Graph
	live := map[ir.ValueID]int{} // activation -> uses left
	for _, id := range g.Inputs {
		if n := len(f.users[id]); n > 0 {
			live[id] = n
		}
	}
	var cur Item
	for i, n := range g.Nodes {
		cur.Nodes = append(cur.Nodes, i)
		for _, id := range n.In {
			if _, ok := live[id]; ok {
				if live[id]--; live[id] == 0 {
					delete(live, id)
				}
			}
		}
		for _, id := range n.Out {
			if id != 0 && !f.derived[id] && len(f.users[id]) > 0 {
				live[id] = len(f.users[id])
			}
		}
		if len(live) <= 1 && !f.derivedOnly(n) {
			items = append(items, f.close(cur, outputs))
			cur = Item{}
		}
	}
	if len(cur.Nodes) > 0 {
		items = append(items, f.close(cur, outputs))
	}
	return items
}

// joinNorms makes one item of a normalisation over the last axis of a sequence and the two Reshapes around it, to a matrix and back (LeViT). In some exporters'
// graphs the second Reshape reads the extents before the first one, in others it does not. Stages must be the same for both.
func (f *Flow) joinNorms() {
	is := func(i int, ops ...string) bool {
		if i >= len(f.Items) || len(f.Items[i].Nodes) != 1 || len(f.Items[i].Out) != 1 {
			return false
		}
		n := f.Node(f.Items[i].Nodes[0])
		return n.Domain == "" && slices.Contains(ops, n.Op)
	}
	var out []Item
	for i := 0; i < len(f.Items); i++ {
		if is(i, "Reshape", "Flatten") && is(i+1, "BatchNormalization") && is(i+2, "Reshape") && f.Follows(i+1) && f.Follows(i+2) {
			out = append(out, join(f.Items[i:i+3]))
			i += 2
			continue
		}
		out = append(out, f.Items[i])
	}
	f.Items = out
}

// sinkConstants moves each node that depends on constants only right before its first user.
func (f *Flow) sinkConstants() {
	f.index()
	var order []*ir.Node
	placed := make([]bool, len(f.Graph.Nodes))
	var place func(i int)
	place = func(i int) {
		if placed[i] {
			return
		}
		placed[i] = true
		for _, id := range f.Graph.Nodes[i].In {
			if p := f.producer[id]; p >= 0 && f.derived[id] {
				place(p)
			}
		}
		order = append(order, f.Graph.Nodes[i])
	}
	for i, n := range f.Graph.Nodes {
		if !f.derivedOnly(n) {
			place(i)
		}
	}
	for i := range f.Graph.Nodes { // constants that are outputs of the model
		place(i)
	}
	f.Graph.Nodes = order
}

func (f *Flow) derivedOnly(n *ir.Node) bool {
	for _, id := range n.Out {
		if id != 0 && !f.derived[id] {
			return false
		}
	}
	return true
}

// index fills producer, users and derived.
func (f *Flow) index() {
	f.producer = make([]int, len(f.Graph.Values))
	f.users = make([][]int, len(f.Graph.Values))
	f.derived = make([]bool, len(f.Graph.Values))
	for id, v := range f.Graph.Values {
		f.producer[id] = -1
		f.derived[id] = v != nil && v.Const != nil
	}
	for i, n := range f.Graph.Nodes {
		fromConstants := true
		for _, id := range n.In {
			f.users[id] = append(f.users[id], i)
			fromConstants = fromConstants && (id == 0 || f.derived[id])
		}
		for _, id := range n.Out {
			f.producer[id] = i
			f.derived[id] = fromConstants
		}
	}
}

// close completes an item with the values that enter and leave it, constants and parameters excepted.
func (f *Flow) close(it Item, outputs map[ir.ValueID]bool) Item {
	inside := map[int]bool{}
	for _, i := range it.Nodes {
		inside[i] = true
	}
	seen := map[ir.ValueID]bool{}
	for _, i := range it.Nodes {
		for _, id := range f.Graph.Nodes[i].In {
			made := f.producer[id] >= 0 // learned queries depend on constants only, and are computed once for all their users
			if id != 0 && (made || !f.derived[id]) && !inside[f.producer[id]] && !seen[id] {
				seen[id] = true
				it.In = append(it.In, id)
			}
		}
		for _, id := range f.Graph.Nodes[i].Out {
			leaves := outputs[id]
			for _, u := range f.users[id] {
				leaves = leaves || !inside[u]
			}
			if id != 0 && leaves {
				it.Out = append(it.Out, id)
			}
		}
	}
	return it
}

// Node returns a node by index.
func (f *Flow) Node(i int) *ir.Node { return f.Graph.Nodes[i] }

// Const returns the constant operand k of node i, or nil.
func (f *Flow) Const(i, k int) *ir.Tensor {
	n := f.Graph.Nodes[i]
	if k >= len(n.In) || n.In[k] == 0 {
		return nil
	}
	return f.Graph.Values[n.In[k]].Const
}

// Users returns the nodes that read value id.
func (f *Flow) Users(id ir.ValueID) []int { return f.users[id] }

// Producer returns the node that makes value id, or -1.
func (f *Flow) Producer(id ir.ValueID) int { return f.producer[id] }

// Branches returns the two branches of an item that starts at one value and ends by adding two values that depend on it. long and short are the nodes of the
// longer and the shorter branch; short is empty for an identity skip. ok tells whether the item has that form and the branches share no nodes. If one branch
// is the identity, the other one may read values beside the main flow.
func (f *Flow) Branches(it Item) (long, short []int, ok bool) {
	if len(it.In) == 0 || len(it.Out) == 0 || len(it.Nodes) < 2 {
		return nil, nil, false
	}
	last := it.Nodes[len(it.Nodes)-1]
	add := f.Graph.Nodes[last]
	if add.Op != "Add" || add.Domain != "" || add.Out[0] != it.Out[0] {
		return nil, nil, false
	}
	one := len(it.In) == 1 && len(it.Out) == 1 && !f.derived[add.In[0]] && !f.derived[add.In[1]]
	if !one && !slices.Contains(add.In, it.In[0]) {
		return nil, nil, false
	}
	a, b := f.above(it, add.In[0]), f.above(it, add.In[1])
	if len(a)+len(b)+1 != len(it.Nodes) {
		return nil, nil, false
	}
	if len(a) < len(b) {
		a, b = b, a
	}
	return a, b, true
}

// above returns the nodes of item it on which value id depends, in order.
func (f *Flow) above(it Item, id ir.ValueID) []int {
	inside := map[int]bool{}
	for _, i := range it.Nodes {
		inside[i] = true
	}
	want := map[int]bool{}
	var walk func(ir.ValueID)
	walk = func(id ir.ValueID) {
		p := f.producer[id]
		if p < 0 || !inside[p] || want[p] {
			return
		}
		want[p] = true
		for _, in := range f.Graph.Nodes[p].In {
			walk(in)
		}
	}
	walk(id)
	var out []int
	for _, i := range it.Nodes {
		if want[i] {
			out = append(out, i)
		}
	}
	return out
}
