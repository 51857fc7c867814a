package view

import (
	"fmt"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/runtime/nn"
)

// carriable checks that attributes can be written in generated code.
func carriable(attrs []nn.Attr) error {
	for _, a := range attrs {
		if t, ok := a.Tensor(); ok && t.Type == ir.String {
			return fmt.Errorf("attribute %s is a tensor of %v, which generated code cannot have", a.Name, t.Type)
		}
	}
	return nil
}

// maxComputed is the largest number of elements of a constant that is written in generated code, whatever its type and shape.
const maxComputed = 64

// constantAttr makes the attribute of a Constant operator out of a small tensor.
func constantAttr(t *ir.Tensor) (nn.Attr, error) {
	scalar := len(t.Shape) == 0
	if ints, ok := integers(t); ok && len(t.Shape) <= 1 && t.Type == ir.Int64 {
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
		return onnx.TensorAttr("value", t.Tensor), nil
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
	if t == nil || t.Type != ir.Float32 || t.Raw == nil {
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
