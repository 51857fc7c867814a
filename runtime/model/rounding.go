package model

import (
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// Some networks make much of little: a sine of thirty times a sum of sines (SIREN), recurrences over many steps. Two ways to compute them differ by more
// than results may, and neither is wrong.

// nudged are weights with the last bit of every number turned. Zeros and infinities are no weights but masks.
type nudged struct{ nn.Weights }

// Tensor returns a tensor of the file, hardly changed.
func (w nudged) Tensor(name string) (nn.Tensor, error) {
	t, err := w.Weights.Tensor(name)
	if err != nil || t.Type != nn.Float32 || t.Shape.Count() < FewestWeights {
		return t, err
	}
	numbers := slices.Clone(t.Float32s())
	for i, v := range numbers {
		if v != 0 && !math.IsInf(float64(v), 0) {
			numbers[i] = math.Float32frombits(math.Float32bits(v) ^ 1)
		}
	}
	return nn.FromFloat32s(t.Shape, numbers), nil
}

// roundingMoves is how many times as far as the reference moves by the last bits of its weights a SubNet may be from it.
const roundingMoves = 8

// rounds tells whether the last bits of the weights move the reference about as far as the SubNet is from it: then the distance says nothing.
func (p *Prover) rounds(g space.Genes, sub *nn.Graph, got, in, want []nn.Tensor, bypass map[string]string) bool {
	moved, err := p.referenceOf(nudged{p.weights}, g, sub, in, bypass)
	if err != nil || len(moved) != len(want) {
		return false
	}
	far, rounding := excess(got, want), excess(moved, want)
	return !math.IsInf(far, 1) && !math.IsInf(rounding, 1) && far <= roundingMoves*rounding
}

// excess is how far results are from those that are wanted, in units of what they may be; infinite where they are of another shape or no numbers.
func excess(got, want []nn.Tensor) float64 {
	far := 0.0
	for k := range want {
		if !slices.Equal(got[k].Shape, want[k].Shape) || got[k].Type != want[k].Type {
			return math.Inf(1)
		}
		all, element := distance(got[k], want[k])
		far = max(far, all/maxDistance, element/maxElement)
	}
	return far
}
