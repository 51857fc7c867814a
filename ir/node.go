package ir

import (
	"context"
	"fmt"

	"github.com/autotailor/autotailor/internal/onnx"
)

// Attr returns the attribute called name.
func (n *Node) Attr(name string) (Attr, bool) {
	for _, a := range n.Attrs {
		if a.Name == name {
			return a, true
		}
	}
	return Attr{}, false
}

// Int returns an integer attribute, or def when there is none.
func (n *Node) Int(name string, def int64) int64 {
	if a, ok := n.Attr(name); ok && a.Kind == AttrInt {
		return a.Int
	}
	return def
}

// Float returns a float attribute, or def when there is none.
func (n *Node) Float(name string, def float32) float32 {
	if a, ok := n.Attr(name); ok && a.Kind == AttrFloat {
		return a.Float
	}
	return def
}

// String returns a string attribute, or def when there is none.
func (n *Node) String(name, def string) string {
	if a, ok := n.Attr(name); ok && a.Kind == AttrString {
		return a.String
	}
	return def
}

// Ints returns an attribute that is a list of integers, or nil.
func (n *Node) Ints(name string) []int64 {
	if a, ok := n.Attr(name); ok && a.Kind == AttrInts {
		return a.Ints
	}
	return nil
}

// Set replaces the attribute of the same name, or adds a.
func (n *Node) Set(a Attr) {
	for i := range n.Attrs {
		if n.Attrs[i].Name == a.Name {
			n.Attrs[i] = a
			return
		}
	}
	n.Attrs = append(n.Attrs, a)
}

// Input returns operand i, 0 when it is absent.
func (n *Node) Input(i int) ValueID {
	if i < len(n.In) {
		return n.In[i]
	}
	return 0
}

// Bytes returns the elements as they are stored, in memory or in another file.
func (t *Tensor) Bytes() ([]byte, error) {
	if t.Raw == nil && t.Source != nil {
		return t.Source.Read(context.Background())
	}
	return t.Raw, nil
}

// Int64s returns the elements of an integer or boolean tensor.
func (t *Tensor) Int64s() ([]int64, error) { return elements(t, onnx.Tensor.Int64s) }

// Float32s returns the elements of a float32 tensor.
func (t *Tensor) Float32s() ([]float32, error) { return elements(t, onnx.Tensor.Float32s) }

func elements[T any](t *Tensor, decode func(onnx.Tensor) ([]T, error)) ([]T, error) {
	in := t.Tensor
	var err error
	if in.Raw, err = t.Bytes(); err != nil {
		return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	list, err := decode(in)
	if err != nil {
		err = fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	return list, err
}

// FromInt64s makes an int64 tensor.
func FromInt64s(shape []int, vals []int64) *Tensor {
	return &Tensor{Tensor: onnx.FromInt64s(shape, vals)}
}

// FromFloat32s makes a float32 tensor.
func FromFloat32s(shape []int, vals []float32) *Tensor {
	return &Tensor{Tensor: onnx.FromFloat32s(shape, vals)}
}
