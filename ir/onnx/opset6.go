package onnx

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// gone lists attributes that opset 7 dropped: they ask for what is done anyway, inference and broadcasting from the last axis on.
var gone = []string{"broadcast", "is_test", "consumed_inputs"}

// broadcasting lists operators that had an attribute axis for the second operand's first axis.
var broadcasting = []string{"Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less"}

// opset6 brings a node of opset 6 to the form of opset 7.
func (d *decoder) opset6(n *ir.Node) {
	if _, ok := n.Attr("axis"); ok && slices.Contains(broadcasting, n.Op) {
		d.errorf("node %q (%s) broadcasts from an axis on, as before opset 7; convert the model to opset 7 or newer (onnx.version_converter)", n.Name, n.Op)
	}
	n.Attrs = slices.DeleteFunc(n.Attrs, func(a ir.Attr) bool { return slices.Contains(gone, a.Name) })
}
