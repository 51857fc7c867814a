package onnxop

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// constants are the attributes of functions of one operand that their kernels take, and their defaults.
var constants = map[string][2]struct {
	name      string
	otherwise float32
}{
	"LeakyRelu":   {{"alpha", 0.01}},
	"Elu":         {{"alpha", 1}},
	"HardSigmoid": {{"alpha", 0.2}, {"beta", 0.5}},
	"HardSwish":   {{"", 1.0 / 6}, {"", 0.5}},
	"Swish":       {{"alpha", 1}},
	"Selu":        {{"alpha", 1.67326319217681884765625}, {"gamma", 1.05070102214813232421875}},
	"Celu":        {{"alpha", 1}},

	"ThresholdedRelu": {{"alpha", 1}},
}

// Unary names the kernel of a function of one operand, with its constants.
func Unary(n *nn.Node) (name string, args [2]float32) {
	for i, c := range constants[n.Type] {
		args[i] = number(n, c.name, c.otherwise)
	}
	if n.Type == "Gelu" && text(n, "approximate", "none") == "tanh" {
		return "GeluTanh", args
	}
	return n.Type, args
}

// LocalResponse is the kernel of an LRN.
func LocalResponse(n *nn.Node) kernel.RowFunc {
	return kernel.LocalResponse(int(n.Int("size", 1)), float64(number(n, "alpha", 1e-4)), float64(number(n, "beta", 0.75)), float64(number(n, "bias", 1)))
}

// CumSum is the kernel of one.
func CumSum(n *nn.Node) kernel.RowFunc {
	return kernel.CumSum(n.Int("reverse", 0) != 0, n.Int("exclusive", 0) != 0)
}

// number returns a float attribute, otherwise where it is absent.
func number(n *nn.Node, name string, otherwise float32) float32 {
	if a, ok := n.Attr(name); ok {
		return a.Float
	}
	return otherwise
}

// text returns a string attribute, otherwise where it is absent or empty.
func text(n *nn.Node, name, otherwise string) string {
	if a, _ := n.Attr(name); a.String != "" {
		return a.String
	}
	return otherwise
}

// list returns an integer list of a length, filled with otherwise where it is absent.
func list(n *nn.Node, name string, length, otherwise int) []int {
	out := slices.Repeat([]int{otherwise}, length)
	if given := n.Ints(name); len(given) == length {
		for i, v := range given {
			out[i] = int(v)
		}
	}
	return out
}
