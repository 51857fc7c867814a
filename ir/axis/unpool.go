package axis

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// unpool puts elements back where a MaxPool has found them. They have the axes of that pooling's results, and the map has batch and channels of them.
//
// An index counts all elements of the map before. With fewer channels it is another number, which is right again where the MaxPool of the same SubNet has
// computed it, of a map of the same size. Otherwise everything stays.
func unpool(c *coupler, n *ir.Node, name string) {
	x, index := n.In[0], n.In[1]
	made := c.maker(index)
	why := ""
	switch {
	case made == nil || made.Op != "MaxPool":
		why = "puts elements at places that no MaxPool has computed"
	case len(n.In) > 2 && n.In[2] != 0 && !c.shapeOf(n.In[2], made.In[0]):
		why = "states the extents of its result"
	case !slices.Equal(c.shapes[made.In[0]], c.shapes[n.Out[0]]):
		why = "puts elements into a map of another size than the one that was pooled"
	case len(c.axes[x]) != len(c.axes[index]):
		why = "has indices of another shape than its elements"
	}
	if why != "" {
		c.freezeOperands(n, Reason{Node: name, Why: why})
		return
	}
	for k := range c.axes[x] {
		c.tie(x, k, index, k, name)
	}
	pool(c, n, name)
}

// shapeOf tells whether a value is the shape of another one.
func (c *coupler) shapeOf(id, of ir.ValueID) bool {
	n := c.maker(id)
	return n != nil && n.Op == "Shape" && n.In[0] == of && n.Int("start", 0) == 0 && n.Int("end", int64(len(c.shapes[of]))) == int64(len(c.shapes[of]))
}

// maker is the node that makes a value, nil where none does.
func (c *coupler) maker(id ir.ValueID) *ir.Node {
	for _, n := range c.g.Nodes {
		if slices.Contains(n.Out, id) {
			return n
		}
	}
	return nil
}
