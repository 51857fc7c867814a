package kernel

import (
	"fmt"
	"math"
)

// Binary is an element-wise function of two operands.
type Binary struct {
	f      func(a, b float32) float32
	vector func(u *ISA) binaryFunc // nil when there is no micro-kernel
}

// The element-wise functions of two operands, by ONNX operator type.
var binaries = map[string]Binary{
	"Add": {func(a, b float32) float32 { return a + b }, func(u *ISA) binaryFunc { return u.add }},
	"Mul": {func(a, b float32) float32 { return a * b }, func(u *ISA) binaryFunc { return u.mul }},
	"Max": {func(a, b float32) float32 { return max(a, b) }, func(u *ISA) binaryFunc { return u.max }},
	"Sub": {f: func(a, b float32) float32 { return a - b }},
	"Div": {f: func(a, b float32) float32 { return a / b }},
	"Min": {f: func(a, b float32) float32 { return min(a, b) }},
	"Pow": {f: power},
	"Mod": {f: func(a, b float32) float32 { return float32(math.Mod(float64(a), float64(b))) }},

	"Quotient": {f: func(a, b float32) float32 { return float32(math.Trunc(float64(a) / float64(b))) }}, // of integers
	"FloorMod": {f: floorMod},
	// Of the unsigned integers that the engines have, those of 8 bits:
	"ShiftLeft":  {f: func(a, b float32) float32 { return float32(uint8(uint64(a) << uint64(b))) }},
	"ShiftRight": {f: func(a, b float32) float32 { return float32(uint64(a) >> uint64(b)) }},

	// Of integers, which are whole numbers of at most 24 bits and a sign:
	"BitwiseAnd": {f: func(a, b float32) float32 { return float32(int64(a) & int64(b)) }},
	"BitwiseOr":  {f: func(a, b float32) float32 { return float32(int64(a) | int64(b)) }},
	"BitwiseXor": {f: func(a, b float32) float32 { return float32(int64(a) ^ int64(b)) }},

	"PRelu": {f: func(a, b float32) float32 { return max(a, 0) + b*min(a, 0) }},

	"Equal":          {f: func(a, b float32) float32 { return truth(a == b) }},
	"Less":           {f: func(a, b float32) float32 { return truth(a < b) }},
	"LessOrEqual":    {f: func(a, b float32) float32 { return truth(a <= b) }},
	"Greater":        {f: func(a, b float32) float32 { return truth(a > b) }},
	"GreaterOrEqual": {f: func(a, b float32) float32 { return truth(a >= b) }},
	"And":            {f: func(a, b float32) float32 { return truth(a != 0 && b != 0) }},
	"Or":             {f: func(a, b float32) float32 { return truth(a != 0 || b != 0) }},
	"Xor":            {f: func(a, b float32) float32 { return truth((a != 0) != (b != 0)) }},
}

// power is a to the power of b. Squares, which are in every norm, are the same numbers without logarithms.
func power(a, b float32) float32 {
	if b == 2 {
		return a * a
	}
	return float32(math.Pow(float64(a), float64(b)))
}

// truth is a boolean as a float32.
func truth(b bool) float32 {
	if b {
		return 1
	}
	return 0
}

// floorMod is a remainder with the sign of the divisor.
func floorMod(a, b float32) float32 {
	m := float32(math.Mod(float64(a), float64(b)))
	if m != 0 && (m < 0) != (b < 0) {
		m += b
	}
	return m
}

// BinaryOf returns the element-wise function of an ONNX operator type.
func BinaryOf(op string) (Binary, bool) {
	b, ok := binaries[op]
	return b, ok
}

// Broadcast is an element-wise operator at given shapes, with ONNX broadcasting.
type Broadcast struct {
	isa    *ISA
	op     Binary
	dims   []int
	sx, sy []int
	size   int
	lim    Limits
}

// BroadcastShape returns the shape of an element-wise result.
func BroadcastShape(x, y []int) ([]int, error) {
	out := make([]int, max(len(x), len(y)))
	for i := range out {
		a, b := fromEnd(x, len(out)-i), fromEnd(y, len(out)-i)
		if a != b && a != 1 && b != 1 {
			return nil, fmt.Errorf("shapes %v and %v do not broadcast", x, y)
		}
		out[i] = a
		if a == 1 {
			out[i] = b
		}
	}
	return out, nil
}

func fromEnd(s []int, i int) int {
	if i > len(s) {
		return 1
	}
	return s[len(s)-i]
}

