package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Members of kernel.tile.
const (
	tileX    field = 0
	tileZero field = 8
	tileOff  field = 16
	tileTaps field = 24
	tileK    field = 32
	tileW    field = 40
	tileInit field = 48
	tileLdi  field = 56
	tileC    field = 64
	tileLdc  field = 72
	tileLo   field = 80
	tileHi   field = 84
	tileNext field = 88
)

// tile writes the matrix micro-kernel of rows x (vecs vectors): an indirect GEMM as in
// "The Indirect Convolution Algorithm" (Dukhan, 2019), which reads rows of x through a table of offsets.
func tile(s isa, rows, vecs int) {
	TEXT(fmt.Sprintf("tile%dx%d%s", rows, vecs*s.width, s.name), NOSPLIT, "func(t *byte)")
	Pragma("noescape")
	Doc(fmt.Sprintf("tile%dx%d%s computes one tile of %d rows and %d columns.", rows, vecs*s.width, s.name, rows, vecs*s.width))
	t := Load(Param("t"), GP64())
	acc := make([][]reg.VecVirtual, rows)
	tileLoadInit(s, t, acc, vecs)

	w, off, taps := load(tileW, t), load(tileOff, t), load(tileTaps, t)
	bvec := make([]reg.VecVirtual, vecs)
	for v := range bvec {
		bvec[v] = s.vec()
	}
	a, ahead := s.vec(), load(tileNext, t)

	Label("tap")
	ptr := make([]reg.GPVirtual, rows)
	k := GP64()
	tileRows(t, off, k, ptr)
	Label("inner")
	step := func(at int) {
		for v := range bvec {
			VMOVUPS(Mem{Base: w, Disp: (at*vecs + v) * s.width * 4}, bvec[v])
		}
		for r := range acc {
			VBROADCASTSS(Mem{Base: ptr[r], Index: k, Scale: 1, Disp: at * 4}, a)
			for v := range bvec {
				VFMADD231PS(bvec[v], a, acc[r][v])
			}
		}
	}
	lookAhead(ahead)
	step(0)
	ADDQ(U32(vecs*s.width*4), w)
	ADDQ(Imm(4), k)
	JNZ(LabelRef("inner"))
	DECQ(taps)
	JNZ(LabelRef("tap"))

	tileStore(s, t, acc)
	VZEROUPPER()
	RET()
}

// lookAhead has the next cache line brought into the second cache.
func lookAhead(at reg.Register) {
	PREFETCHT1(Mem{Base: at})
	ADDQ(Imm(64), at)
}

// tileLoadInit starts the accumulators from init, whose rows are ldi bytes apart (0: the same row for all, a bias).
func tileLoadInit(s isa, t reg.Register, acc [][]reg.VecVirtual, vecs int) {
	from, ldi := load(tileInit, t), load(tileLdi, t)
	for r := range acc {
		acc[r] = make([]reg.VecVirtual, vecs)
		for v := range acc[r] {
			acc[r][v] = s.vec()
			VMOVUPS(Mem{Base: from, Disp: v * s.width * 4}, acc[r][v])
		}
		if r+1 < len(acc) {
			ADDQ(ldi, from)
		}
	}
}

// tileRows reads the next offsets and leaves in ptr the ends of the rows of x, in k minus their length in bytes.
func tileRows(t, off reg.Register, k reg.GPVirtual, ptr []reg.GPVirtual) {
	MOVQ(tileK.of(t), k)
	SHLQ(Imm(2), k)
	for r := range ptr {
		ptr[r] = GP64()
		MOVQ(Mem{Base: off, Disp: r * 8}, ptr[r])
		CMPQ(ptr[r], Imm(0))
		at := GP64()
		MOVQ(tileX.of(t), at)
		LEAQ(Mem{Base: at, Index: ptr[r], Scale: 1}, ptr[r])
		CMOVQLT(tileZero.of(t), ptr[r])
		ADDQ(k, ptr[r])
	}
	ADDQ(U32(8*len(ptr)), off)
	NEGQ(k)
}

func tileStore(s isa, t reg.Register, acc [][]reg.VecVirtual) {
	lo, hi := s.vec(), s.vec()
	VBROADCASTSS(tileLo.of(t), lo)
	VBROADCASTSS(tileHi.of(t), hi)
	c, ldc := load(tileC, t), load(tileLdc, t)
	for r := range acc {
		for v := range acc[r] {
			limit(acc[r][v], lo, hi)
			VMOVUPS(acc[r][v], Mem{Base: c, Disp: v * s.width * 4})
		}
		if r+1 < len(acc) {
			ADDQ(ldc, c)
		}
	}
}
