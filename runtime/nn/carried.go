package nn

import (
	"slices"

	"github.com/autotailor/autotailor/internal/onnx"
)

// Yields returns o with the shapes of its results.
func (o Op) Yields(shapes ...Shape) Op {
	o.Shapes = shapes
	return o
}

// Op records an operator as it stands. Its results have the shapes that o tells, else those of a rule below,
// else that of the first operand.
func (t *Tape) Op(o Op, xs ...Value) []Value {
	n := max(o.Outputs, 1)
	if o.Type == "Constant" && o.Domain == "" && len(xs) == 0 {
		if c, ok := onnx.Constant(o.Attrs); ok && c.Type != onnx.String && t.err == nil {
			return []Value{t.constant(o.Name, tensorOf(c))}
		}
	}
	for _, x := range xs {
		if x != None && !t.ok(o.Name, x) {
			return make([]Value, n)
		}
	}
	if t.err != nil {
		return make([]Value, n)
	}
	shapes := o.Shapes
	if len(shapes) > 0 && len(shapes) < n {
		t.fail(o.Name, "%s has %d results and shapes of %d", o.Type, n, len(shapes))
		return make([]Value, n)
	}
	if len(shapes) == 0 {
		var ok bool
		if shapes, ok = t.carriedShapes(o, xs, n); !ok {
			t.fail(o.Name, "operands of %s do not fit each other", o.Type)
			return make([]Value, n)
		}
	}
	return t.several(Node{Type: o.Type, Domain: o.Domain, Name: o.Name, Attrs: t.follow(o, xs, shapes), In: slices.Clone(xs), MACs: o.MACs}, shapes, o.Types)
}

// carriedShapes broadcasts the operands that have a shape, which is right for element-wise operators.
func (t *Tape) carriedShapes(o Op, xs []Value, n int) ([]Shape, bool) {
	var s Shape
	for k, x := range xs {
		if x == None {
			continue
		}
		b, ok := Broadcast(s, t.shape(x))
		if !ok && !broadcasts[o.Type] {
			b, ok = s, true
		}
		if k == 0 || broadcasts[o.Type] {
			s = b
		}
		if !ok {
			return nil, false
		}
	}
	return slices.Repeat([]Shape{s}, n), true
}

// broadcasts lists element-wise operators of several operands.
var broadcasts = map[string]bool{
	"Max": true, "Min": true, "Sum": true, "Mean": true, "Pow": true, "PRelu": true, "Where": true, "Equal": true, "Less": true,
	"Greater": true, "And": true, "Or": true, "Xor": true, "Mod": true,
}
