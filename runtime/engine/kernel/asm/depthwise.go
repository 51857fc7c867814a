package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Members of kernel.dwRow.
const (
	dwX        field = 0
	dwStarts   field = 8
	dwEntries  field = 16
	dwPixels   field = 24
	dwW        field = 32
	dwBias     field = 40
	dwOut      field = 48
	dwChannels field = 56
	dwLo       field = 64
	dwHi       field = 68
	dwMask     field = 72
	dwStride   field = 80
)

// depthwiser holds the registers of a depthwise kernel that is being written.
type depthwiser struct {
	lanes
	d, lo, hi, out, off, c reg.Register // off is where the pixel's entries are, c the offset of the channels at hand, in bytes
	taps                   reg.Register // of the pixel
}

// depthwise writes the kernel for a run of output pixels of a channels-last depthwise convolution.
func depthwise(s isa) {
	TEXT(title(s, "depthwise"), NOSPLIT, "func(d *byte)")
	Pragma("noescape")
	Doc(title(s, "depthwise") + " computes a run of output pixels of a depthwise convolution.")
	d := Load(Param("d"), GP64())
	lo, hi := s.vec(), s.vec()
	VBROADCASTSS(dwLo.of(d), lo)
	VBROADCASTSS(dwHi.of(d), hi)
	out, off := load(dwOut, d), load(dwEntries, d)
	mask := loadMask(s, dwMask.of(d))

	Label("pixel")
	c, left := GP64(), GP64()
	XORQ(c, c)
	MOVQ(dwChannels.of(d), left)
	taps, starts := GP64(), load(dwStarts, d)
	MOVLQSX(Mem{Base: starts, Disp: 4}, taps)
	from := GP64()
	MOVLQSX(Mem{Base: starts}, from)
	SUBQ(from, taps)
	k := depthwiser{mask, d, lo, hi, out, off, c, taps}
	const wide = 4
	Label("wide")
	CMPQ(left, U32(wide*s.width))
	JLT(LabelRef("single"))
	k.block("wide", wide, false)
	ADDQ(U32(wide*s.width*4), c)
	SUBQ(U32(wide*s.width), left)
	JMP(LabelRef("wide"))
	Label("single")
	CMPQ(left, U32(s.width))
	JLT(LabelRef("tail"))
	k.block("single", 1, false)
	ADDQ(U32(s.width*4), c)
	SUBQ(U32(s.width), left)
	JMP(LabelRef("single"))
	Label("tail")
	CMPQ(left, Imm(0))
	JEQ(LabelRef("next"))
	k.block("tail", 1, true)
	Label("next")
	step := load(dwChannels, d)
	LEAQ(Mem{Base: out, Index: step, Scale: 4}, out)
	LEAQ(Mem{Base: off, Index: taps, Scale: 8}, off)
	ADDQ(Imm(4), dwStarts.of(d))
	DECQ(dwPixels.of(d))
	JNZ(LabelRef("pixel"))
	VZEROUPPER()
	RET()
}

// block computes some vectors of channels of one pixel.
func (k depthwiser) block(name string, vecs int, masked bool) {
	w, o, taps := load(dwW, k.d), GP64(), GP64()
	from := load(dwBias, k.d)
	LEAQ(Mem{Base: w, Index: k.c, Scale: 1}, w)
	MOVQ(k.off, o)
	acc := make([]reg.VecVirtual, vecs)
	for v := range acc {
		acc[v] = k.vec()
		k.read(Mem{Base: from, Index: k.c, Scale: 1, Disp: v * k.width * 4}, acc[v], masked)
	}
	stride := load(dwChannels, k.d)
	SHLQ(Imm(2), stride)
	MOVQ(k.taps, taps)
	TESTQ(taps, taps)
	JEQ(LabelRef(name + "done"))
	Label(name + "tap")
	at, wt := GP64(), GP64()
	MOVLQSX(Mem{Base: o}, at)
	MOVLQSX(Mem{Base: o, Disp: 4}, wt)
	ADDQ(Imm(8), o)
	IMULQ(stride, at)
	IMULQ(dwStride.of(k.d), wt)
	ADDQ(dwX.of(k.d), at)
	ADDQ(w, wt)
	wv := k.vec()
	for v := range acc {
		disp := v * k.width * 4
		k.read(Mem{Base: wt, Disp: disp}, wv, masked)
		if masked {
			xv := k.vec()
			k.read(Mem{Base: at, Index: k.c, Scale: 1, Disp: disp}, xv, masked)
			VFMADD231PS(xv, wv, acc[v])
		} else {
			VFMADD231PS(Mem{Base: at, Index: k.c, Scale: 1, Disp: disp}, wv, acc[v])
		}
	}
	DECQ(taps)
	JNZ(LabelRef(name + "tap"))
	Label(name + "done")
	for v := range acc {
		limit(acc[v], k.lo, k.hi)
		k.store(acc[v], Mem{Base: k.out, Index: k.c, Scale: 1, Disp: v * k.width * 4}, masked)
	}
}
