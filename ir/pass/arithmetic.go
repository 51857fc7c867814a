package pass

import (
	"cmp"
	"math"
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// arithmetic has the operators that are evaluated; ok is false for forms that they do not cover.
var arithmetic = map[string]func(n *ir.Node, in []array) (out []array, ok bool){
	"Add":             pairwise(func(a, b int64) int64 { return a + b }, func(a, b float32) float32 { return a + b }),
	"Sub":             pairwise(func(a, b int64) int64 { return a - b }, func(a, b float32) float32 { return a - b }),
	"Mul":             pairwise(func(a, b int64) int64 { return a * b }, func(a, b float32) float32 { return a * b }),
	"Div":             quotient,
	"Mod":             remainder,
	"Neg":             single(func(v int64) int64 { return -v }),
	"Abs":             single(func(v int64) int64 { return max(v, -v) }),
	"Not":             single(func(v int64) int64 { return 1 - v }),
	"Equal":           compare(func(order int) bool { return order == 0 }),
	"Less":            compare(func(order int) bool { return order < 0 }),
	"Greater":         compare(func(order int) bool { return order > 0 }),
	"Cast":            castArray,
	"Shape":           shapeInts,
	"Concat":          concatArrays,
	"Reshape":         reshapeArray,
	"Squeeze":         squeezeArray,
	"Unsqueeze":       unsqueezeArray,
	"Transpose":       transposeArray,
	"Slice":           sliceArray,
	"Gather":          gatherArray,
	"ScatterND":       scatterArray,
	"Where":           whereArray,
	"Expand":          expandArray,
	"ConstantOfShape": filledArray,
}

// pairwise applies one of two functions to numbers of one type; there may be none for float32.
func pairwise(whole func(a, b int64) int64, real func(a, b float32) float32) func(n *ir.Node, in []array) ([]array, bool) {
	return func(_ *ir.Node, in []array) ([]array, bool) {
		switch {
		case len(in) != 2 || in[0].kind != in[1].kind:
			return nil, false
		case in[0].kind != ir.Float32:
			return zip(in[0].kind, in, whole)
		case real == nil:
			return nil, false
		}
		return zip(ir.Float32, in, func(a, b int64) int64 { return bits(real(float(a), float(b))) })
	}
}

// compare tells what the order of two numbers, -1 to 1, says; of a NaN nothing is true.
func compare(f func(order int) bool) func(n *ir.Node, in []array) ([]array, bool) {
	return func(_ *ir.Node, in []array) ([]array, bool) {
		if len(in) != 2 || in[0].kind != in[1].kind {
			return nil, false
		}
		real := in[0].kind == ir.Float32
		return zip(ir.Bool, in, func(a, b int64) int64 {
			order, ordered := cmp.Compare(a, b), true
			if x, y := float(a), float(b); real {
				order, ordered = cmp.Compare(x, y), x == x && y == y
			}
			if ordered && f(order) {
				return 1
			}
			return 0
		})
	}
}

// zip applies f to the elements of two arrays, broadcast to one shape.
func zip(kind ir.DType, in []array, f func(a, b int64) int64) ([]array, bool) {
	shape, ok := broadcastTo(in...)
	if !ok {
		return nil, false
	}
	return fill(kind, shape, func(p []int) int64 { return f(in[0].at(p), in[1].at(p)) }), true
}

func single(f func(v int64) int64) func(n *ir.Node, in []array) ([]array, bool) {
	return func(_ *ir.Node, in []array) ([]array, bool) {
		if in[0].kind == ir.Float32 {
			return nil, false
		}
		return fill(in[0].kind, in[0].shape, func(p []int) int64 { return f(in[0].at(p)) }), true
	}
}

// quotient divides numbers that are not negative, where rounding down and towards zero agree.
func quotient(n *ir.Node, in []array) ([]array, bool) {
	if len(in) != 2 || slices.Min(append(in[1].v, 1)) < 1 || slices.Min(append(in[0].v, 0)) < 0 {
		return nil, false
	}
	return pairwise(func(a, b int64) int64 { return a / b }, nil)(n, in)
}

// remainder has the sign of the divisor, which is positive here.
func remainder(n *ir.Node, in []array) ([]array, bool) {
	if len(in) != 2 || slices.Min(append(in[1].v, 1)) < 1 || n.Int("fmod", 0) != 0 {
		return nil, false
	}
	return pairwise(func(a, b int64) int64 { return (a%b + b) % b }, nil)(n, in)
}

// castArray makes floats of whole numbers and booleans of both, and widens; what might not fit is left alone.
func castArray(n *ir.Node, in []array) ([]array, bool) {
	from, to := in[0], ir.DType(n.Int("to", 0))
	each := func(f func(v int64) int64) ([]array, bool) {
		return fill(to, from.shape, func(p []int) int64 { return f(from.at(p)) }), true
	}
	switch {
	case to == ir.Float32 && from.kind != ir.Float32:
		return each(func(v int64) int64 { return bits(float32(v)) })
	case to == ir.Bool && from.kind == ir.Float32:
		return each(func(v int64) int64 { return min(v&math.MaxInt32, 1) }) // 0 and -0 are false
	case to == ir.Bool:
		return each(func(v int64) int64 { return int64(min(uint64(v), 1)) })
	case to == from.kind, from.kind != ir.Float32 && to == ir.Int64, from.kind == ir.Bool && to == ir.Int32:
		from.kind = to
		return []array{from}, true
	}
	return nil, false
}

func shapeInts(n *ir.Node, in []array) ([]array, bool) {
	out := array{kind: ir.Int64, shape: []int{len(in[0].shape)}}
	for _, d := range in[0].shape {
		out.v = append(out.v, int64(d))
	}
	return []array{out}, len(n.Attrs) == 0
}
