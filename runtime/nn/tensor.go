package nn

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/internal/onnx"
)

// Count returns the number of elements of a shape without open axes.
func (s Shape) Count() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// Nearest returns v, or the int nearest to it: the end of a Slice is often the largest number of 64 bits.
func Nearest(v int64) int { return int(max(math.MinInt, min(v, math.MaxInt))) }

// Elements is Count as an int64. It is for shapes whose elements are only counted, also on machines where int has 32 bits.
func (s Shape) Elements() int64 {
	n := int64(1)
	for _, d := range s {
		n *= int64(d)
	}
	return n
}

// FromFloat32s makes a tensor of float32 elements. It copies data.
func FromFloat32s(s Shape, data []float32) Tensor {
	return tensorOf(onnx.FromFloat32s(slices.Clone(s), data))
}

// FromInt64s makes a tensor of int64 elements. It copies data.
func FromInt64s(s Shape, data []int64) Tensor {
	return tensorOf(onnx.FromInt64s(slices.Clone(s), data))
}

// tensorOf is a decoded tensor, whose elements are not strings.
func tensorOf(t onnx.Tensor) Tensor { return Tensor{t.Type, t.Shape, t.Raw} }

// Float32s decodes the elements of a float32 tensor; nil for any other type.
func (t Tensor) Float32s() []float32 {
	if t.Type != Float32 {
		return nil
	}
	return onnx.Float32s(t.Raw)
}

// Int64s decodes the elements of an int64 tensor; nil for any other type.
func (t Tensor) Int64s() []int64 {
	if t.Type != Int64 {
		return nil
	}
	return onnx.Int64s(t.Raw)
}

// Fetch returns the part of p that is picked. If w has a kernel transform for p, its window is computed by the transform.
func Fetch(w Weights, p Param) (Tensor, error) {
	t, err := stored(w, p)
	if err != nil {
		return Tensor{}, err
	}
	if p.Transposed {
		if t, err = t.transposed(); err != nil {
			return Tensor{}, fmt.Errorf("weights %q: %w", p.Source(), err)
		}
	}
	if !slices.Equal(t.Shape, p.Shape) {
		return Tensor{}, fmt.Errorf("weights %q have shape %v, the SuperNet wants %v: they are of another model", p.Source(), t.Shape, p.Shape)
	}
	for _, g := range p.Grids {
		if t, err = t.resampled(g); err != nil {
			return Tensor{}, fmt.Errorf("weights %q: %w", p.Source(), err)
		}
		p.Shape = t.Shape
	}
	m, ok, err := Transform(w, p)
	if err != nil {
		return Tensor{}, err
	}
	if !ok {
		return t.picked(p)
	}
	if t, err = t.picked(p.WholeWindow()); err == nil {
		t = t.windowed(m, p.Picked()[2:])
	}
	return t, err
}

