package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Members of kernel.normRow.
const (
	rowX     field = 0
	rowG     field = 8
	rowScale field = 16
	rowBias  field = 24
	rowOut   field = 32
	rowN     field = 40
	rowMean  field = 48
	rowInv   field = 52
	rowA     field = 56
	rowB     field = 60
	rowS0    field = 64
	rowS1    field = 68
	rowMask  field = 72
)

// rowKernel is a kernel that walks along rows, a vector of elements at a time.
type rowKernel struct {
	isa
	name    string
	rows    []field // of elements that it reads or writes
	scalars []field
	sums    bool // it leaves two sums
	body    func(r row)
}

// row is where a kernel is.
type row struct {
	lanes
	masked bool
	at     func(f field) Mem
	scalar map[field]reg.VecVirtual
	s0, s1 reg.VecVirtual
}

func (k rowKernel) write(doc string) {
	TEXT(title(k.isa, k.name), NOSPLIT, "func(l *byte)")
	Pragma("noescape")
	Doc(title(k.isa, k.name) + " " + doc)
	t := Load(Param("l"), GP64())
	r := row{lanes: loadMask(k.isa, rowMask.of(t)), scalar: map[field]reg.VecVirtual{}, s0: k.vec(), s1: k.vec()}
	for _, f := range k.scalars {
		r.scalar[f] = k.vec()
		VBROADCASTSS(f.of(t), r.scalar[f])
	}
	pointers := map[field]reg.GPVirtual{}
	for _, f := range k.rows {
		pointers[f] = load(f, t)
	}
	i, left := GP64(), load(rowN, t)
	XORQ(i, i)
	if k.sums {
		k.zero(r.s0)
		k.zero(r.s1)
	}
	r.at = func(f field) Mem { return Mem{Base: pointers[f], Index: i, Scale: 4} }
	Label("loop")
	CMPQ(left, U32(k.width))
	JLT(LabelRef("tail"))
	k.body(r)
	ADDQ(U32(k.width), i)
	SUBQ(U32(k.width), left)
	JMP(LabelRef("loop"))
	Label("tail")
	TESTQ(left, left)
	JEQ(LabelRef("end"))
	r.masked = true
	k.body(r)
	Label("end")
	if k.sums {
		k.total(r.s0, rowS0.of(t))
		k.total(r.s1, rowS1.of(t))
	}
	VZEROUPPER()
	RET()
}

// get reads elements of a row; beyond its end they are 0.
func (r row) get(f field) reg.VecVirtual {
	v := r.vec()
	r.read(r.at(f), v, r.masked)
	return v
}

// put writes them.
func (r row) put(v reg.VecVirtual, f field) { r.store(v, r.at(f), r.masked) }

// offset is x less the mean, 0 beyond the end.
func (r row) offset() reg.VecVirtual {
	x := r.get(rowX)
	VSUBPS(r.scalar[rowMean], x, x)
	if r.masked {
		r.clear(x)
	}
	return x
}

// total stores the sum of v's elements.
func (s isa) total(v reg.VecVirtual, to Mem) {
	y, x := v.AsY(), v.AsX()
	if s.width == 16 {
		upper := YMM()
		VEXTRACTF64X4(Imm(1), v, upper)
		VADDPS(upper, y, y)
	}
	upper := XMM()
	VEXTRACTF128(Imm(1), y, upper)
	VADDPS(upper, x, x)
	VHADDPS(x, x, x)
	VHADDPS(x, x, x)
	VMOVSS(x, to)
}

// rowKernels writes those of layer normalisation.
func rowKernels(s isa) {
	rowKernel{isa: s, name: "rowMoments", rows: []field{rowX}, scalars: []field{rowMean}, sums: true, body: func(r row) {
		x := r.offset()
		VADDPS(x, r.s0, r.s0)
		VFMADD231PS(x, x, r.s1)
	}}.write("sums x - mean and its squares.")
	rowKernel{isa: s, name: "rowNorm", rows: []field{rowX, rowScale, rowBias, rowOut}, scalars: []field{rowMean, rowInv}, body: func(r row) {
		x, scale, z := r.offset(), r.get(rowScale), r.get(rowBias)
		VMULPS(r.scalar[rowInv], x, x)
		VFMADD231PS(scale, x, z)
		r.put(z, rowOut)
	}}.write("sets out to (x - mean)*inv*scale + bias.")
	rowKernel{isa: s, name: "rowSums", rows: []field{rowX, rowG, rowScale, rowBias}, scalars: []field{rowMean, rowInv}, body: func(r row) {
		x, g, scale, bias := r.offset(), r.get(rowG), r.get(rowScale), r.get(rowBias)
		VMULPS(r.scalar[rowInv], x, x)
		VFMADD231PS(g, x, scale)
		VADDPS(g, bias, bias)
		r.put(scale, rowScale)
		r.put(bias, rowBias)
	}}.write("adds g*(x - mean)*inv to scale and g to bias.")
	rowKernel{isa: s, name: "rowDots", rows: []field{rowX, rowG, rowScale}, scalars: []field{rowMean}, sums: true, body: func(r row) {
		x, g := r.offset(), r.get(rowG)
		VMULPS(r.get(rowScale), g, g)
		VADDPS(g, r.s0, r.s0)
		VFMADD231PS(x, g, r.s1)
	}}.write("sums g*scale and g*scale*(x - mean).")
	rowKernel{isa: s, name: "rowBack", rows: []field{rowX, rowG, rowScale, rowOut}, scalars: []field{rowMean, rowInv, rowA, rowB}, body: func(r row) {
		x, g := r.offset(), r.get(rowG)
		VMULPS(r.get(rowScale), g, g)
		VSUBPS(r.scalar[rowA], g, g)
		VFNMADD231PS(r.scalar[rowB], x, g)
		VMULPS(r.scalar[rowInv], g, g)
		r.put(g, rowOut)
	}}.write("sets out to (g*scale - a - (x - mean)*b)*inv.")
}
