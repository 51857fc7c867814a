package op

import (
	"errors"
	"fmt"

	"github.com/autotailor/autotailor/ir"
)

// maxTypeErrors is how many contradictions Types lists.
const maxTypeErrors = 20

// results has the element types of results that are not those of the first operand; ir.Undefined stands for "as declared".
var results = map[string]ir.DType{
	"Shape": ir.Int64, "Size": ir.Int64, "ArgMax": ir.Int64, "ArgMin": ir.Int64, "NonZero": ir.Int64,
	"Equal": ir.Bool, "Less": ir.Bool, "LessOrEqual": ir.Bool, "Greater": ir.Bool, "GreaterOrEqual": ir.Bool,
	"And": ir.Bool, "Or": ir.Bool, "Xor": ir.Bool, "Not": ir.Bool, "IsNaN": ir.Bool, "IsInf": ir.Bool,
	"Constant": ir.Undefined, "ConstantOfShape": ir.Undefined, "Cast": ir.Undefined, "CastLike": ir.Undefined, "NonMaxSuppression": ir.Int64,
	"If": ir.Undefined, "Loop": ir.Undefined, "Scan": ir.Undefined, "EyeLike": ir.Undefined, "Range": ir.Undefined,
	"QuantizeLinear": ir.Undefined, "DequantizeLinear": ir.Undefined, "DynamicQuantizeLinear": ir.Undefined,
}

// resultOf has operators whose result has the element type of another operand than the first.
var resultOf = map[string]int{"Where": 1, "OneHot": 2}

// uniform lists operators whose operands, up to the given number, have one element type.
var uniform = map[string]int{
	"Conv": 3, "ConvTranspose": 3, "Gemm": 3, "MatMul": 2, "Add": 2, "Sub": 2, "Mul": 2, "Div": 2, "Concat": 1 << 20,
	"Min": 1 << 20, "Max": 1 << 20, "Sum": 1 << 20, "Mean": 1 << 20,
}

// Types gives every value of g that has none its element type, and reports where types contradict each other or an operand is missing.
// Results of operators that the table does not know keep what the model declares.
func Types(g *ir.Graph) error {
	var errs []error
	for _, n := range g.Nodes {
		if n.Domain != "" {
			continue
		}
		if spec, ok := Lookup("", n.Op); ok {
			if err := spec.enough(n); err != nil {
				errs = append(errs, fmt.Errorf("node %q (%s): %w", n.Name, n.Op, err))
				continue
			}
		}
		if err := operandTypes(g, n); err != nil {
			errs = append(errs, err)
		}
		if err := resultType(g, n); err != nil {
			errs = append(errs, err)
		}
		if len(errs) >= maxTypeErrors {
			break
		}
	}
	return errors.Join(errs...)
}

func operandTypes(g *ir.Graph, n *ir.Node) error {
	first := ir.Undefined
	for k, id := range n.In {
		t := g.Values[id].Type
		switch {
		case k >= uniform[n.Op] || id == 0 || t == ir.Undefined:
		case first == ir.Undefined:
			first = t
		case t != first:
			return fmt.Errorf("node %q (%s): operand %d, %q, has element type %v, an earlier one has %v", n.Name, n.Op, k, g.Values[id].Name, t, first)
		}
	}
	return nil
}

func resultType(g *ir.Graph, n *ir.Node) error {
	if _, known := Lookup(n.Domain, n.Op); !known || len(n.Out) == 0 || n.Out[0] == 0 {
		return nil
	}
	want, special := results[n.Op]
	if first := n.Input(resultOf[n.Op]); !special && first != 0 {
		want = g.Values[first].Type
	}
	if to := n.Int("to", 0); n.Op == "Cast" && to > 0 {
		want = ir.DType(to)
	}
	if n.Op == "TopK" && len(n.Out) > 1 && n.Out[1] != 0 {
		g.Values[n.Out[1]].Type = ir.Int64
	}
	out := g.Values[n.Out[0]]
	switch {
	case want == ir.Undefined:
	case out.Type == ir.Undefined:
		out.Type = want
	case out.Type != want:
		return fmt.Errorf("node %q (%s): its result %q is declared as %v, it makes %v", n.Name, n.Op, out.Name, out.Type, want)
	}
	return nil
}
