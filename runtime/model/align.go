package model

import (
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/runtime/nn"
)

// pair is a node of the original's network, and the same node in a SubNet's network.
type pair struct{ base, sub *nn.Node }

// align pairs the nodes of a SubNet with those of the original. Nodes with weights are recognised by their weights and names; a recording has no names of other nodes.
// Nodes between two recognised nodes are paired from the first one on and, if blocks are removed, also from the last one back.
func align(base, sub *nn.Graph) []pair {
	keys, at := anchors(base), map[string]int{}
	for i, k := range keys {
		if _, twice := at[k]; twice {
			at[k] = -1
		} else if k != "" {
			at[k] = i
		}
	}
	var out []pair
	i, j := 0, 0 // the first nodes that are not paired
	between := func(end, stop int) {
		for i < end && j < stop && keys[i] == "" && base.Nodes[i].Type == sub.Nodes[j].Type {
			out = append(out, pair{&base.Nodes[i], &sub.Nodes[j]})
			i, j = i+1, j+1
		}
		for k := 1; end-k >= i && stop-k >= j && base.Nodes[end-k].Type == sub.Nodes[stop-k].Type; k++ {
			out = append(out, pair{&base.Nodes[end-k], &sub.Nodes[stop-k]})
		}
		i, j = end, stop
	}
	for stop, k := range anchors(sub) {
		if end, known := at[k]; known && end >= i && k != "" {
			between(end, stop)
			out = append(out, pair{&base.Nodes[i], &sub.Nodes[j]})
			i, j = i+1, j+1
		}
	}
	between(len(base.Nodes), len(sub.Nodes))
	return out
}

// anchors are the texts by which nodes are recognised, "" for nodes without weights.
func anchors(g *nn.Graph) []string {
	out := make([]string, len(g.Nodes))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		var parts []string
		for _, v := range n.In {
			if p := g.Values[v].Param; p != nil {
				parts = append(parts, p.Name)
			}
		}
		if len(parts) == 0 {
			continue
		}
		if !numbered(n) {
			parts = append(parts, n.Name)
		}
		out[i] = n.Type + " " + strings.Join(parts, " ")
	}
	return out
}

// numbered tells whether a recording has made up the node's name.
func numbered(n *nn.Node) bool {
	rest, ok := strings.CutPrefix(n.Name, n.Type)
	if rest == "" {
		return ok
	}
	_, err := strconv.Atoi(strings.TrimPrefix(rest, "_"))
	return ok && err == nil
}
