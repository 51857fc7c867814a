package pass

import (
	"math"

	"github.com/autotailor/autotailor/ir"
)

// fuseGelu joins the pieces of GELU, 0.5*x*(1+erf(x/sqrt 2)), in the orders in which exporters write them.
func fuseGelu(g *ir.Graph) error {
	f := fuser{g: g, made: producers(g), readers: map[ir.ValueID][]*ir.Node{}}
	for _, n := range g.Nodes {
		for _, id := range n.In {
			f.readers[id] = append(f.readers[id], n)
		}
	}
	for _, n := range g.Nodes {
		if n.Op == "Erf" && n.Domain == "" {
			f.gelu(n)
		}
	}
	return nil // pieces that are left over are dead
}

type fuser struct {
	g       *ir.Graph
	made    []*ir.Node
	readers map[ir.ValueID][]*ir.Node
}

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

// gelu rewrites the last node of the pattern around an Erf.
func (f *fuser) gelu(erf *ir.Node) {
	x, c, ok := f.times(f.made[erf.In[0]])
	if !ok || !close(c, math.Sqrt2/2) {
		return
	}
	add := f.only(erf, "Add")
	if add == nil {
		return
	}
	if one, ok := f.number(other(add, erf.Out[0])); !ok || one != 1 {
		return
	}
	last := f.only(add, "Mul")
	if last == nil {
		return
	}
	factor := 1.0
	if o := other(last, add.Out[0]); o != x { // 0.5*x stands there, or a half follows
		y, c, ok := f.times(f.made[o])
		if half, isNumber := f.number(o); isNumber {
			y, c, ok = x, half, true
			if last = f.only(last, "Mul"); last == nil || other(last, f.mulOf(add).Out[0]) != x {
				return
			}
		}
		if !ok || y != x {
			return
		}
		factor = c
	}
	if close(factor, 1) {
		if last = f.only(last, "Mul"); last == nil {
			return
		}
		_, factor, _ = f.times(last)
	}
	if !close(factor, 0.5) {
		return
	}
	last.Op, last.In, last.Attrs = "Gelu", []ir.ValueID{x}, nil
}

// mulOf is the product that reads a node's result.
func (f *fuser) mulOf(n *ir.Node) *ir.Node { return f.readers[n.Out[0]][0] }
