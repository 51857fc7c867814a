package autodiff

import (
	"slices"
)

// maker adds the step of one node to a plan.
type maker func(p *plan, n Node) error

// operator is one ONNX operator type.
type operator struct {
	operands int // at least
	make     maker
}

// makers says how each ONNX operator type is computed and differentiated: those of its own here, all others as SharedOperators has them. Each has a
// case in the gradient test.
var makers = withShared(map[string]operator{
	"Conv":               {2, makeConv},
	"ConvTranspose":      {2, makeConvTranspose},
	"Gemm":               {2, makeGemm},
	"MatMul":             {2, makeMatMul},
	"BatchNormalization": {5, makeBatchNorm},

	"InstanceNormalization": {3, makeInstanceNorm},

	"Add": {1, makeAdd},
	"Sum": {1, makeAdd},
})

func withShared(own map[string]operator) map[string]operator {
	for name, shared := range SharedOperators() {
		if _, ok := own[name]; !ok {
			own[name] = operator{shared.Operands, func(p *plan, n Node) error { return shared.Lower(p.Plan, n) }}
		}
	}
	return own
}

// Operators lists the ONNX operator types that can be trained, sorted.
func Operators() []string {
	var names []string
	for name := range makers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
