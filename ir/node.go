package ir

import (
	"encoding/binary"
	"fmt"
	"math"
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

// NumElements is the number of elements of a tensor.
func (t *Tensor) NumElements() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Int64s returns the elements of an integer or boolean tensor.
func (t *Tensor) Int64s() ([]int64, error) {
	size, ok := intSize[t.Type]
	if !ok || len(t.Raw) < size*t.NumElements() {
		return nil, fmt.Errorf("tensor %q: want integers in memory, have %v", t.Name, t.Type)
	}
	out := make([]int64, t.NumElements())
	for i := range out {
		b := t.Raw[i*size:]
		switch t.Type {
		case Int64, Uint64:
			out[i] = int64(binary.LittleEndian.Uint64(b))
		case Int32:
			out[i] = int64(int32(binary.LittleEndian.Uint32(b)))
		case Uint32:
			out[i] = int64(binary.LittleEndian.Uint32(b))
		case Int16:
			out[i] = int64(int16(binary.LittleEndian.Uint16(b)))
		case Uint16:
			out[i] = int64(binary.LittleEndian.Uint16(b))
		case Int8:
			out[i] = int64(int8(b[0]))
		default:
			out[i] = int64(b[0])
		}
	}
	return out, nil
}

var intSize = map[DType]int{Int64: 8, Uint64: 8, Int32: 4, Uint32: 4, Int16: 2, Uint16: 2, Int8: 1, Uint8: 1, Bool: 1}

// Float32s returns the elements of a float32 tensor that is in memory.
func (t *Tensor) Float32s() ([]float32, error) {
	n := t.NumElements()
	if t.Type != Float32 || len(t.Raw) < 4*n {
		return nil, fmt.Errorf("tensor %q: want float32 in memory, have %v", t.Name, t.Type)
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Raw[4*i:]))
	}
	return out, nil
}

// FromInt64s makes an int64 tensor.
func FromInt64s(shape []int, vals []int64) *Tensor {
	t := &Tensor{Type: Int64, Shape: shape, Raw: make([]byte, 0, 8*len(vals))}
	for _, v := range vals {
		t.Raw = binary.LittleEndian.AppendUint64(t.Raw, uint64(v))
	}
	return t
}

// FromFloat32s makes a float32 tensor.
func FromFloat32s(shape []int, vals []float32) *Tensor {
	t := &Tensor{Type: Float32, Shape: shape, Raw: make([]byte, 0, 4*len(vals))}
	for _, v := range vals {
		t.Raw = binary.LittleEndian.AppendUint32(t.Raw, math.Float32bits(v))
	}
	return t
}
