package kernel

import (
	"strconv"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// constants has up to two attributes of a function of one operand that its kernel takes, and their defaults.
type constants [2]struct {
	name      string
	otherwise float32
}

// unaryAttrs has the constants of the functions of one operand that have any: the attributes that are numbers, in the table's order.
var unaryAttrs = unaryConstants()

func unaryConstants() map[string]constants {
	out := map[string]constants{"HardSwish": {{"", 1.0 / 6}, {"", 0.5}}} // those of its HardSigmoid
	for _, o := range operators.Of(operators.Unary) {
		var c constants
		i := 0
		for _, a := range o.Attributes() {
			if v, err := strconv.ParseFloat(a.Default, 32); err == nil && i < len(c) {
				c[i].name, c[i].otherwise = a.Name, float32(v)
				i++
			}
		}
		if i > 0 {
			out[o.Name] = c
		}
	}
	return out
}

// UnaryOf names the kernel of a function of one operand, with its constants.
func UnaryOf(n *nn.Node) (name string, args [2]float32) {
	for i, c := range unaryAttrs[n.Type] {
		args[i] = n.Float(c.name, c.otherwise)
	}
	if n.Type == "Gelu" && n.Text("approximate", "none") == "tanh" {
		return "GeluTanh", args
	}
	return n.Type, args
}

// LocalResponseOf is the kernel of an LRN.
func LocalResponseOf(n *nn.Node) RowFunc {
	return LocalResponse(int(n.Int("size", 1)), float64(n.Float("alpha", 1e-4)), float64(n.Float("beta", 0.75)), float64(n.Float("bias", 1)))
}

// CumSumOf is the kernel of one.
func CumSumOf(n *nn.Node) RowFunc {
	return CumSum(n.Int("reverse", 0) != 0, n.Int("exclusive", 0) != 0)
}
