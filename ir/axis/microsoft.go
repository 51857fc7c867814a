package axis

import "github.com/autotailor/autotailor/ir"

// groupQuery takes queries apart into groups of heads, each with the keys and values of one head that they share. Whole groups can go, or heads of each group;
// the elements of a head set the scale of the scores, and its rotary positions. What a cache has, stays.
func groupQuery(c *coupler, n *ir.Node, name string) {
	heads, shared := int(n.Int("num_heads", 0)), int(n.Int("kv_num_heads", 0))
	q, out := c.axes[n.In[0]], c.shapes[n.Out[0]]
	if len(q) != 3 || len(out) != 3 || heads < 1 || shared < 1 || heads%shared != 0 || out[2]%heads != 0 {
		c.opaque(n, name)
		return
	}
	group, each, size := c.add(shared, Group), c.add(heads/shared, Repeat), c.add(out[2]/heads, 0)
	c.freeze(size, Reason{Node: name, Why: "is the size of a head, which sets the scale of the scores"})
	width, keys := c.productOf([]Var{group, each, size}), c.productOf([]Var{group, size})
	if k, v := in(n, 1), in(n, 2); k != 0 && v != 0 && len(c.axes[k]) == 3 && len(c.axes[v]) == 3 {
		c.unify(width, q[2], name)
		c.unify(keys, c.axes[k][2], name)
		c.unify(keys, c.axes[v][2], name)
	} else {
		c.unify(c.sumOf([]Var{width, keys, keys}), q[2], name)
	}
	for k := 3; k < 5; k++ {
		if past := c.axes[in(n, k)]; len(past) == 4 {
			c.unify(group, past[1], name)
			c.unify(size, past[3], name)
		}
	}
	c.axes[n.Out[0]] = []Var{q[0], q[1], width}
	for k := 1; k < 3 && k < len(n.Out); k++ {
		if id := n.Out[k]; id != 0 && len(c.shapes[id]) == 4 {
			c.axes[id] = []Var{q[0], group, c.add(c.shapes[id][2], Spatial), size}
		}
	}
	if len(n.Out) < 2 {
		c.freeze(width, Reason{Node: name, Why: "has heads whose number no other operand or result tells"})
	}
	c.heads[n] = [2]Var{c.productOf([]Var{group, each}), group}
}

// experts ties tokens with the networks that they may go through. The inner width of these can vary; their number is what the router chooses from.
func experts(c *coupler, n *ir.Node, name string) {
	x := c.axes[n.In[0]]
	first, second := c.axes[in(n, 2)], c.axes[in(n, 4)]
	if len(x) == 0 || len(first) != 3 || len(second) != 3 || n.String("activation_type", "relu") == "swiglu" {
		c.opaque(n, name)
		return
	}
	width := x[len(x)-1]
	up, down := 2, 1 // where the width stands in the weights of the first and of the second layer
	if c.Size(first[2]) != c.Size(width) {
		up, down = 1, 2
	}
	inner := first[3-up]
	c.freeze(first[0], Reason{Node: name, Why: "is the number of experts, of which each token takes some", Given: true})
	c.unify(first[up], width, name)
	c.unify(second[down], width, name)
	c.unify(second[3-down], inner, name)
	c.unify(second[0], first[0], name)
	if r := c.axes[in(n, 1)]; len(r) > 0 {
		c.unify(r[len(r)-1], first[0], name)
	}
	for k, v := range map[int]Var{3: inner, 5: width, 7: inner} {
		if b := c.axes[in(n, k)]; len(b) == 2 {
			c.unify(b[0], first[0], name)
			c.unify(b[1], v, name)
		}
	}
	if third := c.axes[in(n, 6)]; len(third) == 3 {
		for k, v := range third {
			c.unify(v, first[k], name)
		}
	}
	c.axes[n.Out[0]] = x
}
