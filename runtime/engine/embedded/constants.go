package embedded

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/nn"
)

// tensor returns the value of a parameter or constant.
func (c *compiler) tensor(v nn.Value) (nn.Tensor, error) {
	info := &c.graph.Values[v]
	switch {
	case info.Const != nil:
		return *info.Const, nil
	case info.Param != nil:
		return nn.Fetch(c.weights, *info.Param)
	}
	if data := c.computed(v); data != nil {
		return nn.FromFloat32s(info.Shape, data), nil
	}
	return nn.Tensor{}, fmt.Errorf("operand %q must be a constant", info.Name)
}

// computed returns the elements of a value that was computed from constants while the plan was made, nil for others.
func (c *compiler) computed(v nn.Value) []float32 {
	for _, s := range c.Slots[v] {
		if slices.Equal(s.Order, autodiff.Plain(len(s.Order))) {
			return c.buffers[s.Tensor].fixed
		}
	}
	return nil
}

// floats returns a constant's elements, and its shape.
func (c *compiler) floats(v nn.Value) ([]float32, nn.Shape, error) {
	t, err := c.tensor(v)
	if err != nil {
		return nil, nil, err
	}
	data, err := engine.Floats(t)
	if err != nil {
		return nil, nil, fmt.Errorf("operand %q: %w", c.graph.Values[v].Name, err)
	}
	if len(data) != t.Shape.Count() {
		return nil, nil, fmt.Errorf("operand %q has %d elements, its shape %v wants %d", c.graph.Values[v].Name, len(data), t.Shape, t.Shape.Count())
	}
	return data, t.Shape, nil
}

// IntegersOf implements autodiff.Engine.
func (c *compiler) IntegersOf(v nn.Value) ([]int, error) {
	t, err := c.tensor(v)
	if err != nil {
		return nil, err
	}
	var list []int
	switch t.Type {
	case nn.Int64:
		for raw := t.Raw; len(raw) >= 8; raw = raw[8:] {
			list = append(list, nn.Nearest(int64(binary.LittleEndian.Uint64(raw))))
		}
	case nn.Int32:
		for raw := t.Raw; len(raw) >= 4; raw = raw[4:] {
			list = append(list, int(int32(binary.LittleEndian.Uint32(raw))))
		}
	default:
		return nil, fmt.Errorf("operand %q has element type %d, not an integer one", c.graph.Values[v].Name, t.Type)
	}
	return list, nil
}

// FloatsOf implements autodiff.Engine.
func (c *compiler) FloatsOf(v nn.Value) ([]float32, error) {
	data, _, err := c.floats(v)
	return data, err
}

// node is a node of the graph and its index.
type node = autodiff.Node
