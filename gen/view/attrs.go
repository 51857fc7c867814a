package view

import (
	"fmt"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/runtime/nn"
)

// attr converts an attribute of the graph.
func attr(a ir.Attr) (nn.Attr, error) {
	out := nn.Attr{
		Name: a.Name, Kind: nn.AttrKind(a.Kind), Int: a.Int, Float: a.Float, String: a.String,
		Ints: a.Ints, Floats: a.Floats, Strings: a.Strings,
	}
	switch {
	case a.Tensor != nil:
		c, err := constantAttr(a.Tensor)
		if err != nil {
			return nn.Attr{}, fmt.Errorf("attribute %s: %w", a.Name, err)
		}
		c.Name = a.Name
		return c, nil
	case a.Raw != nil:
		return nn.Attr{}, fmt.Errorf("attribute %s holds a graph, which generated code cannot carry", a.Name)
	}
	return out, nil
}

// constantAttr makes the attribute of a Constant operator out of a small tensor.
func constantAttr(t *ir.Tensor) (nn.Attr, error) {
	scalar := len(t.Shape) == 0
	if ints, ok := integers(t); ok && len(t.Shape) <= 1 && t.Type == ir.DType(nn.Int64) {
		if scalar {
			return nn.Attr{Name: "value_int", Kind: nn.AttrInt, Int: ints[0]}, nil
		}
		return nn.Attr{Name: "value_ints", Kind: nn.AttrInts, Ints: ints}, nil
	}
	if floats, ok := float32s(t); ok && len(t.Shape) <= 1 {
		if scalar {
			return nn.Attr{Name: "value_float", Kind: nn.AttrFloat, Float: floats[0]}, nil
		}
		return nn.Attr{Name: "value_floats", Kind: nn.AttrFloats, Floats: floats}, nil
	}
	return nn.Attr{}, fmt.Errorf("a computed constant of type %d and shape %v cannot stand in generated code; simplify the model so that it is an initializer", t.Type, t.Shape)
}

// scalar reads a constant of one float32.
func scalar(t *ir.Tensor) (float32, bool) {
	v, ok := float32s(t)
	if !ok || len(v) != 1 {
		return 0, false
	}
	return v[0], true
}

// float32s reads a float32 constant whose data is in memory.
func float32s(t *ir.Tensor) ([]float32, bool) {
	if t == nil || t.Type != ir.DType(nn.Float32) || t.Raw == nil {
		return nil, false
	}
	v, err := t.Float32s()
	return v, err == nil
}

// integers reads an integer constant whose data is in memory.
func integers(t *ir.Tensor) ([]int64, bool) {
	if t == nil || t.Raw == nil {
		return nil, false
	}
	v, err := t.Int64s()
	return v, err == nil && len(v) > 0
}
