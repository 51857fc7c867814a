package kernel

import (
	"cmp"

	"github.com/autotailor/autotailor/runtime/nn"
)

// BinaryName names the kernel of a function of two operands whose elements have a type.
func BinaryName(n *nn.Node, as nn.DType) string {
	integers := !cmp.Or(as, nn.Float32).Fractional()
	switch {
	case n.Type == "Sum":
		return "Add"
	case n.Type == "Div" && integers:
		return "Quotient"
	case n.Type == "Mod" && n.Int("fmod", 0) == 0:
		return "FloorMod"
	case n.Type == "BitShift" && n.Text("direction", "") == "LEFT":
		return "ShiftLeft"
	case n.Type == "BitShift":
		return "ShiftRight"
	}
	return n.Type
}

// HasBinary tells whether an operator is a function of two operands that there is a kernel of.
func HasBinary(op string) bool {
	_, ok := BinaryOf(BinaryName(&nn.Node{Type: op}, nn.Float32))
	return ok
}
