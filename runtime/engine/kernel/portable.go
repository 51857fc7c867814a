package kernel

import "unsafe"

// goWidth is the number of columns that the portable kernel computes at a time.
const goWidth = 4

// portable is the set in plain Go: the oracle of the others, and what runs where there is no assembly.
var portable = ISA{
	name: "go", width: goWidth, rows: 4,
	tile:      tileGo,
	cross:     crossGo,
	depthwise: depthwiseGo,
	moments:   momentsGo,
	norm:      normGo,
	normAdd:   normAddGo,
	normSums:  normSumsGo,
	endSums:   endSumsGo,
	normBack:  normBackGo,
	tapSums:   tapSumsGo,
	gate:      func(z, x, y *float32, n int, lo, hi float32) { gateGo(vec(z, n), vec(x, n), vec(y, n), lo, hi) },
	add:       func(z, x, y *float32, n int, lo, hi float32) { addGo(vec(z, n), vec(x, n), vec(y, n), lo, hi) },
	mul:       func(z, x, y *float32, n int, lo, hi float32) { mulGo(vec(z, n), vec(x, n), vec(y, n), lo, hi) },
	max:       func(z, x, y *float32, n int, lo, hi float32) { maxGo(vec(z, n), vec(x, n), vec(y, n), lo, hi) },
	affine: func(z, x, a, b *float32, n int, lo, hi float32) {
		affineGo(vec(z, n), vec(x, n), vec(a, n), vec(b, n), lo, hi)
	},
	rowMoments: rowMomentsGo, rowNorm: rowNormGo, rowSums: rowSumsGo, rowDots: rowDotsGo, rowBack: rowBackGo,
	operandGrid:     gridGo(gridSide, gridSide, false, operandLine),
	resultGrid:      gridGo(gridSide, tileSide, true, resultLine),
	operandGridBack: gridGo(gridSide, gridSide, true, operandBackLine),
	resultGridBack:  gridGo(tileSide, gridSide, false, resultBackLine),
	weightGrid:      gridGo(weightSide, gridSide, false, weightLine),
	weightGridBack:  gridGo(gridSide, weightSide, true, weightBackLine),
	hardSigmoid:     func(z, x *float32, n int, a, b float32) { hardSigmoidGo(vec(z, n), vec(x, n), a, b) },
	hardSwish:       func(z, x *float32, n int, a, b float32) { hardSwishGo(vec(z, n), vec(x, n), a, b) },
	hardSwishSlope:  func(z, x *float32, n int, a, b float32) { hardSwishSlopeGo(vec(z, n), vec(x, n), a, b) },
	erf:             curveGo(func(_, x float32) float32 { return erf(x) }),
	gelu:            curveGo(func(_, x float32) float32 { return x * normal(x) }),
	erfSlope:        curveGo(func(g, x float32) float32 { return g * 2 / sqrtPi * Exp(-x*x) }),
	exp:             curveGo(func(_, x float32) float32 { return Exp(x) }),
	sigmoid:         curveGo(func(_, x float32) float32 { return sigmoid(x) }),
	swish:           curveGo(func(_, x float32) float32 { return x * sigmoid(x) }),
	swishSlope:      curveGo(func(g, x float32) float32 { s := sigmoid(x); return g * (s + x*s*(1-s)) }),
	geluSlope:       curveGo(func(g, x float32) float32 { return g * (normal(x) + x*Exp(-x*x/2)*curveTable[erfBell]) }),
}

func vec(p *float32, n int) []float32 { return unsafe.Slice(p, n) }

func unsafeInts(p *int64, n int) []int64 { return unsafe.Slice(p, n) }

// limit bounds v by [lo, hi]; NaN stays.
func limit(v, lo, hi float32) float32 {
	if v < lo {
		return lo
	}
	if v > hi {
		return hi
	}
	return v
}

func addGo(z, x, y []float32, lo, hi float32) {
	for i := range z {
		z[i] = limit(x[i]+y[i], lo, hi)
	}
}

func mulGo(z, x, y []float32, lo, hi float32) {
	for i := range z {
		z[i] = limit(x[i]*y[i], lo, hi)
	}
}

func maxGo(z, x, y []float32, lo, hi float32) {
	for i := range z {
		z[i] = limit(max(x[i], y[i]), lo, hi)
	}
}

func affineGo(z, x, a, b []float32, lo, hi float32) {
	for i := range z {
		z[i] = limit(x[i]*a[i]+b[i], lo, hi)
	}
}

func hardSigmoidGo(z, x []float32, a, b float32) {
	for i, v := range x[:len(z)] {
		z[i] = min(max(a*v+b, 0), 1)
	}
}

func hardSwishGo(z, x []float32, a, b float32) {
	for i, v := range x[:len(z)] {
		z[i] = v * min(max(a*v+b, 0), 1)
	}
}

func hardSwishSlopeGo(z, x []float32, a, b float32) {
	for i, v := range x[:len(z)] {
		h := a*v + b
		z[i] *= limit(h, 0, 1) + gated(h, a*v, 0, 1)
	}
}

func tileGo(rows, vecs int, t *tile) {
	columns := vecs * goWidth
	off := unsafe.Slice(t.off, rows*int(t.taps))
	for r := range rows {
		from := vec(at(t.init, int64(r)*t.ldi), columns)
		to := vec(at(t.c, int64(r)*t.ldc), columns)
		for j := 0; j < columns; j += 4 {
			tileStrip(t, off[r:], rows, columns, j, from[j:j+4], to[j:j+4])
		}
	}
}

// tileStrip computes four columns of one row.
func tileStrip(t *tile, off []int64, rows, columns, j int, from, to []float32) {
	s0, s1, s2, s3 := from[0], from[1], from[2], from[3]
	k := int(t.k)
	for tap := range int(t.taps) {
		x := t.zero
		if o := off[tap*rows]; o >= 0 {
			x = at(t.x, o)
		}
		w := vec(at(t.w, int64(tap*k*columns+j)*4), (k-1)*columns+4)
		for i, a := range vec(x, k) {
			row := w[i*columns : i*columns+4 : i*columns+4]
			s0 += a * row[0]
			s1 += a * row[1]
			s2 += a * row[2]
			s3 += a * row[3]
		}
	}
	to[0], to[1] = limit(s0, t.lo, t.hi), limit(s1, t.lo, t.hi)
	to[2], to[3] = limit(s2, t.lo, t.hi), limit(s3, t.lo, t.hi)
}

func depthwiseGo(d *dwRow) {
	n, bias := int(d.channels), vec(d.bias, int(d.channels))
	starts := unsafe.Slice(d.starts, d.pixels+1)
	entries := unsafe.Slice(d.entries, 2*(starts[d.pixels]-starts[0]))
	for p := range int(d.pixels) {
		out := vec(at(d.out, int64(p*n)*4), n)
		copy(out, bias)
		for i := starts[p] - starts[0]; i < starts[p+1]-starts[0]; i++ {
			o, t := entries[2*i], entries[2*i+1]
			x, wt := vec(at(d.x, int64(o)*int64(n)*4), n), vec(at(d.w, int64(t)*d.stride), n)
			for c := range out {
				out[c] += x[c] * wt[c]
			}
		}
		for c, v := range out {
			out[c] = limit(v, d.lo, d.hi)
		}
	}
}
