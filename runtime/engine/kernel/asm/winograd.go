package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Members of kernel.grid.
const (
	gridPixels   field = 0
	gridOutside  field = 8
	gridOff      field = 16
	gridTiles    field = 24
	gridChannels field = 32
	gridValues   field = 40
	gridStride   field = 48
	gridTemp     field = 56
	gridMask     field = 64
)

// gridder writes a kernel that transforms tiles of pixels to the values of Winograd's algorithm or back: a line transform down the columns of
// a square, whose results go through memory, then along its rows.
type gridder struct {
	isa
	from, to int  // sides of the squares
	back     bool // from values to pixels
	add      bool // to what pixels have
	factors  []float32
	line     func(k gridder, x []reg.VecVirtual) []reg.VecVirtual

	g, at, off, values, stride reg.Register               // at is the offset of the channels at hand, in bytes
	by                         map[float32]reg.VecVirtual // vectors of a factor
	lanes                      lanes
}

// grids writes the kernels of F(4x4, 3x3), "Fast Algorithms for Convolutional Neural Networks" (Lavin and Gray, 2016).
func grids(s isa) {
	whole, parts := []float32{2, 4}, []float32{sixth, 1. / 24, 1. / 12, 1. / 4}
	gridder{isa: s, from: 6, to: 6, factors: whole, line: operandLine}.write("winogradOperand", "sets values to those of tiles of the operand.")
	gridder{isa: s, from: 6, to: 4, back: true, factors: whole, line: resultLine}.write("winogradResult", "sets tiles of the result to those of values.")
	gridder{isa: s, from: 3, to: 6, factors: parts, line: weightLine}.write("winogradWeight", "sets values to those of weights.")
	gridder{isa: s, from: 6, to: 6, back: true, add: true, factors: whole, line: operandBackLine}.write("winogradOperandBack", "adds to gradients with respect to tiles of the operand, given those with respect to values.")
	gridder{isa: s, from: 4, to: 6, factors: whole, line: resultBackLine}.write("winogradResultBack", "sets values to derivatives, given those by tiles of the result.")
	gridder{isa: s, from: 6, to: 3, back: true, factors: parts, line: weightBackLine}.write("winogradWeightBack", "sets gradients with respect to weights, given those with respect to values.")
}

