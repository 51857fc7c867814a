package op

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
)

// maxTypeErrors is how many contradictions Types lists.
const maxTypeErrors = 20

// fixed has the kinds of results that have one element type.
var fixed = map[operators.Kind]ir.DType{operators.Bool: ir.Bool, operators.Int64: ir.Int64, operators.Float: ir.Float32, operators.Int32: ir.Int32, operators.Uint8: ir.Uint8}

// Types gives every value of g that has none its element type, and reports where types contradict each other or an operand is missing.
// Results of operators that the table does not know keep what the model declares.
func Types(g *ir.Graph) error {
	var errs []error
	for _, n := range g.Nodes {
		spec, ok := Lookup(n.Domain, n.Op)
		if !ok {
			constantType(g, n)
			continue
		}
		if err := spec.enough(n); err != nil {
			errs = append(errs, fmt.Errorf("node %q (%s): %w", n.Name, n.Op, err))
			continue
		}
		errs = append(errs, operandTypes(g, n, spec), resultTypes(g, n, spec))
		if errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil }); len(errs) >= maxTypeErrors {
			break
		}
	}
	return errors.Join(errs...)
}

// operandTypes checks that operands with the same type variable have the same element type.
func operandTypes(g *ir.Graph, n *ir.Node, s Spec) error {
	seen := map[operators.Kind]ir.DType{}
	for k, id := range n.In {
		kind, t := kindOf(s.operands, k), g.Values[id].Type
		if id == 0 || t == ir.Undefined || !kind.Variable() {
			continue
		}
		if first, ok := seen[kind]; ok && t != first {
			return fmt.Errorf("node %q (%s): operand %d, %q, has element type %v, an earlier one has %v", n.Name, n.Op, k, g.Values[id].Name, t, first)
		}
		seen[kind] = t
	}
	return nil
}

// kindOf is the kind of operand or result k; the last of a list may stand for any number.
func kindOf(list []operators.Operand, k int) operators.Kind {
	if last := len(list) - 1; k > last && last >= 0 && list[last].Variadic {
		k = last
	}
	if k >= len(list) {
		return operators.Any
	}
	return list[k].Kind
}

// resultTypes gives results the element types that the operator makes.
func resultTypes(g *ir.Graph, n *ir.Node, s Spec) error {
	for k, id := range n.Out {
		want := made(g, n, s, kindOf(s.results, k))
		if id == 0 || want == ir.Undefined {
			continue
		}
		switch out := g.Values[id]; {
		case out.Type == ir.Undefined:
			out.Type = want
		case out.Type != want:
			return fmt.Errorf("node %q (%s): its result %q is declared as %v, it makes %v", n.Name, n.Op, out.Name, out.Type, want)
		}
	}
	return nil
}

// constantType gives what a Constant makes its element type: passes make it a tensor later.
func constantType(g *ir.Graph, n *ir.Node) {
	if n.Op == "Constant" && n.Domain == "" && len(n.Out) == 1 && g.Values[n.Out[0]].Type == ir.Undefined {
		g.Values[n.Out[0]].Type = written(n)
	}
}

// written is the element type of what a node's attribute says that it makes.
func written(n *ir.Node) ir.DType {
	for _, a := range n.Attrs {
		if t, ok := a.Tensor(); ok && a.Name == "value" {
			return t.Type
		}
		if t, ok := writtenTypes[a.Name]; ok {
			return t
		}
	}
	return ir.Undefined
}

var writtenTypes = map[string]ir.DType{"value_float": ir.Float32, "value_floats": ir.Float32, "value_int": ir.Int64, "value_ints": ir.Int64}

// made is the element type of a result, ir.Undefined where the model says it.
func made(g *ir.Graph, n *ir.Node, s Spec, kind operators.Kind) ir.DType {
	if to := n.Int("to", 0); kind == operators.Any && to > 0 && n.Op == "Cast" {
		return ir.DType(to)
	}
	if kind == operators.Any {
		if o, _ := operators.Lookup(n.Domain, n.Op); o.Has("dtype") {
			return stated(g, n)
		}
	}
	if kind == operators.Any && n.Op == "QuantizeLinear" && n.Domain == "" {
		return quantised(g, n)
	}
	if t := written(n); n.Op == "ConstantOfShape" && t != ir.Undefined {
		return t
	}
	if !kind.Variable() {
		return fixed[kind]
	}
	for k, id := range n.In {
		if kindOf(s.operands, k) == kind && id != 0 && g.Values[id].Type != ir.Undefined {
			return g.Values[id].Type
		}
	}
	return ir.Undefined
}

// stated is the element type of a result that attribute dtype says; without it, it is that of the first operand.
func stated(g *ir.Graph, n *ir.Node) ir.DType {
	if to := n.Int("dtype", 0); to > 0 || n.Input(0) == 0 {
		return ir.DType(to)
	}
	return g.Values[n.In[0]].Type
}

// quantised is the element type of a QuantizeLinear's result: that of the zero point, else what an attribute says.
func quantised(g *ir.Graph, n *ir.Node) ir.DType {
	if id := n.Input(2); id != 0 {
		return g.Values[id].Type
	}
	if to := n.Int("output_dtype", 0); to > 0 {
		return ir.DType(to)
	}
	return ir.Uint8
}
