package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Places in kernel.curveTable.
const (
	erfP     = 0  // of the numerator, the constant first
	erfQ     = 6  // of the denominator
	erfTerms = 6  // of each
	erfHigh  = 12 // where P/Q is a bit more than 1, and its negative
	erfLow   = 13
	erfRoot  = 14 // 1/sqrt(2)
	erfHalf  = 15
	erfOne   = 16
	erfTwo   = 17 // 2/sqrt(pi)
	erfBell  = 18 // 1/sqrt(2*pi)
	expLeast = 19
	expLog2e = 20
	expMagic = 21 // adding it rounds to an integer
	expLn2Hi = 22 // the negative of ln 2 in two parts
	expLn2Lo = 23
	erfLeast = 24
	expMost  = 25
	expP     = 26 // highest first
	expTerms = 6
)

// curve is a kernel of smooth functions that is being written.
type curve struct {
	isa
	table reg.Register
	temp  reg.VecVirtual
}

// curves writes smooth functions of n elements and their derivatives, n a multiple of the vector's width.
func curves(s isa) {
	curveOf(s, "erf", "sets z to the error function of x", func(c curve, x, z reg.VecVirtual) { c.erf(x, z) })
	curveOf(s, "gelu", "sets z to x times the normal distribution function at x", func(c curve, x, z reg.VecVirtual) {
		v := s.vec()
		VMULPS(c.get(erfRoot), x, v)
		c.erf(v, z)
		VMULPS(c.get(erfHalf), x, v)
		VFMADD213PS(v, v, z)
	})
	curveOf(s, "erfSlope", "multiplies z by the derivative of the error function at x", func(c curve, x, g reg.VecVirtual) {
		v := s.vec()
		VMULPS(x, x, v)
		c.negate(v)
		c.exp(v)
		VMULPS(c.get(erfTwo), v, v)
		VMULPS(v, g, g)
	})
	curveOf(s, "geluSlope", "multiplies z by the derivative of gelu at x", func(c curve, x, g reg.VecVirtual) {
		v, w := s.vec(), s.vec()
		VMULPS(c.get(erfRoot), x, v)
		c.erf(v, w)
		VADDPS(c.get(erfOne), w, w)
		VMULPS(c.get(erfHalf), w, w)
		VMULPS(x, x, v)
		VMULPS(c.get(erfHalf), v, v)
		c.negate(v)
		c.exp(v)
		VMULPS(c.get(erfBell), v, v)
		VFMADD231PS(x, v, w)
		VMULPS(w, g, g)
	})
}

// logistics writes those that are made of the exponential function.
func logistics(s isa) {
	curveOf(s, "exp", "sets z to the exponential function of x, between -87 and 88", func(c curve, x, z reg.VecVirtual) {
		VMOVAPS(x, z)
		c.exp(z)
	})
	curveOf(s, "sigmoid", "sets z to 1 / (1 + exp(-x))", func(c curve, x, z reg.VecVirtual) { c.sigmoid(x, z) })
	curveOf(s, "swish", "sets z to x / (1 + exp(-x))", func(c curve, x, z reg.VecVirtual) {
		c.sigmoid(x, z)
		VMULPS(x, z, z)
	})
	curveOf(s, "swishSlope", "multiplies z by the derivative of swish at x", func(c curve, x, z reg.VecVirtual) {
		v, w := s.vec(), s.vec()
		c.sigmoid(x, v)
		VMULPS(x, v, w)
		VFNMADD231PS(w, v, w)
		VADDPS(w, v, v)
		VMULPS(v, z, z)
	})
}

func curveOf(s isa, name, doc string, f func(c curve, x, to reg.VecVirtual)) {
	TEXT(title(s, name), NOSPLIT, "func(z, x *float32, n int, table *float32)")
	Pragma("noescape")
	Doc(title(s, name) + " " + doc + ".")
	out, x, n := Load(Param("z"), GP64()), Load(Param("x"), GP64()), Load(Param("n"), GP64())
	c := curve{s, Load(Param("table"), GP64()), s.vec()}
	v, w := s.vec(), s.vec()
	s.vectors(n, func(i reg.Register) {
		VMOVUPS(Mem{Base: x, Index: i, Scale: 4}, v)
		VMOVUPS(Mem{Base: out, Index: i, Scale: 4}, w)
		f(c, v, w)
		VMOVUPS(w, Mem{Base: out, Index: i, Scale: 4})
	})
}

// get returns a constant, until the next call.
func (c curve) get(k int) reg.VecVirtual {
	VBROADCASTSS(Mem{Base: c.table, Disp: 4 * k}, c.temp)
	return c.temp
}

// erf sets z to the error function of x, which it changes; NaN stays.
func (c curve) erf(x, z reg.VecVirtual) {
	square, q := c.vec(), c.vec()
	VMINPS(x, c.get(erfHigh), x)
	VMAXPS(x, c.get(erfLow), x)
	VMULPS(x, x, square)
	c.polynomial(erfP, square, z)
	c.polynomial(erfQ, square, q)
	VMULPS(x, z, z)
	VDIVPS(q, z, z)
	VMINPS(z, c.get(erfOne), z)
	VMAXPS(z, c.get(erfLeast), z)
}

// polynomial sets to to the one whose coefficients start at a place, the constant first.
func (c curve) polynomial(place int, x, to reg.VecVirtual) {
	VBROADCASTSS(Mem{Base: c.table, Disp: 4 * (place + erfTerms - 1)}, to)
	for k := erfTerms - 2; k >= 0; k-- {
		VFMADD213PS(c.get(place+k), x, to)
	}
}

// sigmoid sets z to 1 / (1 + exp(-x)).
func (c curve) sigmoid(x, z reg.VecVirtual) {
	VMOVAPS(x, z)
	c.negate(z)
	c.exp(z)
	one := c.get(erfOne)
	VADDPS(one, z, z)
	VDIVPS(z, one, z)
}

func (c curve) negate(v reg.VecVirtual) {
	c.isa.zero(c.temp)
	VSUBPS(v, c.temp, v)
}

// exp sets v to exp(v), of the nearest that is not too large or small: 2^n times a polynomial, as kernel.Exp. NaN stays.
func (c curve) exp(v reg.VecVirtual) {
	n, p := c.vec(), c.vec()
	VMAXPS(v, c.get(expLeast), v)
	VMINPS(v, c.get(expMost), v)
	magic := c.vec()
	VBROADCASTSS(Mem{Base: c.table, Disp: 4 * expMagic}, magic)
	VMOVAPS(magic, n)
	VFMADD231PS(c.get(expLog2e), v, n) // n is in its lowest bits
	VSUBPS(magic, n, p)
	VFMADD231PS(c.get(expLn2Hi), p, v)
	VFMADD231PS(c.get(expLn2Lo), p, v)
	VBROADCASTSS(Mem{Base: c.table, Disp: 4 * expP}, p)
	for k := 1; k < expTerms; k++ {
		VFMADD213PS(c.get(expP+k), v, p)
	}
	VMULPS(v, p, p)
	VFMADD213PS(v, v, p)
	VADDPS(c.get(erfOne), p, p)
	VPSLLD(Imm(23), n, n)
	VPADDD(n, p, v)
}
