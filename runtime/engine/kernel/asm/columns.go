package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Members of kernel.columns.
const (
	colX    field = 0
	colG    field = 8
	colOut  field = 16
	colLd   field = 24
	colRows field = 32
	colCols field = 40
	colA    field = 48
	colB    field = 56
	colC    field = 64
	colD    field = 72
	colE    field = 80
	colS0   field = 88
	colS1   field = 96
	colLo   field = 104
	colHi   field = 108
	colMask field = 112
	colMore field = 120
	colZ    field = 128
)

// Predicates of VCMPPS, ordered and quiet.
const (
	greater = 0x1e
	less    = 0x11
)

// column is a vector of columns that a kernel is at.
type column struct {
	columnKernel
	masked bool
	disp   int                              // of its elements in a row, in bytes
	coef   map[field]reg.VecVirtual         // per column
	sums   map[field]reg.VecVirtual         // per column, loaded before the rows and stored after them
	gather func(f field, to reg.VecVirtual) // reads a row's elements of a matrix
	put    func(v reg.VecVirtual, f field)  // writes them
}

// columnKernel is a kernel that walks down the columns of matrices, a vector of them at a time.
type columnKernel struct {
	isa
	name   string
	coef   []field // vectors with an element per column
	sums   []field
	more   []field // matrices besides x, g and out
	limits bool
	body   func(c column)

	lo, hi reg.VecVirtual
	lanes  lanes
}

// write writes the kernel: vectors of columns outside, rows inside.
func (k columnKernel) write(doc string) {
	TEXT(title(k.isa, k.name), NOSPLIT, "func(c *byte)")
	Pragma("noescape")
	Doc(title(k.isa, k.name) + " " + doc)
	t := Load(Param("c"), GP64())
	if k.limits {
		k.lo, k.hi = k.vec(), k.vec()
		VBROADCASTSS(colLo.of(t), k.lo)
		VBROADCASTSS(colHi.of(t), k.hi)
	}
	k.lanes = loadMask(k.isa, colMask.of(t))
	at, left := GP64(), GP64()
	XORQ(at, at)
	MOVQ(colCols.of(t), left)
	if k.width == 16 {
		k.loop("wide", t, at, left, 4)
	}
	k.loop("single", t, at, left, 1)
	TESTQ(left, left)
	JEQ(LabelRef("end"))
	k.block("tail", t, at, 1, true)
	Label("end")
	VZEROUPPER()
	RET()
}

// loop does blocks of so many vectors while there are enough columns.
func (k columnKernel) loop(name string, t, at, left reg.Register, vecs int) {
	Label(name)
	CMPQ(left, U32(vecs*k.width))
	JLT(LabelRef(name + "End"))
	k.block(name, t, at, vecs, false)
	ADDQ(U32(vecs*k.width*4), at)
	SUBQ(U32(vecs*k.width), left)
	JMP(LabelRef(name))
	Label(name + "End")
}

func (k columnKernel) block(name string, t, at reg.Register, vecs int, masked bool) {
	list := make([]column, vecs)
	for v := range list {
		list[v] = column{columnKernel: k, masked: masked, disp: v * k.width * 4, coef: map[field]reg.VecVirtual{}, sums: map[field]reg.VecVirtual{}}
		for _, f := range k.coef {
			list[v].coef[f] = k.vec()
		}
		for _, f := range k.sums {
			list[v].sums[f] = k.vec()
		}
	}
	for _, f := range append(append([]field{}, k.coef...), k.sums...) {
		from := load(f, t)
		for _, c := range list {
			to := c.coef[f]
			if to == nil {
				to = c.sums[f]
			}
			c.read(Mem{Base: from, Index: at, Scale: 1, Disp: c.disp}, to)
		}
	}
	pointers, matrices := map[field]reg.GPVirtual{}, append([]field{colX, colG, colOut}, k.more...)
	for _, f := range matrices {
		pointers[f] = load(f, t)
		ADDQ(at, pointers[f])
	}
	ld, rows := load(colLd, t), load(colRows, t)
	Label(name + "Row")
	for _, c := range list {
		c.gather = func(f field, to reg.VecVirtual) { c.read(Mem{Base: pointers[f], Disp: c.disp}, to) }
		c.put = func(v reg.VecVirtual, f field) { c.store(v, Mem{Base: pointers[f], Disp: c.disp}) }
		k.body(c)
	}
	for _, f := range matrices {
		ADDQ(ld, pointers[f])
	}
	SUBQ(Imm(1), rows)
	JNZ(LabelRef(name + "Row"))
	for _, f := range k.sums {
		to := load(f, t)
		for _, c := range list {
			c.store(c.sums[f], Mem{Base: to, Index: at, Scale: 1, Disp: c.disp})
		}
	}
}

func (c column) read(m Mem, v reg.VecVirtual) { c.lanes.read(m, v, c.masked) }

