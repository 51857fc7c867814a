package data

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Source are images as inputs of SubNets of any resolution, and their classes as targets. It is a nn.Source, and its images are Samples.
type Source struct {
	Transform Transform
	Set       *Set
	Batch     int // images in a batch where the network leaves that open; 0 means 100. It matters to Batches only
}

var _ Samples = Source{}

// Batches implements nn.Source for networks whose one input is batch x channels x side x side.
func (s Source) Batches(inputs []nn.Info) nn.Inputs { return Stream{s, s.Batch}.Batches(inputs) }

// side returns the side of an image, or why the images are no input of the network.
func (s Source) side(inputs []nn.Info) (int, error) {
	if len(inputs) != 1 {
		return 0, fmt.Errorf("the network has %d inputs; images are one", len(inputs))
	}
	in := inputs[0]
	if k := in.Shape; len(k) != 4 || k[2] != k[3] || k[2] < 1 || k[1] != s.Set.Channels || in.Type != nn.Float32 {
		return 0, fmt.Errorf("input %q has shape %v; the images have %d channels, they are batch x channels x side x side of float32", in.Name, in.Shape, s.Set.Channels)
	}
	return in.Shape[2], nil
}

// Len implements Samples.
func (s Source) Len() int {
	if s.Set == nil {
		return 0
	}
	return s.Set.N
}

// Slice implements Samples.
func (s Source) Slice(from, to int) Samples {
	s.Set = s.Set.Slice(from, to)
	return s
}

// Digest implements Samples.
func (s Source) Digest() string { return s.Set.Digest() }

// String implements Samples: it says how images become input.
func (s Source) String() string { return s.Transform.String() }

// Skipped are the pictures that were left out since they are broken, each with the reason.
func (s Source) Skipped() []error { return s.Set.Skipped }

// ClassNames returns the names of classes, none where they have no names.
func (s Source) ClassNames() []string { return s.Set.Classes }

// Inputs implements Samples.
func (s Source) Inputs(of []nn.Info, samples []int) ([]nn.Tensor, error) {
	side, err := s.side(of)
	if err != nil {
		return nil, err
	}
	x, err := s.Transform.pick(s.Set, samples, side)
	return []nn.Tensor{x}, err
}

// Targets implements Samples: classes.
func (s Source) Targets(samples []int) (nn.Tensor, error) {
	if s.Set.Labels == nil {
		return nn.Tensor{}, nil
	}
	out := make([]int64, len(samples))
	for k, i := range samples {
		if i < 0 || i >= len(s.Set.Labels) {
			return nn.Tensor{}, fmt.Errorf("there is no image %d of %d", i, len(s.Set.Labels))
		}
		out[k] = int64(s.Set.Labels[i])
	}
	return nn.FromInt64s(nn.Shape{len(samples)}, out), nil
}
