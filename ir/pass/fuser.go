package pass

import (
	"math"

	"github.com/autotailor/autotailor/ir"
)

// fuser finds the pieces that belong to one operator.
type fuser struct {
	g       *ir.Graph
	made    []*ir.Node
	readers map[ir.ValueID][]*ir.Node
}

func newFuser(g *ir.Graph) *fuser {
	f := &fuser{g: g, made: producers(g), readers: map[ir.ValueID][]*ir.Node{}}
	for _, n := range g.Nodes {
		for _, id := range n.In {
			f.readers[id] = append(f.readers[id], n)
		}
	}
	return f
}

// is tells whether n is a node of a standard operator.
func is(n *ir.Node, op string) bool { return n != nil && n.Op == op && n.Domain == "" }

// number is the value of a constant with one element.
func (f *fuser) number(id ir.ValueID) (float64, bool) {
	if id == 0 {
		return 0, false
	}
	return scalarOf(f.g.Values[id], false)
}

// times takes x*c or x/c apart: the operand and the factor.
func (f *fuser) times(n *ir.Node) (x ir.ValueID, c float64, ok bool) {
	if n == nil || n.Domain != "" || len(n.In) != 2 || n.Op != "Mul" && n.Op != "Div" {
		return 0, 0, false
	}
	if c, ok := f.number(n.In[1]); ok {
		if n.Op == "Div" {
			return n.In[0], 1 / c, true
		}
		return n.In[0], c, true
	}
	if c, ok := f.number(n.In[0]); ok && n.Op == "Mul" {
		return n.In[1], c, true
	}
	return 0, 0, false
}

// plus takes x+c apart: the operand and the number.
func (f *fuser) plus(n *ir.Node) (x ir.ValueID, c float64, ok bool) {
	if !is(n, "Add") {
		return 0, 0, false
	}
	for k, id := range n.In {
		if c, ok := f.number(id); ok {
			return n.In[1-k], c, true
		}
	}
	return 0, 0, false
}

// only is the single reader of a node's result, if it is of the given type.
func (f *fuser) only(n *ir.Node, op string) *ir.Node {
	if n == nil || len(f.readers[n.Out[0]]) != 1 || isOutput(f.g, n.Out[0]) {
		return nil
	}
	if r := f.readers[n.Out[0]][0]; r.Op == op && r.Domain == "" && len(r.In) == 2 {
		return r
	}
	return nil
}

// other is the operand of a two-operand node that is not id.
func other(n *ir.Node, id ir.ValueID) ir.ValueID {
	if n.In[0] == id {
		return n.In[1]
	}
	return n.In[0]
}

func close(a, b float64) bool { return math.Abs(a-b) < 1e-4 }
