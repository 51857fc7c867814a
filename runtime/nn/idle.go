package nn

import (
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
)

// Idle tells for each node whether no output depends on its result. Examples are the Shape, Gather and Concat from which a model computes the sizes of a Resize: a
// recorded graph knows these sizes. Engines need not support such operators.
func (g *Graph) Idle() []bool {
	needed := make([]bool, len(g.Values))
	for _, v := range g.Outputs {
		needed[v] = true
	}
	idle := make([]bool, len(g.Nodes))
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := &g.Nodes[i]
		if idle[i] = !anyOf(needed, n.Out); idle[i] {
			continue
		}
		size := n.SizeOperand()
		for k, v := range n.In {
			if k != size {
				needed[v] = true
			}
		}
	}
	return idle
}

// SizeOperand is the index of the operand that only states the shape of the result, -1 for none. A recorded graph knows that shape.
func (n *Node) SizeOperand() int {
	o, _ := operators.Lookup(n.Domain, n.Type)
	return slices.IndexFunc(o.Operands(), func(p operators.Operand) bool { return p.Kind == operators.Size })
}

func anyOf(set []bool, values []Value) bool {
	for _, v := range values {
		if v != None && set[v] {
			return true
		}
	}
	return false
}
