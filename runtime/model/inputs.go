package model

import (
	"math/rand/v2"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// inputs draws what a network, whose batch is bound, is run on: numbers around zero, and integers that its tables have.
func inputs(g *nn.Graph) []nn.Tensor {
	rng := rand.New(rand.NewPCG(3, 4))
	out := make([]nn.Tensor, len(g.Inputs))
	for k, v := range g.Inputs {
		info := &g.Values[v]
		n := info.Shape.Count()
		if info.Type == nn.Float32 || info.Type == 0 {
			data := make([]float32, n)
			for i := range data {
				data[i] = float32(rng.NormFloat64())
			}
			out[k] = nn.FromFloat32s(info.Shape, data)
			continue
		}
		size := info.Type.Bytes()
		out[k] = nn.Tensor{Type: info.Type, Shape: info.Shape, Raw: make([]byte, n*size)}
		below := limit(g, v)
		for i := range n {
			d := rng.IntN(below)
			for b := 0; b < min(size, 4) && d > 0; b++ {
				out[k].Raw[i*size+b] = byte(d)
				d >>= 8
			}
		}
	}
	return out
}

// passing are operators through which an index stays what it is.
var passing = []string{"Identity", "Cast", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Transpose", "Concat", "Expand", "Slice", "Split"}

// limit is the number below which the integers of an input must be: the smallest extent that they index, 2 where they index nothing.
func limit(g *nn.Graph, input nn.Value) int {
	indices := map[nn.Value]bool{input: true}
	least := 0
	for i := range g.Nodes {
		n := &g.Nodes[i]
		switch {
		case len(n.In) > 1 && indices[n.In[1]] && (n.Type == "Gather" || n.Type == "GatherElements"):
			s := g.Values[n.In[0]].Shape
			axis := int(n.Int("axis", 0))
			if axis < 0 {
				axis += len(s)
			}
			if axis < len(s) && (least == 0 || s[axis] < least) {
				least = s[axis]
			}
		case slices.Contains(passing, n.Type) && slices.ContainsFunc(n.In, func(v nn.Value) bool { return indices[v] }):
			for _, v := range n.Out {
				indices[v] = true
			}
		}
	}
	if least == 0 {
		return 2
	}
	return least
}
