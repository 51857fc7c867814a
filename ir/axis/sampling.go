package axis

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// sampling keeps batch and channels; space is that of the places, whose last axis are coordinates.
func sampling(c *coupler, n *ir.Node, name string) {
	x, places := c.axes[n.In[0]], c.axes[n.In[1]]
	c.unify(x[0], places[0], name)
	c.freeze(places[len(places)-1], Reason{Node: name, Why: "reads coordinates", Given: true})
	space := places[1 : len(places)-1]
	for _, v := range space {
		c.place(v)
	}
	c.axes[n.Out[0]] = slices.Concat(x[:2], space)
}
