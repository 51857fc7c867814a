// Package cost counts what operators cost, those of subgraphs included.
package cost

import (
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// MACs returns the multiply-accumulates of a node at batch 1, as a function of the choices. See op.MACs. An operator that runs subgraphs has
// those of the subgraph: of a Loop or Scan times the trips, where these are known; of an If where both branches have as many. known is false
// for a node that is not counted.
func MACs(g *ir.Graph, n *ir.Node, shapes [][]dim.Dim, over op.Overrides) (macs dim.Dim, known bool, err error) {
	if row, ok := operators.Lookup(n.Domain, n.Op); ok && row.Class == operators.Control {
		if total, known := subgraphs(g, n, shapes); known {
			return dim.Const(total), true, nil
		}
		return dim.Const(0), false, nil
	}
	return op.MACs(n, shapes, over)
}
