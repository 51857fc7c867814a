package nn

import (
	"slices"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/operators"
)

// Yields returns o with the shapes of its results.
func (o Op) Yields(shapes ...Shape) Op {
	o.Shapes = shapes
	return o
}

// Op records an operator as it is. Its results have the shapes that o states, or else those of a rule below, or else the shape of the first operand.
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

// carriedShapes returns a shape for each of n results. It is the shape to which all operands broadcast if the operator is element-wise, or else the shape of the first
// operand.
func (t *Tape) carriedShapes(o Op, xs []Value, n int) ([]Shape, bool) {
	row, _ := operators.Lookup(o.Domain, o.Type)
	var s Shape
	for k, x := range xs {
		switch {
		case x == None:
		case k == 0:
			s = t.shape(x)
		case row.Class == operators.Broadcast:
			b, ok := Broadcast(s, t.shape(x))
			if !ok {
				return nil, false
			}
			s = b
		}
	}
	return slices.Repeat([]Shape{s}, n), true
}
