package nn

// sizeOperand is the operand, by operator, that only says which shape the result has: a recorded graph knows that.
var sizeOperand = map[string]int{"Resize": 3, "Reshape": 1, "Expand": 1}

// Idle tells of each node whether no result depends on what it computes: such as the Shape, Gather and Concat from which a model computes the
// sizes of a Resize. Engines need not have such operators.
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
		size, sized := sizeOperand[n.Type]
		for k, v := range n.In {
			if !sized || k != size || n.Domain != "" {
				needed[v] = true
			}
		}
	}
	return idle
}

func anyOf(set []bool, values []Value) bool {
	for _, v := range values {
		if v != None && set[v] {
			return true
		}
	}
	return false
}
