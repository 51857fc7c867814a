package kernel

// grid is the argument of the micro-kernels of Winograd's algorithm, which take tiles of pixels to values at 6x6 points or back. Assembly reads it
// by offset: keep in step with asm/winograd.go.
type grid struct {
	pixels   *float32 // of an image
	outside  *float32 // stands for a pixel outside: as many floats as channels
	off      *int64   // [tiles][pixels of a tile] in bytes; -1 is outside
	tiles    int64
	channels int64
	values   *float32 // [points][tiles][channels]
	stride   int64    // bytes between points
	temp     *float32 // points vectors
	mask     *int32
}

type gridFunc func(g *grid)

// points is the number of values of a tile, the others are extents.
const (
	points     = gridSide * gridSide
	gridSide   = tileSide + weightSide - 1
	tileSide   = 4 // of the result
	weightSide = 3
)

// line is one row or column of a tile, or of its values.
type line [gridSide]float32

// operandLine is B', the transform of the operand in F(4, 3) of "Fast Algorithms for Convolutional Neural Networks" (Lavin and Gray, 2016):
// values at the points 0, 1, -1, 2, -2 and infinity.
func operandLine(x line) line {
	even, odd := x[4]-4*x[2], x[3]-4*x[1]
	far, slope := x[4]-x[2], 2*(x[3]-x[1])
	return line{4*x[0] - 5*x[2] + x[4], even + odd, even - odd, far + slope, far - slope, 4*x[1] - 5*x[3] + x[5]}
}

// operandBackLine is B.
func operandBackLine(x line) line {
	near, nearSlope := x[1]+x[2], x[1]-x[2]
	far, slope := x[3]+x[4], x[3]-x[4]
	return line{
		4 * x[0], 4*(x[5]-nearSlope) - 2*slope, -5*x[0] - 4*near - far, nearSlope + 2*slope - 5*x[5], x[0] + near + far, x[5],
	}
}

// resultLine is A', which makes results of values.
func resultLine(x line) line {
	near, nearSlope := x[1]+x[2], x[1]-x[2]
	far, slope := x[3]+x[4], x[3]-x[4]
	return line{x[0] + near + far, nearSlope + 2*slope, near + 4*far, nearSlope + 8*slope + x[5]}
}

// resultBackLine is A.
func resultBackLine(x line) line {
	even, odd := x[0]+x[2], x[1]+x[3]
	far, slope := x[0]+4*x[2], 2*(x[1]+4*x[3])
	return line{x[0], even + odd, even - odd, far + slope, far - slope, x[3]}
}

// weightLine is G, the transform of weights.
func weightLine(x line) line {
	even, odd := (x[0]+x[2])*(-1./6), x[1]*(-1./6)
	far, slope := x[0]*(1./24)+x[2]*(1./6), x[1]*(1./12)
	return line{x[0] * (1. / 4), even + odd, even - odd, far + slope, far - slope, x[2]}
}

// weightBackLine is G'.
func weightBackLine(x line) line {
	near, far := (x[1]+x[2])*(-1./6), x[3]+x[4]
	return line{x[0]*(1./4) + near + far*(1./24), (x[2]-x[1])*(1./6) + (x[3]-x[4])*(1./12), near + far*(1./6) + x[5]}
}

// square transforms the first rows and columns of x, from of them, to as many as to.
func square(x *[gridSide]line, from, to int, f func(line) line) {
	for j := range from {
		var column line
		for i := range from {
			column[i] = x[i][j]
		}
		for i, v := range f(column) {
			x[i][j] = v
		}
	}
	for i := range to {
		x[i] = f(x[i])
	}
}

// pixel returns where a pixel of a tile is.
func (g *grid) pixel(off int64) *float32 {
	if off < 0 {
		return g.outside
	}
	return at(g.pixels, off)
}

// gridGo is a portable transform of squares of side from to those of side to, back is from values to pixels. It adds to what pixels have, where
// they are those of an operand.
func gridGo(from, to int, back bool, f func(line) line) gridFunc {
	side, add := from, back && to == gridSide
	if back {
		side = to
	}
	return func(g *grid) {
		for tile := range g.tiles {
			off := unsafeInts(g.off, int(g.tiles)*side*side)[int(tile)*side*side:]
			for ch := range g.channels {
				var x [gridSide]line
				at0 := tile*g.channels + ch
				for i := range from * from {
					p := at(g.values, int64(i)*g.stride+at0*4)
					if !back {
						p = at(g.pixel(off[i]), ch*4)
					}
					x[i/from][i%from] = *p
				}
				square(&x, from, to, f)
				for i := range to * to {
					p := at(g.values, int64(i)*g.stride+at0*4)
					if back {
						p = at(g.pixel(off[i]), ch*4)
					}
					if v := x[i/to][i%to]; add {
						*p += v
					} else {
						*p = v
					}
				}
			}
		}
	}
}
