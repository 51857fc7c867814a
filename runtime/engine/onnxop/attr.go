package onnxop

import (
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
		args[i] = n.Float(c.name, c.otherwise)
	}
	if n.Type == "Gelu" && n.Text("approximate", "none") == "tanh" {
		return "GeluTanh", args
	}
	return n.Type, args
}

// LocalResponse is the kernel of an LRN.
func LocalResponse(n *nn.Node) kernel.RowFunc {
	return kernel.LocalResponse(int(n.Int("size", 1)), float64(n.Float("alpha", 1e-4)), float64(n.Float("beta", 0.75)), float64(n.Float("bias", 1)))
}

// CumSum is the kernel of one.
func CumSum(n *nn.Node) kernel.RowFunc {
	return kernel.CumSum(n.Int("reverse", 0) != 0, n.Int("exclusive", 0) != 0)
}