func (k gridder) write(name, doc string) {
	TEXT(title(k.isa, name), NOSPLIT, "func(t *byte)")
	Pragma("noescape")
	Doc(title(k.isa, name) + " " + doc)
	g := Load(Param("t"), GP64())
	k.g = g
	k.off, k.values, k.stride = load(gridOff, g), load(gridValues, g), load(gridStride, g)
	k.by = map[float32]reg.VecVirtual{}
	for _, f := range k.factors {
		k.by[f] = k.constant(f)
	}
	k.lanes = loadMask(k.isa, gridMask.of(g))
	Label("tile")
	at, left := GP64(), GP64()
	k.at = at
	XORQ(at, at)
	MOVQ(gridChannels.of(g), left)
	Label("vector")
	CMPQ(left, U32(k.width))
	JLT(LabelRef("tail"))
	k.block(false)
	ADDQ(U32(k.width*4), at)
	SUBQ(U32(k.width), left)
	JMP(LabelRef("vector"))
	Label("tail")
	TESTQ(left, left)
	JEQ(LabelRef("next"))
	k.block(true)
	Label("next")
	channels := load(gridChannels, g)
	LEAQ(Mem{Base: k.values, Index: channels, Scale: 4}, k.values)
	pixels := k.from * k.from
	if k.back {
		pixels = k.to * k.to
	}
	ADDQ(U32(pixels*8), k.off)
	DECQ(gridTiles.of(g))
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// constant returns a vector of one number.
func (k gridder) constant(f float32) reg.VecVirtual {
	bits, one, v := GP32(), XMM(), k.vec()
	MOVL(U32(math.Float32bits(f)), bits)
	VMOVD(bits, one)
	VBROADCASTSS(one, v)
	return v
}

// block transforms a vector of channels of a tile.
func (k gridder) block(masked bool) {
	c := column{columnKernel: columnKernel{isa: k.isa, lanes: k.lanes}, masked: masked}
	temp := load(gridTemp, k.g)
	line, down := GP64(), GP64()
	if k.back {
		LEAQ(Mem{Base: k.values, Index: k.at, Scale: 1}, line)
		IMUL3Q(Imm(uint64(k.from)), k.stride, down)
	}
	for j := range k.from {
		x := make([]reg.VecVirtual, k.from)
		value := GP64()
		if k.back {
			MOVQ(line, value)
			ADDQ(k.stride, line)
		}
		for i := range x {
			x[i] = k.vec()
			if k.back {
				c.read(Mem{Base: value}, x[i])
				ADDQ(down, value)
				continue
			}
			c.read(k.pixel(i*k.from+j), x[i])
		}
		for i, v := range k.line(k, x) {
			VMOVUPS(v, Mem{Base: temp, Disp: (i*k.from + j) * k.width * 4})
		}
	}
	value := GP64()
	LEAQ(Mem{Base: k.values, Index: k.at, Scale: 1}, value)
	for i := range k.to {
		x := make([]reg.VecVirtual, k.from)
		for j := range x {
			x[j] = k.vec()
			VMOVUPS(Mem{Base: temp, Disp: (i*k.from + j) * k.width * 4}, x[j])
		}
		for j, v := range k.line(k, x) {
			if !k.back {
				c.store(v, Mem{Base: value})
				ADDQ(k.stride, value)
				continue
			}
			to := k.pixel(i*k.to + j)
			if k.add {
				there, sum := k.vec(), k.vec()
				c.read(to, there)
				VADDPS(v, there, sum)
				v = sum
			}
			c.store(v, to)
		}
	}
}

// pixel returns where a pixel of the tile is.
func (k gridder) pixel(i int) Mem {
	o, p := GP64(), load(gridPixels, k.g)
	MOVQ(Mem{Base: k.off, Disp: i * 8}, o)
	ADDQ(o, p)
	TESTQ(o, o)
	CMOVQLT(gridOutside.of(k.g), p)
	return Mem{Base: p, Index: k.at, Scale: 1}
}

// sum, difference, plus and minus return new vectors: a + b, a - b, a + f*b, a - f*b.
func (k gridder) sum(a, b reg.VecVirtual) reg.VecVirtual {
	v := k.vec()
	VADDPS(a, b, v)
	return v
}

func (k gridder) difference(a, b reg.VecVirtual) reg.VecVirtual {
	v := k.vec()
	VSUBPS(b, a, v)
	return v
}

func (k gridder) plus(a, f, b reg.VecVirtual) reg.VecVirtual {
	v := k.vec()
	VMOVAPS(a, v)
	VFMADD231PS(f, b, v)
	return v
}

func (k gridder) minus(a, f, b reg.VecVirtual) reg.VecVirtual {
	v := k.vec()
	VMOVAPS(a, v)
	VFNMADD231PS(f, b, v)
	return v
}

// operandLine is kernel.operandLine.
func operandLine(k gridder, x []reg.VecVirtual) []reg.VecVirtual {
	first := k.plus(k.difference(x[4], x[2]), k.by[4], k.difference(x[0], x[2]))
	even, odd := k.minus(x[4], k.by[4], x[2]), k.minus(x[3], k.by[4], x[1])
	far, slope := k.difference(x[4], x[2]), k.difference(x[3], x[1])
	last := k.minus(k.difference(x[5], x[3]), k.by[4], slope)
	return []reg.VecVirtual{first, k.sum(even, odd), k.difference(even, odd), k.plus(far, k.by[2], slope), k.minus(far, k.by[2], slope), last}
}

// resultLine is kernel.resultLine.
func resultLine(k gridder, x []reg.VecVirtual) []reg.VecVirtual {
	near, nearSlope := k.sum(x[1], x[2]), k.difference(x[1], x[2])
	far, slope := k.sum(x[3], x[4]), k.difference(x[3], x[4])
	twice := k.sum(slope, slope)
	return []reg.VecVirtual{
		k.sum(k.sum(x[0], near), far), k.sum(nearSlope, twice), k.plus(near, k.by[4], far), k.plus(k.sum(nearSlope, x[5]), k.by[4], twice),
	}
}

// resultBackLine is kernel.resultBackLine.
func resultBackLine(k gridder, x []reg.VecVirtual) []reg.VecVirtual {
	even, odd := k.sum(x[0], x[2]), k.sum(x[1], x[3])
	far, slope := k.plus(x[0], k.by[4], x[2]), k.plus(x[1], k.by[4], x[3])
	return []reg.VecVirtual{x[0], k.sum(even, odd), k.difference(even, odd), k.plus(far, k.by[2], slope), k.minus(far, k.by[2], slope), x[3]}
}

// operandBackLine is kernel.operandBackLine.
func operandBackLine(k gridder, x []reg.VecVirtual) []reg.VecVirtual {
	near, nearSlope := k.sum(x[1], x[2]), k.difference(x[1], x[2])
	far, slope := k.sum(x[3], x[4]), k.difference(x[3], x[4])
	second, third := k.difference(x[5], nearSlope), k.difference(nearSlope, x[5])
	VMULPS(k.by[4], second, second)
	VFNMADD231PS(k.by[2], slope, second)
	VFMADD231PS(k.by[2], slope, third)
	VFNMADD231PS(k.by[4], x[5], third)
	VADDPS(x[0], far, far)
	middle, last := k.sum(x[0], near), k.sum(far, near)
	VMULPS(k.by[4], middle, middle)
	VADDPS(far, middle, middle)
	k.zero(near)
	VSUBPS(middle, near, middle)
	VMULPS(k.by[4], x[0], x[0])
	return []reg.VecVirtual{x[0], second, middle, third, last, x[5]}
}

// sixth is the factor of G that most of its rows have.
const sixth = -1. / 6

// weightLine is kernel.weightLine.
func weightLine(k gridder, x []reg.VecVirtual) []reg.VecVirtual {
	first, even, odd, far, slope := k.vec(), k.sum(x[0], x[2]), k.vec(), k.vec(), k.vec()
	VMULPS(k.by[1./4], x[0], first)
	VMULPS(k.by[sixth], even, even)
	VMULPS(k.by[sixth], x[1], odd)
	VMULPS(k.by[1./24], x[0], far)
	VFNMADD231PS(k.by[sixth], x[2], far)
	VMULPS(k.by[1./12], x[1], slope)
	return []reg.VecVirtual{first, k.sum(even, odd), k.difference(even, odd), k.sum(far, slope), k.difference(far, slope), x[2]}
}

// weightBackLine is kernel.weightBackLine.
func weightBackLine(k gridder, x []reg.VecVirtual) []reg.VecVirtual {
	near, nearSlope := k.sum(x[1], x[2]), k.difference(x[1], x[2])
	far, slope := k.sum(x[3], x[4]), k.difference(x[3], x[4])
	VMULPS(k.by[sixth], near, near)
	first := k.plus(near, k.by[1./4], x[0])
	VFMADD231PS(k.by[1./24], far, first)
	VMULPS(k.by[sixth], nearSlope, nearSlope)
	VFMADD231PS(k.by[1./12], slope, nearSlope)
	VFNMADD231PS(k.by[sixth], far, near)
	return []reg.VecVirtual{first, nearSlope, k.sum(near, x[5])}
}
