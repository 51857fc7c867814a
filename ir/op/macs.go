package op

import (
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// MACs returns the multiply-accumulates of a node at batch 1, as a function of the choices. They are those of products: convolutions, products
// of matrices, recurrent layers, attention. Element-wise operators, reductions and what only moves elements count 0. known is false where
// there is no rule, or a shape that it needs is not known: then the node is not counted.
func MACs(n *ir.Node, shapes [][]dim.Dim, over Overrides) (macs dim.Dim, known bool, err error) {
	zero := dim.Const(0)
	row, ok := operators.Lookup(n.Domain, n.Op)
	if !ok || row.Class == operators.Control {
		return zero, false, nil
	}
	spec, _ := Lookup(n.Domain, n.Op)
	if spec.MACs == nil {
		return zero, true, nil
	}
	c := &Ctx{Node: n, Spec: spec, over: over, Total: zero}
	for _, id := range n.In {
		c.In = append(c.In, Operand{Shape: shapes[id]})
	}
	for _, id := range n.Out {
		c.Out = append(c.Out, Operand{Shape: shapes[id]})
	}
	for k, o := range c.In[:min(len(c.In), spec.Operands)] {
		if n.In[k] == 0 || o.Shape == nil {
			return zero, false, nil
		}
	}
	if c.Out[0].Shape == nil && (spec.Shape(c) != nil || c.Out[0].Shape == nil) { // one that nobody reads has no shape yet
		return zero, false, nil
	}
	if err := spec.MACs(c); err != nil {
		return dim.Dim{}, true, err
	}
	return c.Total, true, c.err
}
