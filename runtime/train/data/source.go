package data

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Source are images as inputs of SubNets of any resolution: a nn.Source.
type Source struct {
	Transform Transform
	Set       *Set
	Batch     int // images in a batch where the network leaves that open; 0 means 100
}

// Batches implements nn.Source for networks whose one input is batch x channels x side x side.
func (s Source) Batches(inputs []nn.Info) nn.Inputs {
	batch, side, err := s.fit(inputs)
	if err != nil {
		return func(yield func([]nn.Tensor, error) bool) { yield(nil, err) }
	}
	return s.Transform.Batches(s.Set, batch, side)
}

// fit returns the size of a batch and the side of an image, or why the images are no input of the network.
func (s Source) fit(inputs []nn.Info) (batch, side int, err error) {
	if len(inputs) != 1 {
		return 0, 0, fmt.Errorf("the network has %d inputs; images are one", len(inputs))
	}
	in := inputs[0]
	if k := in.Shape; len(k) != 4 || k[2] != k[3] || k[2] < 1 || k[1] != s.Set.Channels || in.Type != nn.Float32 {
		return 0, 0, fmt.Errorf("input %q has shape %v; the images are batch x %d x side x side of float32", in.Name, in.Shape, s.Set.Channels)
	}
	if batch = in.Shape[0]; batch < 1 {
		batch = s.Batch
		if batch < 1 {
			batch = 100
		}
	}
	if in.Shape[0] > 0 && s.Set.N%batch != 0 {
		return 0, 0, fmt.Errorf("input %q has a batch of %d, which does not divide %d images: take %d", in.Name, batch, s.Set.N, max(batch, s.Set.N-s.Set.N%batch))
	}
	return batch, in.Shape[2], nil
}
