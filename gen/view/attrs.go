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
		t := a.Tensor
		if t.Raw == nil && t.NumElements() > 0 || t.Type == ir.String {
			return nn.Attr{}, fmt.Errorf("attribute %s is a tensor of %v that is not in memory", a.Name, t.Type)
		}
		shape := make([]int64, len(t.Shape))
		for k, n := range t.Shape {
			shape[k] = int64(n)
		}
		return nn.Attr{Name: a.Name, Kind: nn.AttrTensor, Int: int64(t.Type), Ints: shape, Raw: t.Raw}, nil
	case a.Raw != nil:
		out.Raw = a.Raw
	}
	return out, nil
}

// maxComputed is the number of elements up to which a constant of any type and shape stands in generated code.
const maxComputed = 64

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
	if t.Raw != nil && t.NumElements() <= maxComputed {
		return attr(ir.Attr{Name: "value", Kind: ir.AttrTensor, Tensor: t})
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
