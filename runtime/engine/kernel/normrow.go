package kernel

// normRow is the argument of micro-kernels that walk along a row of n elements. Assembly reads it by offset: keep in step with asm/normrow.go.
type normRow struct {
	x, g, scale, bias, out *float32
	n                      int64
	mean, inv              float32
	a, b                   float32
	s0, s1                 float32 // sums
	mask                   *int32  // -1 for the elements of the last partial vector, then 0
}

type rowFunc func(l *normRow)

func rowMomentsGo(l *normRow) {
	l.s0, l.s1 = 0, 0
	for _, v := range vec(l.x, int(l.n)) {
		d := v - l.mean
		l.s0 += d
		l.s1 += d * d
	}
}

func rowNormGo(l *normRow) {
	n := int(l.n)
	scale, bias, out := vec(l.scale, n), vec(l.bias, n), vec(l.out, n)
	for i, v := range vec(l.x, n) {
		out[i] = (v-l.mean)*l.inv*scale[i] + bias[i]
	}
}

func rowSumsGo(l *normRow) {
	n := int(l.n)
	g, scale, bias := vec(l.g, n), vec(l.scale, n), vec(l.bias, n)
	for i, v := range vec(l.x, n) {
		scale[i] += g[i] * (v - l.mean) * l.inv
		bias[i] += g[i]
	}
}

func rowDotsGo(l *normRow) {
	n := int(l.n)
	g, scale := vec(l.g, n), vec(l.scale, n)
	l.s0, l.s1 = 0, 0
	for i, v := range vec(l.x, n) {
		d := g[i] * scale[i]
		l.s0 += d
		l.s1 += d * (v - l.mean)
	}
}

func rowBackGo(l *normRow) {
	n := int(l.n)
	g, scale, out := vec(l.g, n), vec(l.scale, n), vec(l.out, n)
	for i, v := range vec(l.x, n) {
		out[i] = (g[i]*scale[i] - l.a - (v-l.mean)*l.b) * l.inv
	}
}
