package embedded

import (
	"maps"
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

	"MaxPool": lowerMaxPool, "AveragePool": lowerAveragePool,
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

// Operators lists the operator types that the engine has, sorted; those of other domains than ONNX's behind their domain.
func Operators() []string {
	return slices.Sorted(maps.Keys(known))
}

// known are the operators that the engine has, also those that it takes apart.
var known = func() map[string]bool {
	all := map[string]bool{"If": true, "Loop": true}
	for name := range lowerings {
		all[name] = true
	}
	for name := range quantisedOps {
		all[name] = true
	}
	return all
}()

// Missing implements engine.Limited. Operators that only compute the sizes which others have are not needed.
func (e *Engine) Missing(g *nn.Graph) []string {
	var names []string
	idle := g.Idle()
	for i, n := range g.Nodes {
		if idle[i] {
			continue
		}
		if name := operators.Qualified(n.Domain, n.Type); !known[name] {
			names = append(names, name)
		}
		names = append(names, lacksInside(&n)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
