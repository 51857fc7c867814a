package pass

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// maxFolded bounds the elements of tensors that become constants: paddings and targets are small, tables of indices stay in the file, or
// computed where the model computes them: what is folded stands in generated code.
const maxFolded = 64

// maxEvaluated bounds those of tensors that are evaluated because what follows from them may be small, or regular (see foldTables).
const maxEvaluated = 1 << 21

// foldIntegers evaluates integer operators on constants: PyTorch writes down how it computes paddings, targets and bounds.
func foldIntegers(g *ir.Graph) error {
	filter(g, func(n *ir.Node) bool {
		out, ok := evaluate(g, n, func(id ir.ValueID) (array, bool) {
			a, ok := arrayOf(g.Values[id], maxFolded)
			return a, ok && a.kind != ir.Float32
		})
		if !ok || slices.ContainsFunc(out, func(a array) bool { return len(a.v) > maxFolded || a.kind == ir.Float32 }) {
			return true
		}
		for k, id := range n.Out {
			setConstant(g.Values[id], out[k].tensor())
		}
		return false
	})
	return nil
}

// evaluate computes the results of n, none of which is one of g, from operands that are known.
func evaluate(g *ir.Graph, n *ir.Node, known func(id ir.ValueID) (array, bool)) ([]array, bool) {
	f, ok := arithmetic[n.Op]
	if !ok || n.Domain != "" || len(n.Out) == 0 || slices.ContainsFunc(n.Out, func(id ir.ValueID) bool { return id == 0 || isOutput(g, id) }) {
		return nil, false
	}
	var in []array
	for _, id := range n.In {
		a, ok := known(id)
		if !ok {
			return nil, false
		}
		in = append(in, a)
	}
	out, ok := f(n, in)
	ok = ok && len(out) == len(n.Out) && !slices.ContainsFunc(out, func(a array) bool { return len(a.v) != volume(a.shape) })
	return out, ok
}

// array is a tensor, row-major: of integers, of booleans, which are 0 and 1, or of float32, whose bits it has.
type array struct {
	kind  ir.DType
	shape []int
	v     []int64
}

// arrayOf reads a constant of so many elements at most. Of float32 it reads single numbers and what has no name: others are weights, which
// training changes.
func arrayOf(v *ir.Value, most int) (array, bool) {
	if v == nil || v.Const == nil || v.Const.Transposed || v.Const.NumElements() > most {
		return array{}, false
	}
	t := v.Const
	switch {
	case t.Type == ir.Int64, t.Type == ir.Int32, t.Type == ir.Bool:
		list, err := t.Int64s()
		return array{t.Type, t.Shape, list}, err == nil
	case t.Type == ir.Float32 && (t.Name == "" || t.NumElements() == 1):
		list, err := t.Float32s()
		a := array{t.Type, t.Shape, make([]int64, len(list))}
		for k, x := range list {
			a.v[k] = bits(x)
		}
		return a, err == nil
	}
	return array{}, false
}

func bits(x float32) int64 { return int64(math.Float32bits(x)) }

func float(v int64) float32 { return math.Float32frombits(uint32(v)) }

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
			t.Raw = binary.LittleEndian.AppendUint32(t.Raw, uint32(v))
		}
	}
	return t
}

// volume is how many elements a shape has, more than maxEvaluated for any that has more.
func volume(shape []int) int {
	if slices.Contains(shape, 0) {
		return 0
	}
	n := 1
	for _, d := range shape {
		if n *= min(d, maxEvaluated+1); n > maxEvaluated {
			return maxEvaluated + 1
		}
	}
	return n
}

// fill makes an array whose element at each position is what at says.
func fill(kind ir.DType, shape []int, at func(position []int) int64) []array {
	a := array{kind, shape, nil}
	if n := volume(shape); n <= maxEvaluated { // larger ones stay without elements, and are not kept
		a.v = make([]int64, n)
	}
	position := make([]int, len(shape))
	for i := range a.v {
		a.v[i] = at(position)
		for k := len(shape) - 1; k >= 0; k-- { // the next one
			if position[k]++; position[k] < shape[k] {
				break
			}
			position[k] = 0
		}
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
