package embedded

import (
	"encoding/binary"
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine"
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
	return nn.Tensor{}, fmt.Errorf("operand %q must be a constant", info.Name)
}

// isConstant tells whether v is known when compiling.
func (c *compiler) isConstant(v nn.Value) bool {
	info := &c.graph.Values[v]
	return info.Const != nil || info.Param != nil
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
	if len(data) != size(t.Shape) {
		return nil, nil, fmt.Errorf("operand %q has %d elements, its shape %v wants %d", c.graph.Values[v].Name, len(data), t.Shape, size(t.Shape))
	}
	return data, t.Shape, nil
}

// optional returns the elements of operand i, nil where it is absent.
func (c *compiler) optional(n node, i int) ([]float32, error) {
	if !n.has(i) {
		return nil, nil
	}
	data, _, err := c.floats(n.In[i])
	return data, err
}

// integers returns an integer list that is an attribute in some opsets and a constant operand in others; nil where absent.
func (c *compiler) integers(n node, attr string, operand int) ([]int, error) {
	if a, ok := n.Attr(attr); ok {
		if a.Kind == nn.AttrInt {
			return []int{nn.Nearest(a.Int)}, nil
		}
		return ints(a.Ints), nil
	}
	if !n.has(operand) {
		return nil, nil
	}
	t, err := c.tensor(n.In[operand])
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
		return nil, fmt.Errorf("operand %q has element type %d, not an integer one", c.graph.Values[n.In[operand]].Name, t.Type)
	}
	return list, nil
}

func ints(s []int64) []int {
	to := make([]int, len(s))
	for i, v := range s {
		to[i] = nn.Nearest(v)
	}
	return to
}

// node is a node of the graph and its index.
type node struct {
	*nn.Node
	index int
}

func (n node) integer(name string, otherwise int) int {
	return nn.Nearest(n.Int(name, int64(otherwise)))
}

// has tells whether operand i is given.
func (n node) has(i int) bool { return i < len(n.In) && n.In[i] != nn.None }

// axis returns an axis attribute as a non-negative number.
func (n node) axis(otherwise, rank int) int { return wrap(n.integer("axis", otherwise), rank) }

func wrap(axis, rank int) int {
	if axis < 0 {
		return axis + rank
	}
	return axis
}
