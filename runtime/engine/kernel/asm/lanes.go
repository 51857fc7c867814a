package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// lanes reads and writes vectors of which the last may be partial. Its mask is a vector for AVX2, a mask register for AVX-512.
type lanes struct {
	isa
	v reg.VecVirtual
	k reg.OpmaskVirtual
}

// loadMask loads the mask: see masks of package kernel.
func loadMask(s isa, from Mem) lanes {
	at := GP64()
	MOVQ(from, at)
	v := s.vec()
	if s.width == 8 {
		VMOVUPS(Mem{Base: at}, v)
		return lanes{isa: s, v: v}
	}
	k := K()
	VMOVDQU32(Mem{Base: at}, v)
	VPMOVD2M(v, k)
	return lanes{isa: s, k: k}
}

// read loads a vector, 0 beyond the mask if it is masked.
func (l lanes) read(m Mem, v reg.VecVirtual, masked bool) {
	switch {
	case !masked:
		VMOVUPS(m, v)
	case l.width == 8:
		VMASKMOVPS(m, l.v, v)
	default:
		VMOVUPS_Z(m, l.k, v)
	}
}

// store stores what read loads.
func (l lanes) store(v reg.VecVirtual, m Mem, masked bool) {
	switch {
	case !masked:
		VMOVUPS(v, m)
	case l.width == 8:
		VMASKMOVPS(v, l.v, m)
	default:
		VMOVUPS(v, l.k, m)
	}
}

// clear makes v 0 beyond the mask.
func (l lanes) clear(v reg.VecVirtual) {
	if l.width == 8 {
		VANDPS(l.v, v, v)
	} else {
		VMOVAPS_Z(v, l.k, v)
	}
}