func (c column) store(v reg.VecVirtual, m Mem) { c.lanes.store(v, m, c.masked) }

// gate clears g where v is not inside the limits.
func (k columnKernel) gate(v, g reg.VecVirtual) {
	gate(k.isa, k.lo, k.hi, v, g)
}

func gate(s isa, lo, hi, v, g reg.VecVirtual) {
	if s.width == 8 {
		a, b := s.vec(), s.vec()
		VCMPPS(Imm(greater), lo, v, a)
		VCMPPS(Imm(less), hi, v, b)
		VANDPS(a, b, a)
		VANDPS(a, g, g)
		return
	}
	a, b := K(), K()
	VCMPPS(Imm(greater), lo, v, a)
	VCMPPS(Imm(less), hi, v, a, b)
	VMOVAPS_Z(g, b, g)
}

// gated reads x and those derivatives of limit(a*x + b) by x that are not zero.
func (c column) gated() (x, g reg.VecVirtual) {
	x, g = c.vec(), c.vec()
	v := c.vec()
	c.gather(colX, x)
	c.gather(colG, g)
	VMOVAPS(c.coef[colB], v)
	VFMADD231PS(c.coef[colA], x, v)
	c.gate(v, g)
	return x, g
}

// columnKernels writes those of batch normalisation.
func columnKernels(s isa) {
	columnKernel{isa: s, name: "moments", coef: []field{colC}, sums: []field{colS0, colS1}, body: func(c column) {
		x := c.vec()
		c.gather(colX, x)
		VSUBPS(c.coef[colC], x, x)
		VADDPS(x, c.sums[colS0], c.sums[colS0])
		VFMADD231PS(x, x, c.sums[colS1])
	}}.write("adds to the sums of columns and of their squares, from which c is subtracted first.")
	columnKernel{isa: s, name: "norm", coef: []field{colA, colB}, limits: true, body: func(c column) {
		x, v := c.vec(), c.vec()
		c.gather(colX, x)
		VMOVAPS(c.coef[colB], v)
		VFMADD231PS(c.coef[colA], x, v)
		limit(v, c.lo, c.hi)
		c.put(v, colOut)
	}}.write("sets out to a*x + b, limited to [lo, hi].")
	columnKernel{isa: s, name: "normAdd", coef: []field{colA, colB, colC}, limits: true, body: func(c column) {
		x, y, v := c.vec(), c.vec(), c.vec()
		c.gather(colX, x)
		c.gather(colG, y)
		VMOVAPS(c.coef[colB], v)
		VFMADD231PS(c.coef[colA], x, v)
		VFMADD231PS(c.coef[colC], y, v)
		limit(v, c.lo, c.hi)
		c.put(v, colOut)
	}}.write("sets out to a*x + b + c*g, limited to [lo, hi].")
	columnKernel{isa: s, name: "normSums", coef: []field{colA, colB, colC}, sums: []field{colS0, colS1}, limits: true, body: func(c column) {
		x, g := c.gated()
		VADDPS(g, c.sums[colS0], c.sums[colS0])
		VSUBPS(c.coef[colC], x, x)
		VFMADD231PS(x, g, c.sums[colS1])
	}}.write("adds to the sums of g and of g*(x - c), where g counts only where a*x + b is inside the limits.")
	columnKernel{isa: s, name: "endSums", coef: []field{colC}, sums: []field{colS0, colS1}, more: []field{colMore, colZ}, limits: true, body: func(c column) {
		x, g, more, z := c.vec(), c.vec(), c.vec(), c.vec()
		c.gather(colG, g)
		c.gather(colMore, more)
		c.gather(colZ, z)
		c.gather(colX, x)
		VADDPS(more, g, g)
		c.gate(z, g)
		VADDPS(g, c.sums[colS0], c.sums[colS0])
		VSUBPS(c.coef[colC], x, x)
		VFMADD231PS(x, g, c.sums[colS1])
		c.put(g, colOut)
	}}.write("sets out to g + more where z is inside the limits, else to 0, and adds to the sums of out and of out*(x - c).")
	columnKernel{isa: s, name: "normBack", coef: []field{colA, colB, colC, colD, colE}, limits: true, body: func(c column) {
		x, g := c.gated()
		v := c.vec()
		VMOVAPS(c.coef[colE], v)
		VFMADD231PS(c.coef[colD], x, v)
		VFMADD231PS(c.coef[colC], g, v)
		c.put(v, colOut)
	}}.write("sets out to c*g + d*x + e, where g counts only where a*x + b is inside the limits.")
}

// gates writes z[i] = y[i] where x[i] is inside the limits, else 0.
func gates(s isa) {
	binaryOf(s, "gate", "y where x is inside of (lo, hi), else 0", func(x, z reg.VecVirtual, y Mem, lo, hi reg.VecVirtual) {
		VMOVUPS(y, z)
		gate(s, lo, hi, x, z)
	})
}
