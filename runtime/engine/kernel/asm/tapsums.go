package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Members of kernel.tapSums.
const (
	tsX        field = 0
	tsZero     field = 8
	tsOff      field = 16
	tsStep     field = 24
	tsPixels   field = 32
	tsG        field = 40
	tsSums     field = 48
	tsChannels field = 56
	tsMask     field = 64
)

// tapSums writes the kernel for the gradients with respect to so many taps of a depthwise convolution: channels outside, pixels inside.
func tapSums(s isa, taps int) {
	name := fmt.Sprintf("tapSums%d%s", taps, s.name)
	TEXT(name, NOSPLIT, "func(t *byte)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s adds to the gradients with respect to %d taps of a depthwise convolution.", name, taps))
	t := Load(Param("t"), GP64())
	k := depthwiser{lanes: loadMask(s, tsMask.of(t)), d: t}
	at, left := GP64(), GP64()
	XORQ(at, at)
	MOVQ(tsChannels.of(t), left)
	for _, vecs := range []int{2, 1} {
		if vecs == 2 && s.width == 8 && taps > 4 {
			continue // not enough registers
		}
		name := fmt.Sprintf("vecs%d", vecs)
		Label(name)
		CMPQ(left, U32(vecs*s.width))
		JLT(LabelRef(name + "End"))
		tapBlock(k, name, at, taps, vecs, false)
		ADDQ(U32(vecs*s.width*4), at)
		SUBQ(U32(vecs*s.width), left)
		JMP(LabelRef(name))
		Label(name + "End")
	}
	TESTQ(left, left)
	JEQ(LabelRef("end"))
	tapBlock(k, "tail", at, taps, 1, true)
	Label("end")
	VZEROUPPER()
	RET()
}

func tapBlock(k depthwiser, name string, at reg.Register, taps, vecs int, masked bool) {
	channels := load(tsChannels, k.d)
	SHLQ(Imm(2), channels)
	sums := load(tsSums, k.d)
	ADDQ(at, sums)
	acc := make([][]reg.VecVirtual, taps)
	for tap := range acc {
		for v := range vecs {
			acc[tap] = append(acc[tap], k.vec())
			k.read(Mem{Base: sums, Disp: v * k.width * 4}, acc[tap][v], masked)
		}
		ADDQ(channels, sums)
	}
	off, step, pixels, g := load(tsOff, k.d), load(tsStep, k.d), load(tsPixels, k.d), load(tsG, k.d)
	x, zero := load(tsX, k.d), load(tsZero, k.d)
	ADDQ(at, g)
	ADDQ(at, x)
	ADDQ(at, zero)
	gv := make([]reg.VecVirtual, vecs)
	for v := range gv {
		gv[v] = k.vec()
	}
	xv := k.vec()
	Label(name + "Pixel")
	for v := range gv {
		k.read(Mem{Base: g, Disp: v * k.width * 4}, gv[v], masked)
	}
	for tap := range acc {
		o, from := GP64(), GP64()
		MOVLQSX(Mem{Base: off, Disp: tap * 4}, o)
		MOVQ(o, from)
		IMULQ(channels, from)
		ADDQ(x, from)
		TESTQ(o, o)
		CMOVQLT(zero, from)
		for v := range gv {
			m := Mem{Base: from, Disp: v * k.width * 4}
			if masked {
				k.read(m, xv, true)
				VFMADD231PS(xv, gv[v], acc[tap][v])
			} else {
				VFMADD231PS(m, gv[v], acc[tap][v])
			}
		}
	}
	ADDQ(step, off)
	ADDQ(channels, g)
	SUBQ(Imm(1), pixels)
	JNZ(LabelRef(name + "Pixel"))
	sums = load(tsSums, k.d)
	ADDQ(at, sums)
	for tap := range acc {
		for v := range vecs {
			k.store(acc[tap][v], Mem{Base: sums, Disp: v * k.width * 4}, masked)
		}
		ADDQ(channels, sums)
	}
}