// Fits checks that w has all weights of g, in the shapes that they have in the SuperNet. The error counts the missing ones, and names the first few.
func Fits(g *Graph, w Weights) error {
	const named = 3
	var wrong []error
	all := 0
	for _, i := range g.Values {
		if i.Param == nil {
			continue
		}
		all++
		want := i.Param.Stored().Shape
		shape, err := storedShape(w, *i.Param)
		switch {
		case err != nil:
			wrong = append(wrong, err)
		case !slices.Equal(shape, want):
			wrong = append(wrong, fmt.Errorf("weights %q have shape %v, the SuperNet wants %v", i.Param.Source(), shape, want))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	more := ""
	if n := len(wrong) - named; n > 0 {
		more = fmt.Sprintf("\n... and %d more", n)
	}
	return fmt.Errorf("%d of %d weights do not fit:\n%w%s", len(wrong), all, errors.Join(wrong[:min(named, len(wrong))]...), more)
}

// shaped are weights that tell the shape of a tensor without reading it.
type shaped interface {
	Shape(name string) (Shape, error)
}

// storedShape is the shape of stored's tensor.
func storedShape(w Weights, p Param) (Shape, error) {
	s, ok := w.(shaped)
	if !ok {
		t, err := stored(w, p)
		return t.Shape, err
	}
	if p.From != "" {
		var none NoTensorError
		if t, err := s.Shape(p.Name); !errors.As(err, &none) {
			return t, err
		}
	}
	return s.Shape(p.Source())
}

// stored returns the whole tensor of p. A tensor under p's own name belongs to p alone, even if the original model has one initializer for several parameters.
func stored(w Weights, p Param) (Tensor, error) {
	if p.From != "" {
		var none NoTensorError
		if t, err := w.Tensor(p.Name); !errors.As(err, &none) {
			return t, err
		}
	}
	return w.Tensor(p.Source())
}

// transposed returns a matrix with its axes swapped.
func (t Tensor) transposed() (Tensor, error) {
	size := t.Type.Bytes()
	if len(t.Shape) != 2 || size == 0 || len(t.Raw) != size*t.Shape.Count() {
		return Tensor{}, fmt.Errorf("a tensor of shape %v is not a matrix", t.Shape)
	}
	rows, columns := t.Shape[0], t.Shape[1]
	out := Tensor{t.Type, Shape{columns, rows}, make([]byte, len(t.Raw))}
	for i := range rows {
		for j := range columns {
			copy(out.Raw[(j*rows+i)*size:], t.Raw[(i*columns+j)*size:(i*columns+j+1)*size])
		}
	}
	return out, nil
}

// picked copies the picked part of t.
func (t Tensor) picked(p Param) (Tensor, error) {
	size := t.Type.Bytes()
	if !slices.ContainsFunc(p.Picks, func(k Pick) bool { return !k.whole() }) {
		return t, nil
	}
	if size == 0 || len(t.Raw) != size*t.Shape.Count() {
		return Tensor{}, fmt.Errorf("weights %q: %d bytes of element type %d cannot be cut", p.Name, len(t.Raw), t.Type)
	}
	indices := make([][]int, len(t.Shape))
	for axis, n := range t.Shape {
		k := Prefix(n, n)
		if axis < len(p.Picks) && !p.Picks[axis].whole() {
			k = p.Picks[axis]
		}
		if !k.valid(n) {
			return Tensor{}, fmt.Errorf("weights %q: cannot keep %d of %d positions of axis %d", p.Name, k.Len(), n, axis)
		}
		indices[axis] = k.Indices()
	}
	out := Tensor{t.Type, p.Picked(), nil}
	out.Raw = gather(make([]byte, 0, size*out.Shape.Count()), t.Raw, t.Shape, indices, size)
	return out, nil
}

// gather appends the elements of src at the product of indices.
func gather(dst, src []byte, s Shape, indices [][]int, size int) []byte {
	if len(s) == 0 {
		return append(dst, src[:size]...)
	}
	stride := size * s[1:].Count()
	if contiguous(s[1:], indices[1:]) {
		first := indices[0][0]
		if len(indices[0]) == indices[0][len(indices[0])-1]-first+1 {
			return append(dst, src[first*stride:(first+len(indices[0]))*stride]...)
		}
		for _, i := range indices[0] {
			dst = append(dst, src[i*stride:(i+1)*stride]...)
		}
		return dst
	}
	for _, i := range indices[0] {
		dst = gather(dst, src[i*stride:(i+1)*stride], s[1:], indices[1:], size)
	}
	return dst
}

// contiguous tells whether every axis is kept whole.
func contiguous(s Shape, indices [][]int) bool {
	for a, n := range s {
		if len(indices[a]) != n {
			return false
		}
	}
	return true
}

// Overlay returns weights that read a tensor from over if it has it, and otherwise from base.
func Overlay(base Weights, over map[string]Tensor) Weights { return overlay{base, over} }

type overlay struct {
	base Weights
	over map[string]Tensor
}

// Base returns the weights below.
func (o overlay) Base() Weights { return o.base }

func (o overlay) Tensor(name string) (Tensor, error) {
	if t, ok := o.over[name]; ok {
		return t, nil
	}
	return o.base.Tensor(name)
}

// MapWeights are tensors in memory.
type MapWeights map[string]Tensor

// Tensor returns the tensor called name.
func (m MapWeights) Tensor(name string) (Tensor, error) {
	if t, ok := m[name]; ok {
		return t, nil
	}
	return Tensor{}, NoTensorError(fmt.Sprintf("there are no weights %q: the file is of another model", name))
}
