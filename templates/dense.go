package templates

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir/supernet"
)

// denseLayer matches the Concat of x and f(x): a layer of a DenseNet. Without it, the layers after it read fewer channels.
func denseLayer(f *supernet.Flow, i int) (supernet.Match, bool) {
	it := f.Items[i]
	if _, why := whyNoJoin(f, it); why != "" {
		return supernet.Match{}, false
	}
	m := supernet.Match{
		Items: 1, GoName: "DenseLayer", Doc: "is a layer whose result stands beside its input (DenseNet, Huang et al. 2017)", Roles: map[int]string{},
		Grows: it.Nodes[len(it.Nodes)-1],
	}
	for k, c := range convs(f, it.Nodes) {
		m.Roles[c.node] = fmt.Sprintf("conv%d", min(k+1, 9))
	}
	return m, true
}

// whyNoJoin says why an item is not a Concat of its input and the result of one chain of layers.
func whyNoJoin(f *supernet.Flow, it supernet.Item) (int, string) {
	last := it.Nodes[len(it.Nodes)-1]
	n := f.Node(last)
	switch {
	case n.Op != "Concat" || n.Domain != "":
		return last, fmt.Sprintf("ends the region with %s, not with a Concat", n.Op)
	case n.Int("axis", 0) != 1 || len(n.In) != 2:
		return last, "does not join two values along the channels"
	case len(it.In) != 1 || len(it.Out) != 1 || n.In[0] != it.In[0]:
		return last, "does not begin with the value by which the region begins"
	case len(it.Nodes) < 2 || !slices.Contains(it.Nodes, f.Producer(n.In[1])) || len(f.Users(n.In[1])) != 1:
		return last, "joins something that is read elsewhere, too"
	case len(convs(f, it.Nodes)) == 0:
		return last, "joins what no convolution made"
	}
	return -1, ""
}

func whyNotDenseLayer(f *supernet.Flow, i int) (int, string) { return whyNoJoin(f, f.Items[i]) }
