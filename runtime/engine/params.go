package engine

import (
	"encoding/binary"
	"fmt"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Weights are the values of p, for networks that only run.
func (p Params) Weights() nn.Weights { return values(p) }

// Of returns the tensor that a parameter is a part of, nil when p has none: by its own name, else by that of the initializer that stores it.
func (p Params) Of(param *nn.Param) *Trainable {
	if t := p[param.Name]; t != nil {
		return t
	}
	return p[param.Source()]
}

// Positions tells which elements of the stored tensor the elements of a parameter are, in order. The parameter is a plain part: neither
// interpolated nor transformed.
func (p Params) Positions(param nn.Param) ([]uint32, error) {
	t, err := nn.Fetch(positions(p), param)
	if err != nil {
		return nil, err
	}
	out := make([]uint32, len(t.Raw)/4)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(t.Raw[4*i:])
	}
	return out, nil
}

type values Params

// Tensor implements nn.Weights.
func (v values) Tensor(name string) (nn.Tensor, error) {
	t := v[name]
	if t == nil {
		return nn.Tensor{}, missing(name)
	}
	return nn.Viewed(t.Shape, t.Value), nil
}

func missing(name string) error {
	return nn.NoTensorError(fmt.Sprintf("there is no parameter %q", name))
}

// positions are tensors in which every element is its own position.
type positions Params

// Tensor implements nn.Weights.
func (v positions) Tensor(name string) (nn.Tensor, error) {
	t := v[name]
	if t == nil {
		return nn.Tensor{}, missing(name)
	}
	out := nn.Tensor{Type: nn.Int32, Shape: t.Shape, Raw: make([]byte, 0, 4*len(t.Value))}
	for i := range t.Value {
		out.Raw = binary.LittleEndian.AppendUint32(out.Raw, uint32(i))
	}
	return out, nil
}
