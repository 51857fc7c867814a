package embedded

import (
	"fmt"
	"math"

	"github.com/autotailor/autotailor/runtime/nn"
)

// cellFunction is an activation of a recurrent layer: a function of a number, with up to two constants.
type cellFunction struct {
	apply  func(v, alpha, beta float64) float64
	takes  int // constants that the node may give, the first ones
	preset [2]float64
}

// cellFunctions are those that ONNX has for recurrent layers.
var cellFunctions = map[string]cellFunction{
	"Relu":     {apply: func(v, _, _ float64) float64 { return max(v, 0) }},
	"Tanh":     {apply: func(v, _, _ float64) float64 { return math.Tanh(v) }},
	"Sigmoid":  {apply: func(v, _, _ float64) float64 { return 1 / (1 + math.Exp(-v)) }},
	"Softsign": {apply: func(v, _, _ float64) float64 { return v / (1 + math.Abs(v)) }},
	"Softplus": {apply: func(v, _, _ float64) float64 { return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) }},
	"Affine":   {func(v, a, b float64) float64 { return a*v + b }, 2, [2]float64{1, 0}},
	"LeakyRelu": {func(v, a, _ float64) float64 {
		if v < 0 {
			return a * v
		}
		return v
	}, 1, [2]float64{0.01}},
	"ThresholdedRelu": {func(v, a, _ float64) float64 {
		if v > a {
			return v
		}
		return 0
	}, 1, [2]float64{1}},
	"ScaledTanh":  {func(v, a, b float64) float64 { return a * math.Tanh(b*v) }, 2, [2]float64{1, 1}},
	"HardSigmoid": {func(v, a, b float64) float64 { return max(0, min(1, a*v+b)) }, 2, [2]float64{0.2, 0.5}},
	"Elu": {func(v, a, _ float64) float64 {
		if v < 0 {
			return a * math.Expm1(v)
		}
		return v
	}, 1, [2]float64{1}},
}

// activationsOf returns the activations of each direction. The node names them one direction after the other; its constants go to those that take
// any, in order.
func activationsOf(n node, usual []string, directions int) ([][]func(float32) float32, error) {
	names := textsOf(n, "activations")
	if len(names) == 0 {
		for range directions {
			names = append(names, usual...)
		}
	}
	if len(names) != len(usual)*directions {
		return nil, fmt.Errorf("it has %d activations, want %d for each of %d directions", len(names), len(usual), directions)
	}
	alphas, betas := floatsOf(n, "activation_alpha"), floatsOf(n, "activation_beta")
	take := func(list *[]float32, preset float64, wanted bool) float64 {
		if !wanted || len(*list) == 0 {
			return preset
		}
		v := (*list)[0]
		*list = (*list)[1:]
		return float64(v)
	}
	out := make([][]func(float32) float32, directions)
	for k, name := range names {
		f, ok := cellFunctions[name]
		if !ok {
			return nil, fmt.Errorf("the embedded engine has no activation %.40q", name)
		}
		a, b := take(&alphas, f.preset[0], f.takes > 0), take(&betas, f.preset[1], f.takes > 1)
		d := k / len(usual)
		out[d] = append(out[d], func(v float32) float32 { return float32(f.apply(float64(v), a, b)) })
	}
	return out, nil
}

func textsOf(n node, name string) []string {
	a, _ := n.Attr(name)
	if a.Kind == nn.AttrString {
		return []string{a.String}
	}
	return a.Strings
}

func floatsOf(n node, name string) []float32 {
	a, _ := n.Attr(name)
	if a.Kind == nn.AttrFloat {
		return []float32{a.Float}
	}
	return a.Floats
}
