package axis

import "github.com/autotailor/autotailor/ir"

// gates is how many rows of weights each hidden element of a recurrent layer has.
var gates = map[string]int{"LSTM": 4, "GRU": 3, "RNN": 1}

// peepholes are the gates of an LSTM that see the cell.
const peepholes = 3

// recurrent ties W [directions, gates of hidden, features], R [directions, gates of hidden, hidden], B [directions, two lots of gates of hidden],
// initial states and peepholes: hidden elements stand innermost, gate after gate.
func recurrent(c *coupler, n *ir.Node, name string) {
	x, w, r := n.In[0], n.In[1], n.In[2]
	if len(c.axes[x]) != 3 || len(c.axes[w]) != 3 || len(c.axes[r]) != 3 {
		c.opaque(n, name)
		return
	}
	directions, hidden := c.axes[r][0], c.axes[r][2]
	c.freeze(directions, Reason{Node: name, Why: "is the number of directions (" + n.Op + ")", Given: true})
	c.tie(w, 0, r, 0, name)
	c.tie(x, 2, w, 2, name)
	for id, lots := range map[ir.ValueID]int{w: gates[n.Op], r: gates[n.Op]} {
		c.gated(id, 1, lots, hidden, name)
	}
	if b := in(n, 3); b != 0 {
		c.tie(b, 0, r, 0, name)
		c.gated(b, 1, 2*gates[n.Op], hidden, name)
	}
	if p := in(n, 7); p != 0 {
		c.tie(p, 0, r, 0, name)
		c.gated(p, 1, peepholes, hidden, name)
	}
	steps, batch := c.axes[x][0], c.axes[x][1]
	all, last := []Var{steps, directions, batch, hidden}, []Var{directions, batch, hidden}
	if n.Int("layout", 0) != 0 {
		steps, batch = batch, steps
		all, last = []Var{batch, steps, directions, hidden}, []Var{batch, directions, hidden}
	}
	for _, k := range []int{5, 6} {
		for i, v := range c.axes[in(n, k)] {
			c.unify(v, last[i], name)
		}
	}
	for k, id := range n.Out {
		if id == 0 {
			continue
		}
		c.axes[id] = last
		if k == 0 {
			c.axes[id] = all
		}
	}
}

// gated takes an axis apart into so many gates of hidden elements.
func (c *coupler) gated(id ir.ValueID, axis, lots int, hidden Var, name string) {
	if c.axes[id] == nil {
		return
	}
	gate := c.add(lots, 0)
	c.freeze(gate, Reason{Node: name, Why: "is the number of gates", Given: true})
	c.unify(c.productOf([]Var{gate, hidden}), c.axes[id][axis], name)
}
