package model

import (
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// Some networks amplify rounding: a sine of thirty times a sum of sines (SIREN), or recurrences over many steps. Two correct ways to compute them may differ by
// more than the tolerance of results.

// nudged are weights with the last bit of every number flipped. Zeros and infinities stay, because they are masks.
type nudged struct{ nn.Weights }

// Tensor returns a tensor of the file with last bits flipped.
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

// roundingMoves bounds a SubNet's distance from the reference, as a multiple of the reference's own change when the last bits of its weights flip.
const roundingMoves = 8

// rounds tells whether flipping the last bits of the weights changes the reference by about the SubNet's distance from it. Then the distance says nothing.
func (p *Prover) rounds(g space.Genes, sub *nn.Graph, got, in, want []nn.Tensor, bypass map[string]string) bool {
	moved, err := p.referenceOf(nudged{p.weights}, g, sub, in, bypass)
	if err != nil || len(moved) != len(want) {
		return false
	}
	far, rounding := excess(got, want), excess(moved, want)
	return !math.IsInf(far, 1) && !math.IsInf(rounding, 1) && far <= roundingMoves*rounding
}

// excess is the distance of results from those that are wanted, in units of the tolerance. It is infinite if shapes differ or elements are NaN.
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
