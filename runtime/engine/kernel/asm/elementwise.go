package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// vectors writes the rest of a function: body for every vector of n elements, from index i on.
func (s isa) vectors(n reg.Register, body func(i reg.Register)) {
	i := GP64()
	XORQ(i, i)
	Label("loop")
	body(i)
	ADDQ(U32(s.width), i)
	CMPQ(i, n)
	JLT(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// binary writes z[i] = f(x[i], y[i]) for n elements, n a multiple of the vector's width.
func binary(s isa, name, doc string, f func(x, y, z Op)) {
	binaryOf(s, name, doc, func(x, z reg.VecVirtual, y Mem, lo, hi reg.VecVirtual) {
		f(y, x, z)
		limit(z, lo, hi)
	})
}

// binaryOf is binary whose function does what it likes with the limits.
func binaryOf(s isa, name, doc string, f func(x, z reg.VecVirtual, y Mem, lo, hi reg.VecVirtual)) {
	TEXT(title(s, name), NOSPLIT, "func(z, x, y *float32, n int, lo, hi float32)")
	Pragma("noescape")
	Doc(title(s, name) + " sets z to " + doc + ".")
	z, x, y := Load(Param("z"), GP64()), Load(Param("x"), GP64()), Load(Param("y"), GP64())
	n := Load(Param("n"), GP64())
	lo, hi := s.vec(), s.vec()
	VBROADCASTSS(NewParamAddr("lo", 32), lo)
	VBROADCASTSS(NewParamAddr("hi", 36), hi)
	v, w := s.vec(), s.vec()
	s.vectors(n, func(i reg.Register) {
		VMOVUPS(Mem{Base: x, Index: i, Scale: 4}, v)
		f(v, w, Mem{Base: y, Index: i, Scale: 4}, lo, hi)
		VMOVUPS(w, Mem{Base: z, Index: i, Scale: 4})
	})
}

// affine writes z[i] = x[i]*a[i] + b[i] for n elements, n a multiple of the vector's width.
func affine(s isa) {
	TEXT(title(s, "affine"), NOSPLIT, "func(z, x, a, b *float32, n int, lo, hi float32)")
	Pragma("noescape")
	Doc(title(s, "affine") + " sets z to x*a + b, limited to [lo, hi].")
	z, x := Load(Param("z"), GP64()), Load(Param("x"), GP64())
	a, b := Load(Param("a"), GP64()), Load(Param("b"), GP64())
	n := Load(Param("n"), GP64())
	lo, hi := s.vec(), s.vec()
	VBROADCASTSS(NewParamAddr("lo", 40), lo)
	VBROADCASTSS(NewParamAddr("hi", 44), hi)
	v, w := s.vec(), s.vec()
	s.vectors(n, func(i reg.Register) {
		VMOVUPS(Mem{Base: x, Index: i, Scale: 4}, v)
		VMOVUPS(Mem{Base: b, Index: i, Scale: 4}, w)
		VFMADD231PS(Mem{Base: a, Index: i, Scale: 4}, v, w)
		limit(w, lo, hi)
		VMOVUPS(w, Mem{Base: z, Index: i, Scale: 4})
	})
}

// hinge writes z[i] = f(a*x[i] + b) for n elements, n a multiple of the vector's width; f has a*x + b in w, and leaves the result there.
func hinge(s isa, name, doc string, f func(h hinged)) {
	TEXT(title(s, name), NOSPLIT, "func(z, x *float32, n int, a, b float32)")
	Pragma("noescape")
	Doc(title(s, name) + " sets z to " + doc + ".")
	z, x, n := Load(Param("z"), GP64()), Load(Param("x"), GP64()), Load(Param("n"), GP64())
	a, b, zero, one := s.vec(), s.vec(), s.vec(), s.vec()
	VBROADCASTSS(NewParamAddr("a", 24), a)
	VBROADCASTSS(NewParamAddr("b", 28), b)
	bits := GP32()
	MOVL(U32(0x3f800000), bits)
	oneX := XMM()
	VMOVD(bits, oneX)
	VBROADCASTSS(oneX, one)
	if s.width == 8 {
		VXORPS(zero, zero, zero)
	} else {
		VPXORD(zero, zero, zero)
	}
	v, w := s.vec(), s.vec()
	s.vectors(n, func(i reg.Register) {
		VMOVUPS(Mem{Base: x, Index: i, Scale: 4}, v)
		VMOVAPS(b, w)
		VFMADD231PS(a, v, w)
		f(hinged{v, w, a, zero, one, Mem{Base: z, Index: i, Scale: 4}})
		VMOVUPS(w, Mem{Base: z, Index: i, Scale: 4})
	})
}

// hinged is what a hinge is made of: w = a*x + b, and where the result goes.
type hinged struct {
	x, w, a, zero, one reg.VecVirtual
	z                  Mem
}

// hinges writes those of HardSigmoid and HardSwish.
func hinges(s isa) {
	hinge(s, "hardSigmoid", "min(max(a*x + b, 0), 1)", func(h hinged) { limit(h.w, h.zero, h.one) })
	hinge(s, "hardSwish", "x * min(max(a*x + b, 0), 1)", func(h hinged) {
		limit(h.w, h.zero, h.one)
		VMULPS(h.x, h.w, h.w)
	})
	hinge(s, "hardSwishSlope", "z times the derivative of that", func(h hinged) {
		slope := s.vec()
		VMULPS(h.a, h.x, slope)
		gate(s, h.zero, h.one, h.w, slope)
		limit(h.w, h.zero, h.one)
		VADDPS(slope, h.w, h.w)
		VMULPS(h.z, h.w, h.w)
	})
}