// NewBroadcast prepares op for operands of the given shapes, which broadcast.
func (u *ISA) NewBroadcast(op Binary, x, y []int, lim Limits) *Broadcast {
	b := &Broadcast{isa: u, op: op, size: 1, lim: lim}
	shape, _ := BroadcastShape(x, y)
	sx, sy := spread(x, shape), spread(y, shape)
	for i, n := range shape {
		b.size *= n
		if n == 1 {
			continue
		}
		last := len(b.dims) - 1
		if last >= 0 && b.sx[last] == n*sx[i] && b.sy[last] == n*sy[i] {
			b.dims[last] *= n
			b.sx[last], b.sy[last] = sx[i], sy[i]
			continue
		}
		b.dims, b.sx, b.sy = append(b.dims, n), append(b.sx, sx[i]), append(b.sy, sy[i])
	}
	if len(b.dims) == 0 {
		b.dims, b.sx, b.sy = []int{1}, []int{1}, []int{1}
	}
	return b
}

// spread returns the strides of a dense tensor of the given shape seen as to, 0 where it repeats.
func spread(shape, to []int) []int {
	s := make([]int, len(to))
	step := 1
	for i := 1; i <= len(shape); i++ {
		if n := shape[len(shape)-i]; n > 1 {
			s[len(to)-i] = step
			step *= n
		}
	}
	return s
}

// Run computes z from x and y.
func (b *Broadcast) Run(t *Team, z, x, y []float32) {
	switch {
	case b.size == 0:
	case len(b.dims) == 1:
		t.run(b.dims[0], 16, b.size, func(_ *worker, lo, hi int) {
			b.line(z[lo:hi], x[lo*b.sx[0]:], y[lo*b.sy[0]:])
		})
	default:
		row := b.size / b.dims[0]
		t.Split(b.dims[0], b.size, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				b.walk(1, z[i*row:(i+1)*row], x[i*b.sx[0]:], y[i*b.sy[0]:])
			}
		})
	}
}

func (b *Broadcast) walk(axis int, z, x, y []float32) {
	if axis == len(b.dims)-1 {
		b.line(z, x, y)
		return
	}
	row := len(z) / b.dims[axis]
	for i := range b.dims[axis] {
		b.walk(axis+1, z[i*row:(i+1)*row], x[i*b.sx[axis]:], y[i*b.sy[axis]:])
	}
}

func (b *Broadcast) line(z, x, y []float32) {
	sx, sy := b.sx[len(b.sx)-1], b.sy[len(b.sy)-1]
	n := 0
	if sx == 1 && sy == 1 && b.op.vector != nil {
		if n = len(z) &^ (b.isa.width - 1); n > 0 {
			b.op.vector(b.isa)(&z[0], &x[0], &y[0], n, b.lim.Lo, b.lim.Hi)
		}
	}
	for i := n; i < len(z); i++ {
		z[i] = limit(b.op.f(x[i*sx], y[i*sy]), b.lim.Lo, b.lim.Hi)
	}
}

// vectorRow applies a micro-kernel and its scalar form to whole rows.
func (u *ISA) vectorRow(f binaryFunc, scalar func(z, x, y []float32, lo, hi float32), z, x, y []float32) {
	inf := float32(math.Inf(1))
	n := len(z) &^ (u.width - 1)
	if n > 0 {
		f(&z[0], &x[0], &y[0], n, -inf, inf)
	}
	scalar(z[n:], x[n:], y[n:], -inf, inf)
}

// Scale sets every row of z, which may be x, to x*a + b within limits, where a and b have one element per column (a batch normalisation).
func (u *ISA) Scale(t *Team, z, x, a, b []float32, lim Limits) {
	n := len(a)
	if len(z) == 0 {
		return
	}
	t.run(len(z)/n, stepRows(n), len(z), func(w *worker, lo, hi int) { u.scaleRows(w, lo, hi, z[lo*n:], x, a, b, lim) })
}

// scaleRows computes rows [lo, hi) into z.
func (u *ISA) scaleRows(w *worker, lo, hi int, z, x, a, b []float32, lim Limits) {
	n, step, c := len(a), stepRows(len(a)), &w.columns
	for from := lo; lo < hi; lo += step {
		c.set(u, lo, min(lo+step, hi), n, x)
		c.out, c.a, c.b, c.lo, c.hi = &z[(lo-from)*n], &a[0], &b[0], lim.Lo, lim.Hi
		u.norm(c)
	}
}

// affineRow is Scale for one row.
func (u *ISA) affineRow(z, x, a, b []float32, lim Limits) {
	n := len(z) &^ (u.width - 1)
	if n > 0 {
		u.affine(&z[0], &x[0], &a[0], &b[0], n, lim.Lo, lim.Hi)
	}
	affineGo(z[n:], x[n:], a[n:], b[n:], lim.Lo, lim.Hi)
}
