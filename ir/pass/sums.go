package pass

import (
	"fmt"

	"github.com/autotailor/autotailor/ir"
)

// plainSums rewrites Sum, by which older exporters join the branches of a residual block, to Adds, and Mean of float32 to these and a Div.
func plainSums(g *ir.Graph) error {
	var nodes []*ir.Node
	for _, n := range g.Nodes {
		sum := is(n, "Sum") || is(n, "Mean") && countable(g.Values[n.Out[0]].Type)
		if sum && len(n.In) == 1 {
			n.Op = "Identity"
		}
		if !sum || len(n.In) < 2 {
			nodes = append(nodes, n)
			continue
		}
		out, terms := g.Values[n.Out[0]], n.In
		add := func(k int, left, right ir.ValueID) ir.ValueID {
			suffix := fmt.Sprintf("_of_%d", k)
			sum := addValue(g, out, out.Name+suffix)
			nodes = append(nodes, &ir.Node{Op: "Add", Name: n.Name + suffix, In: []ir.ValueID{left, right}, Out: []ir.ValueID{sum}, Scope: n.Scope})
			return sum
		}
		left, last := terms[0], len(terms)-1
		for k, right := range terms[1:last] {
			left = add(k+2, left, right)
		}
		if n.Op == "Sum" {
			n.Op, n.In = "Add", []ir.ValueID{left, terms[last]}
		} else {
			n.Op, n.In = "Div", []ir.ValueID{add(len(terms), left, terms[last]), constantValue(g, n.Name+"_count", ir.FromFloat32s(nil, []float32{float32(len(terms))}))}
		}
		n.Attrs = nil
		nodes = append(nodes, n)
	}
	g.Nodes = nodes
	return nil
}

// countable tells whether elements can be divided by a float32: those that have that type, or none that is declared.
func countable(t ir.DType) bool { return t == ir.Float32 || t == ir.Undefined }
