package data

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Random are made-up inputs of one network, without targets: floats are normally distributed, indices are in the range of what they pick from, masks
// are ones and zeros. They say little about data that the network was trained with; they are for users who have none.
type Random struct {
	graph    *nn.Graph // of the original
	weights  nn.Weights
	from, to int // numbers of samples
}

var _ Samples = Random{}

// NewRandom returns samples with the numbers from from up to but not including to, for the original network and its SubNets. weights narrow the ranges of
// indices; they may be nil.
func NewRandom(original *nn.Graph, weights nn.Weights, from, to int) Random {
	return Random{original, weights, from, to}
}

// Len implements Samples.
func (r Random) Len() int { return r.to - r.from }

// Slice implements Samples.
func (r Random) Slice(from, to int) Samples {
	from, to = window(from, to, r.Len())
	r.from, r.to = r.from+from, r.from+to
	return r
}

// Digest implements Samples.
func (r Random) Digest() string { return fmt.Sprintf("random-%d-%d", r.from, r.to) }

// String implements Samples.
func (r Random) String() string { return "random inputs, no data" }

// Targets implements Samples: there are none.
func (r Random) Targets([]int) (nn.Tensor, error) { return nn.Tensor{}, nil }

// Inputs implements Samples. A sample is the same one in every batch, unless the batch is fixed. Inputs of another resolution are those of the original,
// resized.
func (r Random) Inputs(of []nn.Info, samples []int) ([]nn.Tensor, error) {
	var parts [][]nn.Tensor
	if FixedBatch(InputsOf(r.graph)) > 0 {
		parts = append(parts, nn.Feed{Weights: r.weights, Seed: uint64(r.from + samples[0])}.Inputs(r.graph))
	} else {
		one := r.graph.Bind(1)
		for _, i := range samples {
			parts = append(parts, nn.Feed{Weights: r.weights, Seed: uint64(r.from + i)}.Inputs(one))
		}
	}
	out := make([]nn.Tensor, len(of))
	for k, want := range of {
		at := slices.IndexFunc(r.graph.Inputs, func(v nn.Value) bool { return r.graph.Values[v].Name == want.Name })
		if at < 0 {
			return nil, fmt.Errorf("the original has no input %q", want.Name)
		}
		var own []nn.Tensor
		for _, p := range parts {
			own = append(own, p[at])
		}
		t, err := resized(joined(r.graph.Values[r.graph.Inputs[at]], own), want, len(samples))
		if err != nil {
			return nil, err
		}
		out[k] = t
	}
	return out, nil
}

// joined puts tensors of one sample each together, along the open axis. An input without one is the first one's.
func joined(info nn.Info, list []nn.Tensor) nn.Tensor {
	axis := slices.IndexFunc(info.Shape, func(d int) bool { return d < 0 })
	if axis < 0 || len(list) == 1 {
		return list[0]
	}
	shape := slices.Clone(list[0].Shape)
	outer := nn.Shape(shape[:axis]).Count()
	each := len(list[0].Raw) / max(outer, 1)
	var raw bytes.Buffer
	for o := range outer {
		for _, t := range list {
			raw.Write(t.Raw[o*each : (o+1)*each])
		}
	}
	shape[axis] *= len(list)
	return nn.Tensor{Type: list[0].Type, Shape: shape, Raw: raw.Bytes()}
}

// resized makes an input of the shape that a network wants.
func resized(t nn.Tensor, want nn.Info, n int) (nn.Tensor, error) {
	shape := slices.Clone(want.Shape)
	for k, d := range shape {
		if d < 0 {
			shape[k] = -d * n
		}
	}
	switch s := t.Shape; {
	case slices.Equal(s, shape):
		return t, nil
	case len(s) == 4 && len(shape) == 4 && slices.Equal(s[:2], shape[:2]) && shape[2] == shape[3] && t.Type == nn.Float32:
		return Resized(t, shape[2]), nil
	}
	return nn.Tensor{}, fmt.Errorf("input %q is %v in the original and %v here: only square maps are resized", want.Name, t.Shape, shape)
}
