package axis

import "github.com/autotailor/autotailor/ir"

// conv ties [N C ...] with a weight [O I k...] and a bias [O]; groups nest outside the channels of both sides. What a joined operator adds to
// the result has its axes.
func conv(c *coupler, n *ir.Node, name string) {
	c.conv(n, n.In[1], in(n, 2), name)
	if sum := in(n, 3); sum != 0 && n.Op == "FusedConv" {
		for k := range c.axes[n.Out[0]] {
			c.tie(sum, k, n.Out[0], k, name)
		}
	}
}

func (c *coupler) conv(n *ir.Node, w, bias ir.ValueID, name string) {
	x := n.In[0]
	if c.axes[w] == nil || len(c.axes[x]) < 3 || len(c.axes[w]) != len(c.axes[x]) {
		c.opaque(n, name)
		return
	}
	beside := c.sideBySide(n, w)
	if beside == nil {
		c.window(n)
	}
	out := c.fresh(c.shapes[n.Out[0]], Spatial)
	out[0] = c.axes[x][0]
	out[1] = c.axes[w][0]
	copy(out[2:], beside)
	c.axes[n.Out[0]] = out
	for _, k := range c.axes[w][2:] {
		c.at(k).roles |= Kernel
	}
	c.grouped(n, w, name)
	c.tie(bias, 0, w, 0, name)
}

// sideBySide has the axes that a filter of one channel moves over when they are no space: channels that it looks at side by side (ECA-Net, Wang et al. 2020). With
// the last of them gone the others see the same, as beyond the last there is nothing; their order has to stay.
func (c *coupler) sideBySide(n *ir.Node, w ir.ValueID) []Var {
	x := c.axes[n.In[0]]
	for k, v := range x[2:] {
		if c.Size(v) != c.shapes[n.Out[0]][k+2] || c.given(v) {
			return nil
		}
	}
	if c.Size(c.axes[w][0]) != 1 || c.Size(c.axes[w][1]) != 1 {
		return nil
	}
	for _, v := range x[2:] {
		for _, l := range c.Leaves(v) {
			c.at(l).roles |= Ordered
		}
	}
	return x[2:]
}

// window marks the axes that a window moves over as space: how many positions there are follows from the map.
func (c *coupler) window(n *ir.Node) {
	if x := c.axes[n.In[0]]; len(x) > 2 {
		for _, v := range x[2:] {
			c.place(v)
		}
	}
}

// grouped ties the data channels with the output and input channels of a convolution's weight w under its groups. Whole groups can go, or
// channels of every group.
func (c *coupler) grouped(n *ir.Node, w ir.ValueID, name string) {
	g := int(n.Int("group", 1))
	data, outer, inner := c.axes[n.In[0]][1], c.axes[w][0], c.axes[w][1]
	switch {
	case g == 1:
		c.unify(data, inner, name)
	case c.Size(data) == g && c.Size(outer) == g: // depthwise
		c.unify(data, outer, name)
		c.groups[n] = data
	default:
		group := c.add(g, Group)
		c.groups[n] = group
		c.at(inner).roles |= Member
		c.unify(c.productOf([]Var{group, inner}), data, name)
		each := c.add(c.Size(outer)/g, Member)
		c.unify(c.productOf([]Var{group, each}), outer, name)
	}
}

// convTranspose ties [N C ...] with a weight [C O k...] and a bias [O]. With groups, C are groups of channels, and the result has O of each group.
func convTranspose(c *coupler, n *ir.Node, name string) {
	x, w := n.In[0], n.In[1]
	if c.axes[w] == nil {
		c.opaque(n, name)
		return
	}
	c.window(n)
	out := c.fresh(c.shapes[n.Out[0]], Spatial)
	out[0], out[1] = c.axes[x][0], c.axes[w][1]
	for _, k := range c.axes[w][2:] {
		c.at(k).roles |= Kernel
	}
	c.tie(x, 1, w, 0, name)
	if g := int(n.Int("group", 1)); g > 1 {
		group := c.axes[x][1]
		if c.Size(group) != g { // else each channel is a group
			group = c.add(g, Group)
			c.unify(c.productOf([]Var{group, c.add(c.Size(c.axes[x][1])/g, 0)}), c.axes[x][1], name)
		}
		c.groups[n] = group
		out[1] = c.productOf([]Var{group, c.axes[w][1]})
	}
	c.axes[n.Out[0]] = out
	if b := in(n, 2); b != 0 {
		c.unify(c.axes[b][0], out[1], name)
	}
}
