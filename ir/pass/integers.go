package pass

import (
	"encoding/binary"
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// maxFolded bounds the elements of integer tensors that are evaluated: paddings and targets are small, tables of indices stay in the file, or computed
// where the model computes them: what is folded stands in generated code.
const maxFolded = 64

// foldIntegers evaluates integer operators on constants: PyTorch writes down how it computes paddings, targets and bounds.
func foldIntegers(g *ir.Graph) error {
	filter(g, func(n *ir.Node) bool {
		f, ok := integers[n.Op]
		if !ok || n.Domain != "" || len(n.Out) == 0 || slices.ContainsFunc(n.Out, func(id ir.ValueID) bool { return id == 0 || isOutput(g, id) }) {
			return true
		}
		var in []array
		for _, id := range n.In {
			a, ok := arrayOf(g.Values[id])
			if !ok {
				return true
			}
			in = append(in, a)
		}
		out, ok := f(n, in)
		if !ok || len(out) != len(n.Out) || slices.ContainsFunc(out, func(a array) bool { return len(a.v) > maxFolded }) {
			return true
		}
		for k, id := range n.Out {
			setConstant(g.Values[id], out[k].tensor())
		}
		return false
	})
	return nil
}

// array is a small tensor of integers, row-major; booleans are 0 and 1.
type array struct {
	kind  ir.DType
	shape []int
	v     []int64
}

// arrayOf reads a constant of few integers.
func arrayOf(v *ir.Value) (array, bool) {
	if v == nil || v.Const == nil || v.Const.Transposed || v.Const.NumElements() > maxFolded {
		return array{}, false
	}
	t := v.Const
	if t.Type != ir.Int64 && t.Type != ir.Int32 && t.Type != ir.Bool {
		return array{}, false
	}
	list, err := t.Int64s()
	return array{t.Type, t.Shape, list}, err == nil
}

func (a array) tensor() *ir.Tensor {
	t := ir.FromInt64s(a.shape, a.v)
	if a.kind == ir.Int64 {
		return t
	}
	t.Type, t.Raw = a.kind, nil
	for _, v := range a.v {
		if a.kind == ir.Bool {
			t.Raw = append(t.Raw, byte(v))
		} else {
			t.Raw = binary.LittleEndian.AppendUint32(t.Raw, uint32(int32(v)))
		}
	}
	return t
}

func volume(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// fill makes an array whose element at each position is what at says.
func fill(kind ir.DType, shape []int, at func(position []int) int64) []array {
	a := array{kind, shape, make([]int64, 0, min(volume(shape), maxFolded+1))}
	position := make([]int, len(shape))
	for i := range min(volume(shape), maxFolded+1) { // larger ones are not kept
		for k, rest := len(shape)-1, i; k >= 0; k-- {
			position[k], rest = rest%shape[k], rest/shape[k]
		}
		a.v = append(a.v, at(position))
	}
	return []array{a}
}

// at is the element at a position of a shape that a is broadcast to.
func (a array) at(position []int) int64 {
	i := 0
	for k, d := range a.shape {
		i *= d
		if d > 1 {
			i += position[len(position)-len(a.shape)+k]
		}
	}
	return a.v[i]
}

// broadcastTo is the common shape of arrays.
func broadcastTo(in ...array) ([]int, bool) {
	var out []int
	for _, a := range in {
		s := slices.Clone(a.shape)
		for len(s) < len(out) {
			s = append([]int{1}, s...)
		}
		for len(out) < len(s) {
			out = append([]int{1}, out...)
		}
		for k, d := range s {
			switch {
			case out[k] == 1:
				out[k] = d
			case d != 1 && d != out[k]:
				return nil, false
			}
		}
	}
	return out, true
}

// axisOf resolves a negative axis; ok tells whether there is such an axis.
func axisOf(axis int64, rank int) (int, bool) {
	if axis < 0 {
		axis += int64(rank)
	}
	return int(axis), axis >= 0 && axis < int64(rank)
}

// listOf is a list that is an attribute, or operand i in later opsets; nil when it is neither.
func listOf(n *ir.Node, in []array, attr string, i int) []int64 {
	if v := n.Ints(attr); v != nil {
		return v
	}
	if i < len(in) {
		return in[i].v
	}
	return nil
}
