package graphfile

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Weights are the parameters of a network that was read: integers as they were sent, floats made up from their names. It is
// safe for concurrent use.
type Weights struct {
	g     *nn.Graph
	known map[string]nn.Tensor
}

// Tensor returns the parameter called name.
func (w *Weights) Tensor(name string) (nn.Tensor, error) {
	if t, ok := w.known[name]; ok {
		return t, nil
	}
	for i := range w.g.Values {
		if v := &w.g.Values[i]; v.Param != nil && v.Name == name {
			return made(name, v.Shape), nil
		}
	}
	return nn.Tensor{}, nn.NoTensorError(fmt.Sprintf("the network has no parameter %q", name))
}

// made returns values of a scale that keeps what comes out of deep networks in range (K. He et al., Delving deep into
// rectifiers, 2015): of a matrix uniform with a variance of 2 over its inputs, else positive, for scales and variances.
func made(name string, s nn.Shape) nn.Tensor {
	if len(s) < 2 {
		return uniform(name, s, 0.75, 1.25)
	}
	bound := float32(math.Sqrt(6 / float64(max(1, fanIn(s)))))
	return uniform(name, s, -bound, bound)
}

// uniform returns values between two bounds that depend on the name.
func uniform(name string, s nn.Shape, low, high float32) nn.Tensor {
	h := fnv.New64a()
	h.Write([]byte(name))
	rng := rand.New(rand.NewPCG(h.Sum64(), 2))
	v := make([]float32, s.Count())
	for i := range v {
		v[i] = low + (high-low)*rng.Float32()
	}
	return nn.FromFloat32s(s, v)
}

// fanIn is the number of products in a sum: of a matrix [in, out] the first extent, of filters [out, in, ...] what follows it.
func fanIn(s nn.Shape) int {
	if len(s) == 2 {
		return s[0]
	}
	return s[1:].Count()
}
