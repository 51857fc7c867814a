package profile

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"

	"github.com/autotailor/autotailor/runtime/nn"
)

// noise stands for the weights of isolated operators.
type noise struct{}

func (noise) Tensor(name string) (nn.Tensor, error) {
	return nn.Tensor{}, nn.NoTensorError(fmt.Sprintf("internal error: no shape is known for weights %q", name))
}

// weightsOf is w, or random tensors of the shapes in g where w is noise.
func weightsOf(g *nn.Graph, w nn.Weights) nn.Weights {
	if _, ok := w.(noise); !ok {
		return w
	}
	out := nn.MapWeights{}
	for _, i := range g.Values {
		if i.Param != nil {
			out[i.Param.Source()] = positive(random(i.Name, i.Type, i.Param.Shape))
		}
	}
	return out
}

// positive keeps the elements of weights above zero, for those that are variances, and small, so that sums stay in range.
func positive(t nn.Tensor) nn.Tensor {
	if t.Type != nn.Float32 {
		return t
	}
	v := t.Float32s()
	for i := range v {
		v[i] = 0.01 + 0.04*(v[i]+1)
	}
	return nn.FromFloat32s(t.Shape, v)
}

// random makes a tensor of values between -1 and 1 that depend on the name; integers are 0, which every index may be.
func random(name string, t nn.DType, s nn.Shape) nn.Tensor {
	if t != nn.Float32 {
		return nn.Tensor{Type: t, Shape: s, Raw: make([]byte, s.Count()*t.Bytes())}
	}
	h := fnv.New64a()
	h.Write([]byte(name))
	rng := rand.New(rand.NewPCG(h.Sum64(), 1))
	v := make([]float32, s.Count())
	for i := range v {
		v[i] = 2*rng.Float32() - 1
	}
	return nn.FromFloat32s(s, v)
}
