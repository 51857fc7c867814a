package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// peak writes a loop of multiply-accumulates that do not wait for each other nor for memory: 12 vectors in each round.
func peak(s isa) {
	TEXT(title(s, "peak"), NOSPLIT, "func(rounds int)")
	Pragma("noescape")
	Doc(title(s, "peak") + " runs rounds of 12 vectors of multiply-accumulates.")
	n := Load(Param("rounds"), GP64())
	v := make([]reg.VecVirtual, 13)
	for i := range v {
		v[i] = s.vec()
		s.zero(v[i])
	}
	Label("round")
	for _, acc := range v[1:] {
		VFMADD231PS(v[0], v[0], acc)
	}
	SUBQ(Imm(1), n)
	JNZ(LabelRef("round"))
	VZEROUPPER()
	RET()
}
