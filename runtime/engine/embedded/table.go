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
var lowerings = withShared(map[string]lowering{
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
})

func withShared(own map[string]lowering) map[string]lowering {
	for name, shared := range autodiff.SharedOperators() {
		if _, ok := own[name]; !ok {
			own[name] = func(c *compiler, n node) error { return shared.Lower(c.Plan, n) }
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
