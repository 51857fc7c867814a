// Command asm writes the AVX2 and AVX-512 micro-kernels of package kernel with avo.
// It is a module of its own so that avo is no dependency of autotailor.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// isa is one vector instruction set: everything that the kernels below need to know about it.
type isa struct {
	name  string
	width int // floats in a vector
	rows  int // rows of the largest tile
	vec   func() reg.VecVirtual
}

var isas = []isa{
	{"AVX2", 8, 6, YMM},
	{"AVX512", 16, 8, ZMM},
}

func main() {
	ConstraintExpr("amd64")
	for _, s := range isas {
		for vecs := 1; vecs <= 2; vecs++ {
			for rows := 1; rows <= s.rows; rows++ {
				tile(s, rows, vecs)
				cross(s, rows, vecs)
			}
		}
		depthwise(s)
		peak(s)
		columnKernels(s)
		rowKernels(s)
		gates(s)
		grids(s)
		for taps := 1; taps <= 9; taps++ {
			tapSums(s, taps)
		}
		binary(s, "add", "x + y, limited to [lo, hi]", func(x, y, z Op) { VADDPS(x, y, z) })
		binary(s, "mul", "x * y, limited to [lo, hi]", func(x, y, z Op) { VMULPS(x, y, z) })
		binary(s, "max", "max(x, y), limited to [lo, hi]", func(x, y, z Op) { VMAXPS(x, y, z) })
		affine(s)
		curves(s)
		logistics(s)
		hinges(s)
	}
	Generate()
}

// field is the byte offset of a member of one of package kernel's argument structs.
type field int

func (f field) of(base reg.Register) Mem { return Mem{Base: base, Disp: int(f)} }

func load(f field, base reg.Register) reg.GPVirtual {
	r := GP64()
	MOVQ(f.of(base), r)
	return r
}

// limit bounds v by [lo, hi]; a NaN in v stays.
func limit(v, lo, hi Op) {
	VMAXPS(v, lo, v)
	VMINPS(v, hi, v)
}

// zero clears a vector.
func (s isa) zero(v reg.VecVirtual) {
	if s.width == 8 {
		VXORPS(v, v, v)
	} else {
		VPXORD(v, v, v)
	}
}

func title(s isa, what string) string { return fmt.Sprintf("%s%s", what, s.name) }
