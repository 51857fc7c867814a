package axis

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/op"
)

// nth is the axis that n names, or the last one by default; ok is false where it names none of rank axes.
func nth(n *ir.Node, byDefault int64, rank int) (int, bool) {
	k := int(n.Int("axis", byDefault))
	if k < 0 {
		k += rank
	}
	return k, k >= 0 && k < rank
}

// argument looks through one axis for a position: that axis stays whole, the others stay what they are.
func argument(c *coupler, n *ir.Node, name string) {
	x := c.axes[n.In[0]]
	k, ok := nth(n, 0, len(x))
	if !ok {
		c.opaque(n, name)
		return
	}
	c.freeze(x[k], Reason{Node: name, Why: "looks for positions"})
	out := slices.Clone(x)
	if n.Int("keepdims", 1) != 0 {
		out[k] = c.add(1, 0)
	} else {
		out = slices.Delete(out, k, k+1)
	}
	c.axes[n.Out[0]] = out
}

// topK sorts one axis, which stays whole, and leaves some places of it.
func topK(c *coupler, n *ir.Node, name string) {
	x := c.axes[n.In[0]]
	k, ok := nth(n, -1, len(x))
	if !ok {
		c.opaque(n, name)
		return
	}
	why := Reason{Node: name, Why: "sorts positions"}
	c.freeze(x[k], why)
	for _, id := range n.Out {
		if id != 0 {
			out := slices.Clone(x)
			out[k] = c.anew(c.shapes[id][k], x[k], why)
			c.axes[id] = out
		}
	}
}

// gatherElements picks from one axis, for each position along the others.
func gatherElements(c *coupler, n *ir.Node, name string) {
	x, index := c.axes[n.In[0]], c.axes[n.In[1]]
	k, ok := nth(n, 0, len(x))
	if !ok || len(index) != len(x) {
		c.opaque(n, name)
		return
	}
	c.beside(n, x, index, k, name)
	c.axes[n.Out[0]] = index
}

// scatterElements writes to one axis, for each position along the others.
func scatterElements(c *coupler, n *ir.Node, name string) {
	x, index := c.axes[n.In[0]], c.axes[n.In[1]]
	k, ok := nth(n, 0, len(x))
	if !ok || len(index) != len(x) || len(n.In) < 3 || len(c.axes[n.In[2]]) != len(x) {
		c.opaque(n, name)
		return
	}
	c.beside(n, x, index, k, name)
	for i, v := range c.axes[n.In[2]] {
		c.unify(v, index[i], name)
	}
	c.axes[n.Out[0]] = x
}

// beside ties the axes of an operand with those of indices, but for axis k, in which the indices are positions. An axis of which the indices
// have a part only stays whole.
func (c *coupler) beside(n *ir.Node, x, index []Var, k int, name string) {
	why := Reason{Node: name, Why: "picks positions by index"}
	for i, v := range x {
		switch {
		case i == k:
			c.freeze(v, why)
			c.place(index[i])
		case c.Size(v) == c.Size(index[i]):
			c.unify(v, index[i], name)
		default:
			c.freeze(v, why)
			c.freeze(index[i], why)
		}
	}
}

// gatherND picks from the axes after the batch's that the last axis of the indices counts.
func gatherND(c *coupler, n *ir.Node, name string) {
	x, index := c.axes[n.In[0]], c.axes[n.In[1]]
	batch := int(n.Int("batch_dims", 0))
	end := batch + c.Size(index[len(index)-1])
	for i := range batch {
		c.unify(x[i], index[i], name)
	}
	for _, v := range x[batch:end] {
		c.freeze(v, Reason{Node: name, Why: "picks positions by index"})
	}
	for _, v := range index[batch:] {
		c.place(v)
	}
	c.axes[n.Out[0]] = slices.Concat(index[:len(index)-1], x[end:])
}

// scatterND writes to the first axes, which the last axis of the indices counts.
func scatterND(c *coupler, n *ir.Node, name string) {
	x, index := c.axes[n.In[0]], c.axes[n.In[1]]
	if len(n.In) < 3 || len(index) == 0 {
		c.opaque(n, name)
		return
	}
	end, updates := c.Size(index[len(index)-1]), c.axes[n.In[2]]
	if end > len(x) || len(updates) != len(index)-1+len(x)-end {
		c.opaque(n, name)
		return
	}
	for _, v := range x[:end] {
		c.freeze(v, Reason{Node: name, Why: "writes to positions by index"})
	}
	for i, v := range updates {
		if i < len(index)-1 {
			c.place(index[i])
			c.unify(v, index[i], name)
		} else {
			c.unify(v, x[end+i-len(index)+1], name)
		}
	}
	c.axes[n.Out[0]] = x
}

// oneHot gives each position an axis of its own.
func oneHot(c *coupler, n *ir.Node, name string) {
	shape := c.shapes[n.Out[0]]
	k, ok := nth(n, -1, len(shape))
	if !ok || len(shape) != len(c.axes[n.In[0]])+1 {
		c.opaque(n, name)
		return
	}
	v := c.add(shape[k], 0)
	c.freeze(v, Reason{Node: name, Why: "makes a place for each index"})
	c.axes[n.Out[0]] = slices.Insert(slices.Clone(c.axes[n.In[0]]), k, v)
}

// einsum unifies axes of one letter, of operands and of one operand.
func einsum(c *coupler, n *ir.Node, name string) {
	var ranks []int
	for _, id := range n.In {
		ranks = append(ranks, len(c.axes[id]))
	}
	e, err := op.ReadEquation(n.String("equation", ""), ranks)
	if err != nil {
		c.opaque(n, name)
		return
	}
	of := map[rune]Var{}
	for k, term := range e.In {
		for i, r := range term {
			v := c.axes[n.In[k]][i]
			switch was, ok := of[r]; {
			case !ok || c.Size(was) == 1:
				of[r] = v
			case c.Size(v) > 1:
				c.unify(was, v, name)
			}
		}
	}
	out := []Var{}
	for _, r := range e.Out {
		out = append(out, of[r])
	}
	c.axes[n.Out[0]] = out
}

// spaceToDepth makes channels of squares of positions: the squares are outermost.
func spaceToDepth(c *coupler, n *ir.Node, name string) {
	x, shape := c.axes[n.In[0]], c.shapes[n.Out[0]]
	square := c.add(shape[1]/c.Size(x[1]), 0)
	c.freeze(square, Reason{Node: name, Why: "makes channels of positions", Given: true})
	out := c.fresh(shape, Spatial)
	out[0], out[1] = x[0], c.productOf([]Var{square, x[1]})
	c.axes[n.Out[0]] = out
}

// regions makes a map of each region of interest: channels stay, and the regions come in the place of the batch.
func regions(c *coupler, n *ir.Node, name string) {
	rois := c.axes[n.In[1]]
	c.tie(n.In[1], 0, n.In[2], 0, name)
	c.freeze(rois[1], Reason{Node: name, Why: "reads coordinates", Given: true})
	c.place(rois[0])
	out := c.fresh(c.shapes[n.Out[0]], Spatial)
	out[0], out[1] = rois[0], c.axes[n.In[0]][1]
	c.axes[n.Out[0]] = out
}
