package ncnn

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// opened is g with an open batch where a model fixed it at 1: NCNN has no batch, and what axis it was must be known to leave it out.
func opened(g *nn.Graph) *nn.Graph {
	batch := map[nn.Value]int{}
	for _, v := range g.Inputs {
		s := g.Values[v].Shape
		if s.Open() || len(s) < 2 || s[0] != 1 {
			return g
		}
		batch[v] = 0
	}
	out := *g
	out.Values = slices.Clone(g.Values)
	for i := range g.Nodes {
		n := &g.Nodes[i]
		from, ok := batched(g, n, batch)
		if !ok {
			continue
		}
		for _, v := range n.Out {
			if v == nn.None {
				continue
			}
			if to := behind(n, g.Values[from].Shape, g.Values[v].Shape, batch[from]); to >= 0 {
				batch[v] = to
			}
		}
	}
	for v, axis := range batch {
		s := slices.Clone(g.Values[v].Shape)
		s[axis] *= nn.Batch // an axis that others are joined with has as many positions as before
		out.Values[v].Shape = s
	}
	return &out
}

// batched is the operand of n with a batch axis, of several the one with most axes.
func batched(g *nn.Graph, n *nn.Node, batch map[nn.Value]int) (from nn.Value, ok bool) {
	for _, v := range n.In {
		if _, has := batch[v]; has && (!ok || len(g.Values[v].Shape) > len(g.Values[from].Shape)) {
			from, ok = v, true
		}
	}
	return from, ok
}

// behind is the batch axis of a result of n, or the one that it is joined with, -1 where there is none: it has as many positions before it as
// the operand's.
func behind(n *nn.Node, from, to nn.Shape, axis int) int {
	if perm := n.Ints("perm"); n.Type == "Transpose" {
		if perm == nil {
			return len(to) - 1 - axis
		}
		return slices.Index(perm, int64(axis))
	}
	if len(from) == len(to) && to[axis] == from[axis] {
		return axis
	}
	if len(to) > len(from) && !slices.Contains([]string{"Reshape", "Unsqueeze"}, n.Type) && slices.Equal(to[len(to)-len(from):], from) { // operands with more axes spread it
		return axis + len(to) - len(from)
	}
	joined := -1
	for k := range to {
		switch before := to[:k].Count(); {
		case before == from[:axis].Count() && to[k] == 1:
			return k
		case before == from[:axis].Count() && joined < 0:
			joined = k
		}
	}
	return joined
}
