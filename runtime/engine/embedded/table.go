package embedded

import (
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/nn"
)

// lowering turns one node into steps.
type lowering func(c *compiler, n node) error

// lowerings says how each ONNX operator type is computed: those of its own here, all others as package autodiff has them.
var lowerings = withDefinitions(withShared(map[string]lowering{
	"Conv":               lowerConv,
	"ConvTranspose":      lowerConvTranspose,
	"Gemm":               lowerGemm,
	"MatMul":             lowerMatMul,
	"BatchNormalization": lowerBatchNorm,
	"Add":                lowerAdd,

	"InstanceNormalization": lowerInstanceNorm,

	"LSTM": lowerRecurrent,
	"GRU":  lowerRecurrent,
	"RNN":  lowerRecurrent,

	"QuantizeLinear":   lowerQuantize,
	"DequantizeLinear": lowerDequantize,

	"MaxPool": lowerMaxPool,
}))

// alike are the operators that inference and training compute in the same way.
var alike = func() map[string]lowering {
	table := map[string]lowering{}
	for name, o := range autodiff.SharedOperators() {
		table[name] = func(c *compiler, n node) error { return o.Lower(c.Plan, n) }
	}
	return table
}()

func withShared(own map[string]lowering) map[string]lowering {
	for name, lower := range alike {
		if _, ok := own[name]; !ok {
			own[name] = lower
		}
	}
	return own
}

// Operators lists the ONNX operator types that the engine has, sorted.
func Operators() []string {
	var names []string
	for name := range lowerings {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Missing implements engine.Limited. Operators that only compute the sizes which others have are not needed.
func (e *Engine) Missing(g *nn.Graph) []string {
	var names []string
	idle := g.Idle()
	for i := range g.Nodes {
		n := &g.Nodes[i]
		_, ok := lowerings[n.Type]
		if name := operators.Qualified(n.Domain, n.Type); !idle[i] && (!ok || n.Domain != "" && n.Domain != "ai.onnx") && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
