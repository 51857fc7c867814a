package profile

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// placed is a SubNet's network as it is measured: the site of each node of the recorded graph, and the recorded node of each node.
func (c *covering) placed(g space.Genes) (graph *nn.Graph, site, node []int, w nn.Weights, err error) {
	recorded, err := c.net.Record(g)
	if err != nil {
		return nil, nil, nil, nil, err
	}
	recorded = recorded.Bind(1)
	if site, err = c.locate(recorded, g); err != nil {
		return nil, nil, nil, nil, err
	}
	recorded.Nodes = slices.Clone(recorded.Nodes)
	for i := range recorded.Nodes {
		recorded.Nodes[i].Name = strconv.Itoa(i)
	}
	if graph, w, err = exported(recorded, c.o.Weights); err != nil {
		return nil, nil, nil, nil, err
	}
	for _, n := range graph.Nodes {
		i, err := strconv.Atoi(n.Name)
		if err != nil {
			return nil, nil, nil, nil, fmt.Errorf("internal error: node %q", n.Name)
		}
		node = append(node, i)
	}
	return graph, site, node, w, nil
}

// notice counts the sequences of operators that ran as one kernel, and those of one site that ran in several.
func (c *covering) notice(g *nn.Graph, t *engine.Trace, site func(node int) int) {
	ran, bySite := map[int]bool{}, map[int][]int{} // nodes
	for _, k := range t.Kernels {
		if !k.Layout && !ran[k.Node] {
			ran[k.Node] = true
			bySite[site(k.Node)] = append(bySite[site(k.Node)], k.Node)
		}
	}
	for _, list := range joined(g, ran, func(n int) []int { return bySite[site(n)] }) {
		if len(list) > 1 {
			c.joined[sequenceText(typesOf(g, list), true)]++
		}
	}
	for _, list := range bySite {
		if slices.Sort(list); len(list) > 1 {
			c.joined[sequenceText(typesOf(g, list), false)]++
		}
	}
}

func typesOf(g *nn.Graph, nodes []int) []string {
	var out []string
	for _, i := range nodes {
		out = append(out, g.Nodes[i].Type)
	}
	return out
}

// joined lists the nodes of each kernel: those without a kernel are with the one of their site, or where that has none, of the node that
// feeds them.
func joined(g *nn.Graph, ran map[int]bool, kernels func(node int) []int) map[int][]int {
	maker, out, head := map[nn.Value]int{}, map[int][]int{}, make([]int, len(g.Nodes))
	for i, n := range g.Nodes {
		head[i] = i
		if !ran[i] {
			if of := kernels(i); len(of) > 0 {
				head[i] = of[0]
			} else if at, ok := maker[n.In[0]]; ok {
				head[i] = head[at]
			}
		}
		out[head[i]] = append(out[head[i]], i)
		for _, v := range n.Out {
			maker[v] = i
		}
	}
	return out
}
