package axis

import "github.com/autotailor/autotailor/ir"

// expand keeps the axes that stay. In the place of an axis of extent 1 comes one of as many positions as what it meets has: all are the same, and so
// any number of them can go. The open batch stays as it is.
func expand(c *coupler, n *ir.Node, name string) {
	x, shape := c.axes[n.In[0]], c.shapes[n.Out[0]]
	to := c.ints(n, "shape", 1)
	out := make([]Var, len(shape))
	for k, size := range shape {
		from := k - len(shape) + len(x)
		if from >= 0 && c.Size(x[from]) == size {
			out[k] = x[from]
			continue
		}
		out[k] = c.add(size, Repeat)
		if k >= len(to) || to[k] < 0 {
			c.freeze(out[k], Reason{Node: name, Why: "changes the extent (Expand)"})
		}
	}
	c.axes[n.Out[0]] = out
}

// tile lists an axis several times, one after the other. How often is a constant.
func tile(c *coupler, n *ir.Node, name string) {
	x, shape := c.axes[n.In[0]], c.shapes[n.Out[0]]
	if len(x) != len(shape) {
		c.opaque(n, name)
		return
	}
	out := make([]Var, len(shape))
	why := Reason{Node: name, Why: "is how often an axis is repeated"}
	for k, size := range shape {
		switch old := c.Size(x[k]); {
		case old == size:
			out[k] = x[k]
		case old == 0 || size%old != 0:
			c.opaque(n, name)
			return
		default:
			times := c.add(size/old, 0)
			c.freeze(times, why)
			out[k] = c.productOf([]Var{times, x[k]})
		}
	}
	c.axes[n.Out[0]] = out
}
