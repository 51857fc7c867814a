package profile

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/autotailor/autotailor/runtime/nn"
)

// plenty are numbers that stand for trained weights: small and of both signs for matrices, above zero for vectors, which may be variances.
var plenty = sync.OnceValue(func() (p struct{ both, above []byte }) {
	const n = 1 << 23
	both, above := make([]float32, n), make([]float32, n)
	state := uint32(1)
	for i := range both {
		state = state*1664525 + 1013904223 // Numerical Recipes' generator: fast, and good enough for noise
		u := float32(state>>8) / (1 << 24)
		both[i], above[i] = 0.1*u-0.05, 0.5+u
	}
	p.both, p.above = nn.FromFloat32s(nn.Shape{n}, both).Raw, nn.FromFloat32s(nn.Shape{n}, above).Raw
	return p
})

// standIns are weights for a whole network: made up where they are float32, which does not change how long it takes, and the model's where
// they are whole numbers, which may be indices and shapes; without a model they are 0, but for the
// operands of Slice.
func standIns(g *nn.Graph, model nn.Weights) (nn.Weights, error) {
	out := nn.MapWeights{}
	var errs []error
	for _, i := range g.Values {
		if i.Param == nil {
			continue
		}
		name, shape, size := i.Param.Source(), i.Param.Stored().Shape, i.Param.Shape.Count()*i.Type.Bytes()
		switch {
		case i.Type != nn.Float32 && model != nil:
			t, err := model.Tensor(name)
			if err != nil {
				errs = append(errs, fmt.Errorf("weights %q: %w", name, err))
			}
			out[name] = t
		case i.Type != nn.Float32:
			out[name] = nn.Tensor{Type: i.Type, Shape: shape, Raw: make([]byte, size)}
		default:
			source := plenty().both
			if len(shape) < 2 {
				source = plenty().above
			}
			for len(source) < size {
				source = slices.Concat(source, source)
			}
			out[name] = nn.Tensor{Type: i.Type, Shape: shape, Raw: source[:size]}
		}
	}
	if model == nil {
		sliceOperands(g, out)
	}
	return out, errors.Join(errs...)
}
