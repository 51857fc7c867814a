package kernel

import "unsafe"

// ISA is a set of micro-kernels for one vector instruction set.
type ISA struct {
	name  string
	width int // floats in a vector
	rows  int // rows of the largest tile

	tile      func(rows, vecs int, t *tile)
	cross     func(rows, vecs int, c *cross)
	depthwise func(d *dwRow)
	add       binaryFunc
	mul       binaryFunc
	max       binaryFunc
	affine    affineFunc

	peak     func(rounds int) // nil where there is no assembly
	moments  columnFunc
	norm     columnFunc
	normAdd  columnFunc
	normSums columnFunc
	endSums  columnFunc
	normBack columnFunc
	gate     binaryFunc // y where x is inside the limits
	tapSums  func(taps int, t *tapSums)

	rowMoments, rowNorm, rowSums, rowDots, rowBack rowFunc

	// Those of Winograd's algorithm: from pixels to values and back, and derivatives the other way.
	operandGrid, resultGrid, weightGrid             gridFunc
	operandGridBack, resultGridBack, weightGridBack gridFunc

	hardSigmoid, hardSwish unaryFunc
	hardSwishSlope         unaryFunc // multiplies by the derivative

	erf, gelu, exp, sigmoid, swish  curveFunc
	erfSlope, geluSlope, swishSlope curveFunc // multiply by the derivative
}

// These work on n elements, n a multiple of the ISA's width.
type (
	binaryFunc func(z, x, y *float32, n int, lo, hi float32)
	affineFunc func(z, x, a, b *float32, n int, lo, hi float32)
	unaryFunc  func(z, x *float32, n int, a, b float32)
)

// available lists what this machine can run, best first; the portable set is last.
var available = append(detect(), &portable)

// Best returns the fastest micro-kernels for this machine.
func Best() *ISA { return available[0] }

// All returns every set of micro-kernels that this machine can run, best first.
func All() []*ISA { return append([]*ISA(nil), available...) }

// String returns the name of the instruction set.
func (u *ISA) String() string { return u.name }

// Peak runs multiply-accumulates as fast as this processor can, about n of them, and returns how many it ran; 0 where there is no
// assembly. Its speed is what that of a matrix product is compared with.
func (u *ISA) Peak(n int) int {
	if u.peak == nil {
		return 0
	}
	each := 12 * u.width
	u.peak(n/each + 1)
	return (n/each + 1) * each
}

// tile is the argument of the matrix micro-kernel: for rows r and columns j,
//
//	c[r][j] = limit(init[r][j] + sum over taps t and k of x[off[t][r]+k] * w[t][k][j])
//
// Assembly reads it by offset: keep in step with asm/tile.go.
type tile struct {
	x    *float32
	zero *float32 // read for negative offsets; k floats
	off  *int64   // [taps][rows] in bytes
	taps int64
	k    int64
	w    *float32 // [taps][k][columns]
	init *float32
	ldi  int64 // bytes between rows of init; 0 repeats one row, a bias
	c    *float32
	ldc  int64 // bytes between rows of c
	lo   float32
	hi   float32
	next *float32 // see ahead
}

// dwRow is the argument of the depthwise micro-kernel, which computes a run of output pixels.
// Assembly reads it by offset: keep in step with asm/depthwise.go.
type dwRow struct {
	x        *float32
	starts   *int32 // [pixels+1] where the entries of each pixel start
	entries  *int32 // of the first pixel: see tapList
	pixels   int64
	w        *float32 // [taps][channels], taps are stride apart
	bias     *float32
	out      *float32 // [pixels][channels]
	channels int64
	lo       float32
	hi       float32
	mask     *int32 // -1 for the channels of the last partial vector, then 0
	stride   int64  // bytes between taps of w
}

// at returns p moved by n bytes.
func at(p *float32, n int64) *float32 {
	return (*float32)(unsafe.Add(unsafe.Pointer(p), n))
}

// first returns the address of the first element.
func first(s []float32) *float32 { return unsafe.SliceData(s) }
