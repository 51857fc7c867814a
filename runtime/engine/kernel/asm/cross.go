package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Members of kernel.cross.
const (
	crossX     field = 0
	crossZero  field = 8
	crossOff   field = 16
	crossDepth field = 24
	crossY     field = 32
	crossLdy   field = 40
	crossC     field = 48
	crossLdc   field = 56
	crossNext  field = 64
)

// cross writes the micro-kernel for a transposed matrix, read through a table of offsets, times another.
func cross(s isa, rows, vecs int) {
	name := fmt.Sprintf("cross%dx%d%s", rows, vecs*s.width, s.name)
	TEXT(name, NOSPLIT, "func(c *byte)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s adds to %d rows and %d columns of a product with a transposed matrix.", name, rows, vecs*s.width))
	t := Load(Param("c"), GP64())
	to, ldc := load(crossC, t), load(crossLdc, t)
	acc := make([][]reg.VecVirtual, rows)
	for r := range acc {
		acc[r] = make([]reg.VecVirtual, vecs)
		for v := range acc[r] {
			acc[r][v] = s.vec()
			VMOVUPS(Mem{Base: to, Disp: v * s.width * 4}, acc[r][v])
		}
		if r+1 < rows {
			ADDQ(ldc, to)
		}
	}
	x, zero, off, depth := load(crossX, t), load(crossZero, t), load(crossOff, t), load(crossDepth, t)
	y, ldy := load(crossY, t), load(crossLdy, t)
	yv := make([]reg.VecVirtual, vecs)
	for v := range yv {
		yv[v] = s.vec()
	}
	a, ahead := s.vec(), load(crossNext, t)
	Label("row")
	lookAhead(ahead)
	o, at := GP64(), GP64()
	MOVQ(Mem{Base: off}, o)
	LEAQ(Mem{Base: x, Index: o, Scale: 1}, at)
	TESTQ(o, o)
	CMOVQLT(zero, at)
	for v := range yv {
		VMOVUPS(Mem{Base: y, Disp: v * s.width * 4}, yv[v])
	}
	for r := range acc {
		VBROADCASTSS(Mem{Base: at, Disp: r * 4}, a)
		for v := range yv {
			VFMADD231PS(yv[v], a, acc[r][v])
		}
	}
	ADDQ(Imm(8), off)
	ADDQ(ldy, y)
	DECQ(depth)
	JNZ(LabelRef("row"))
	to = load(crossC, t)
	for r := range acc {
		for v := range acc[r] {
			VMOVUPS(acc[r][v], Mem{Base: to, Disp: v * s.width * 4})
		}
		if r+1 < rows {
			ADDQ(ldc, to)
		}
	}
	VZEROUPPER()
	RET()
}
