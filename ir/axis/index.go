package axis

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// gather keeps all axes but the one that it picks from, which must stay whole: the indices are positions in it. In its place come the
// axes of the indices, which are places and not channels, whatever they pick from.
func gather(c *coupler, n *ir.Node, name string) {
	x, index := c.axes[n.In[0]], c.axes[n.In[1]]
	axis := int(n.Int("axis", 0))
	if axis < 0 {
		axis += len(x)
	}
	table := c.g.Values[n.In[0]].Const != nil // a vocabulary, which belongs to the model's inputs, or positions
	why := Reason{Node: name, Why: "picks positions by index", Given: table}
	for _, v := range index {
		c.place(v)
		if !c.Is(x[axis], Spatial) {
			c.freeze(v, why)
		}
	}
	c.freeze(x[axis], why)
	c.axes[n.Out[0]] = slices.Concat(x[:axis], index, x[axis+1:])
}

// place marks a variable, and what it is made of, as positions in space.
func (c *coupler) place(v Var) {
	c.at(v).roles |= Spatial
	c.spread(v, Spatial)
}

// anew adds a variable that replaces another one. The new variable is spatial if the old one is. Otherwise it stays fixed.
func (c *coupler) anew(size int, of Var, why Reason) Var {
	if c.Is(of, Spatial) {
		return c.add(size, Spatial)
	}
	v := c.add(size, 0)
	c.freeze(v, why)
	return v
}

// resized keeps the axes whose extent stays and makes the others anew: for Slice, Pad and Expand.
func resized(c *coupler, n *ir.Node, name string) {
	x, shape := c.axes[n.In[0]], c.shapes[n.Out[0]]
	out := make([]Var, len(shape))
	why := Reason{Node: name, Why: "changes the extent (" + n.Op + ")"}
	for k, size := range shape {
		from := k - len(shape) + len(x)
		switch {
		case from < 0:
			out[k] = c.add(size, 0)
			c.freeze(out[k], why)
		case c.Size(x[from]) == size && !c.moves(n, from, len(x)):
			out[k] = x[from]
		default:
			out[k] = c.anew(size, x[from], why)
			c.stay(x[from], why)
		}
	}
	c.axes[n.Out[0]] = out
}

// stay freezes what v is made of, but for positions in space: of those a rule for space tells how many there are.
func (c *coupler) stay(v Var, why Reason) {
	for _, l := range c.Leaves(v) {
		if c.at(l).roles&(Spatial|Batch) == 0 && c.Size(l) > 1 {
			c.freeze(l, why)
		}
	}
}

// moves tells whether n gives positions along an axis another place though their number stays: backwards, or shifted.
func (c *coupler) moves(n *ir.Node, axis, rank int) bool {
	switch n.Op {
	case "Pad":
		pads := c.ints(n, "pads", 1)
		return len(pads) == 2*rank && (pads[axis] != 0 || pads[axis+rank] != 0)
	case "Slice":
		axes := c.ints(n, "axes", 3)
		for k, step := range c.ints(n, "steps", 4) {
			a := int64(k)
			if k < len(axes) {
				a = axes[k]
			}
			if step < 0 && (int(a) == axis || int(a)+rank == axis) {
				return true
			}
		}
	}
	return false
}

// depthToSpace takes the channels apart into those that stay and the squares of positions that they become: outermost in mode CRD,
// innermost in mode DCR.
func depthToSpace(c *coupler, n *ir.Node, name string) {
	x, shape := c.axes[n.In[0]], c.shapes[n.Out[0]]
	square := c.add(c.Size(x[1])/shape[1], 0)
	c.freeze(square, Reason{Node: name, Why: "makes positions of channels", Given: true})
	channels := c.add(shape[1], 0)
	parts := []Var{square, channels}
	if n.String("mode", "DCR") == "CRD" {
		parts = []Var{channels, square}
	}
	c.unify(c.productOf(parts), x[1], name)
	out := c.fresh(shape, Spatial)
	out[0], out[1] = x[0], channels
	c.axes[n.Out[0]] = out
}
