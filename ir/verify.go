package ir

import (
	"errors"
	"fmt"
	"slices"
)

// maxProblems is how many violations Verify lists.
const maxProblems = 20

// Verify checks what every graph must hold to: values are defined once and before they are used, nodes have outputs,
// constants have the bytes that their shape needs, and outputs exist. The error lists all violations, the first ones.
func Verify(g *Graph) error {
	v := &verifier{g: g, defined: make([]bool, len(g.Values)), made: make([]bool, len(g.Values))}
	if len(g.Values) == 0 || g.Values[0].Name != "" || g.Values[0].Const != nil {
		return errors.New("value 0 must be the absent value")
	}
	for id, val := range g.Values {
		if val.Const != nil {
			v.defined[id] = true
			v.constant(val)
		}
	}
	for _, id := range g.Inputs {
		v.define(id, nil)
	}
	for _, n := range g.Nodes {
		v.node(n)
	}
	for _, id := range g.Outputs {
		if !v.exists(id) || id == 0 || !v.defined[id] {
			v.problem("output %s is made by no node", v.name(id))
		}
	}
	return errors.Join(v.errs...)
}

type verifier struct {
	g             *Graph
	defined, made []bool // made by a node or an input
	errs          []error
}

func (v *verifier) problem(format string, args ...any) {
	if len(v.errs) < maxProblems {
		v.errs = append(v.errs, fmt.Errorf(format, args...))
	}
}

func (v *verifier) exists(id ValueID) bool { return id >= 0 && int(id) < len(v.g.Values) }

func (v *verifier) name(id ValueID) string {
	if !v.exists(id) {
		return fmt.Sprintf("value %d", id)
	}
	return fmt.Sprintf("%q", v.g.Values[id].Name)
}

// define notes that a node makes a value, or that it is an input of the graph, when there is no node.
func (v *verifier) define(id ValueID, n *Node) {
	by := func() string {
		if n == nil {
			return "the graph's inputs"
		}
		return fmt.Sprintf("node %q", n.Name)
	}
	switch {
	case !v.exists(id) || id == 0:
		v.problem("%s define value %d, which does not exist", by(), id)
	case v.made[id] || v.defined[id]:
		v.problem("%s is defined twice, the second time by %s", v.name(id), by())
	default:
		v.defined[id], v.made[id] = true, true
	}
}

func (v *verifier) node(n *Node) {
	for k, id := range n.In {
		if !v.exists(id) || id != 0 && !v.defined[id] {
			v.problem("node %q (%s): operand %d, %s, is not defined before", n.Name, n.Op, k, v.name(id))
		}
	}
	used := false
	for _, id := range n.Out {
		if id != 0 {
			v.define(id, n)
			used = true
		}
	}
	if !used || n.Op == "" {
		v.problem("node %q (%s): it has no operator type or no output", n.Name, n.Op)
	}
	for k, a := range n.Attrs {
		if slices.ContainsFunc(n.Attrs[:k], func(before Attr) bool { return before.Name == a.Name }) {
			v.problem("node %q (%s): attribute %q stands there twice", n.Name, n.Op, a.Name)
		}
	}
}

func (v *verifier) constant(val *Value) {
	t := val.Const
	if val.Type != t.Type || len(val.Shape) != len(t.Shape) {
		v.problem("constant %q: it is declared as %v%s, its data is %v of shape %v", val.Name, val.Type, shapeText(val.Shape), t.Type, t.Shape)
		return
	}
	n := 1
	for k, e := range t.Shape {
		if e < 0 || val.Shape[k].Size != e {
			v.problem("constant %q: it is declared with shape %s, its data has %v", val.Name, shapeText(val.Shape), t.Shape)
			return
		}
		n *= e
	}
	if bits := t.Type.Bits(); t.Raw != nil && bits > 0 && len(t.Raw) != (n*bits+7)/8 {
		v.problem("constant %q: it has %d bytes, its shape %v needs %d", val.Name, len(t.Raw), t.Shape, (n*bits+7)/8)
	}
	if t.Type == String && len(t.Strings) != n {
		v.problem("constant %q: it has %d strings, its shape %v needs %d", val.Name, len(t.Strings), t.Shape, n)
	}
}
