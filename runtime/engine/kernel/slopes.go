package kernel

import "math"

// Slope sets g to the gradient with respect to x of z = f(x), given dz.
type Slope func(g, dz, x, z []float32, a, b float32)

// slope makes a Slope of the derivative of f.
func slope(f func(x, z, a, b float32) float32) Slope {
	return func(g, dz, x, z []float32, a, b float32) {
		for i, d := range dz[:len(g)] {
			g[i] = d * f(x[i], z[i], a, b)
		}
	}
}

// wideSlope makes a Slope of a derivative in float64.
func wideSlope(f func(x float64) float64) Slope {
	return slope(func(x, _, _, _ float32) float32 { return float32(f(float64(x))) })
}

// slopes lists derivatives of element-wise functions by ONNX operator type. At a kink they are zero where PyTorch has zero.
var slopes = map[string]Slope{
	"Clip":       slope(func(x, _, lo, hi float32) float32 { return truth(x > lo && x < hi) }),
	"LeakyRelu":  slope(func(x, _, a, _ float32) float32 { return truth(x > 0) + a*truth(x <= 0) }),
	"Sigmoid":    slope(func(_, z, _, _ float32) float32 { return z * (1 - z) }),
	"Tanh":       slope(func(_, z, _, _ float32) float32 { return 1 - z*z }),
	"Exp":        slope(func(_, z, _, _ float32) float32 { return z }),
	"Log":        slope(func(x, _, _, _ float32) float32 { return 1 / x }),
	"Sqrt":       slope(func(_, z, _, _ float32) float32 { return 0.5 / z }),
	"Reciprocal": slope(func(_, z, _, _ float32) float32 { return -z * z }),
	"Neg":        slope(func(_, _, _, _ float32) float32 { return -1 }),
	"Abs":        slope(func(x, _, _, _ float32) float32 { return truth(x > 0) - truth(x < 0) }),
	"Softplus":   slope(func(x, _, _, _ float32) float32 { return 1 / (1 + Exp(-x)) }),
	"Elu": slope(func(x, z, a, _ float32) float32 {
		if x > 0 {
			return 1
		}
		return z + a
	}),
	"Celu": slope(func(x, _, a, _ float32) float32 { return float32(math.Exp(float64(min(x, 0) / a))) }),
	"Selu": slope(func(x, _, a, g float32) float32 {
		if x > 0 {
			return g
		}
		return g * a * Exp(x)
	}),
	"ThresholdedRelu": slope(func(x, _, a, _ float32) float32 { return truth(x > a) }),
	"Shrink":          slope(func(x, _, _, limit float32) float32 { return truth(x > limit) + truth(x < -limit) }),
	"Softsign": slope(func(x, _, _, _ float32) float32 {
		d := 1 + max(x, -x)
		return 1 / (d * d)
	}),
	"Mish": wideSlope(func(x float64) float64 {
		t := math.Tanh(math.Log1p(math.Exp(-math.Abs(x))) + max(x, 0))
		return t + x*(1-t*t)/(1+math.Exp(-x))
	}),
	"Sin":         wideSlope(math.Cos),
	"Cos":         wideSlope(func(x float64) float64 { return -math.Sin(x) }),
	"Tan":         slope(func(_, z, _, _ float32) float32 { return 1 + z*z }),
	"Asin":        wideSlope(func(x float64) float64 { return 1 / math.Sqrt(1-x*x) }),
	"Acos":        wideSlope(func(x float64) float64 { return -1 / math.Sqrt(1-x*x) }),
	"Atan":        wideSlope(func(x float64) float64 { return 1 / (1 + x*x) }),
	"Sinh":        wideSlope(math.Cosh),
	"Cosh":        wideSlope(math.Sinh),
	"Asinh":       wideSlope(func(x float64) float64 { return 1 / math.Sqrt(x*x+1) }),
	"Acosh":       wideSlope(func(x float64) float64 { return 1 / math.Sqrt(x*x-1) }),
	"Atanh":       wideSlope(func(x float64) float64 { return 1 / (1 - x*x) }),
	"HardSigmoid": slope(func(_, z, a, _ float32) float32 { return a * truth(z > 0 && z < 1) }),
	"GeluTanh": slope(func(x, _, _, _ float32) float32 {
		const k, c = 0.7978845608028654, 0.044715 // sqrt(2/pi)
		t := float32(math.Tanh(float64(k * (x + c*x*x*x))))
		return 0.5*(1+t) + 0.5*x*(1-t*t)*k*(1+3*c*x*x)
	}),
}

const sqrtPi = 1.7724538509055160273

// Slope returns the derivative of the function that Unary returns.
func (u *ISA) Slope(op string) (Slope, bool) {
	switch op {
	case "Erf":
		return u.erfSlope.fixed().slope(u.width), true
	case "Gelu":
		return u.geluSlope.fixed().slope(u.width), true
	case "Swish":
		return u.scaledSwishSlope, true
	case "HardSwish":
		return u.hardSwishSlope.slope(u.width), true
	}
	f, ok := slopes[op]
	return f, ok
}

// slope makes a Slope of f, which multiplies z by the derivative at x.
func (f unaryFunc) slope(width int) Slope {
	return func(g, dz, x, _ []float32, a, b float32) {
		copy(g, dz)
		f.whole(width, g, x, a, b)
	}
}

func (u *ISA) scaledSwishSlope(g, dz, x, _ []float32, a, _ float32) {
	copy(g, dz)
	if a == 1 {
		u.swishSlope.fixed().whole(u.width, g, x, 0, 0)
		return
	}
	for i, v := range x[:len(g)] {
		s := sigmoid(a * v)
		g[i] *= s + a*v*s*(1-s)
	}
}

// Apply sets g to the gradient with respect to x, on the Team's threads.
func (f Slope) Apply(t *Team, g, dz, x, z []float32, a, b float32) {
	t.run(len(g), 16, 8*len(g), func(_ *worker, lo, hi int) { f(g[lo:hi], dz[lo:hi], x[lo:hi], z[lo:hi], a, b) })
}

// partial is a derivative of an element-wise function of two operands.
type partial struct {
	times factor
	f     func(x, y float32) float32 // where it is neither 1 nor an operand
}

type factor int

const (
	other factor = iota
	one
	left
	right
)

// partials lists the derivatives with respect to both operands, by ONNX operator type.
var partials = map[string][2]partial{
	"Add":   {{times: one}, {times: one}},
	"Sub":   {{times: one}, {f: func(_, _ float32) float32 { return -1 }}},
	"Mul":   {{times: right}, {times: left}},
	"Div":   {{f: func(_, y float32) float32 { return 1 / y }}, {f: func(x, y float32) float32 { return -x / (y * y) }}},
	"Max":   {{f: func(x, y float32) float32 { return truth(x >= y) }}, {f: func(x, y float32) float32 { return truth(x < y) }}},
	"Min":   {{f: func(x, y float32) float32 { return truth(x <= y) }}, {f: func(x, y float32) float32 { return truth(x > y) }}},
	"PRelu": {{f: func(x, y float32) float32 { return truth(x > 0) + y*truth(x <= 0) }}, {f: func(x, _ float32) float32 { return min(x, 0) }}},
	"Mod":   {{times: one}, {f: func(x, y float32) float32 { return -float32(math.Trunc(float64(x) / float64(y))) }}},
	"Pow": {
		{f: func(x, y float32) float32 { return y * float32(math.Pow(float64(x), float64(y)-1)) }},
		{f: func(x, y float32) float32 { return float32(math.Pow(float64(x), float64(y)) * math.Log(float64(x))) }},
	},
}

// Slopes are the derivatives of an element-wise operator with broadcasting.
type Slopes struct {
	b        *Broadcast
	partials [2]partial
	sizes    [2]int
}

// NewSlopes prepares the derivatives of op for operands of the given shapes, which broadcast. There are none of functions whose results do not change
// when operands do so a little.
func (u *ISA) NewSlopes(op string, x, y []int) (slopes *Slopes, ok bool) {
	of, ok := partials[op]
	s := &Slopes{b: u.NewBroadcast(binaries[op], x, y, NoLimits()), partials: of, sizes: [2]int{1, 1}}
	for i, shape := range [][]int{x, y} {
		for _, n := range shape {
			s.sizes[i] *= n
		}
	}
	return s, ok
}

// HasSlopes tells whether NewSlopes has derivatives of a function of two operands.
func HasSlopes(op string) bool {
	_, ok := partials[op]
	return ok
}

// Left sets g to the gradient with respect to x.
func (s *Slopes) Left(t *Team, g, dz, x, y []float32) { s.run(t, 0, s.b.sx, g, dz, x, y) }

// Right sets g to the gradient with respect to y.
func (s *Slopes) Right(t *Team, g, dz, x, y []float32) { s.run(t, 1, s.b.sy, g, dz, x, y) }

// run sums over what was repeated. Threads share the outermost axis only where it is not.
func (s *Slopes) run(t *Team, side int, strides []int, g, dz, x, y []float32) {
	b, p := s.b, s.partials[side]
	repeats := s.sizes[side] < b.size
	if repeats && p.times == one && len(b.dims) == 2 && strides[0] == 0 { // a bias
		b.isa.ColumnSums(t, g, dz)
		return
	}
	if repeats {
		clear(g)
	}
	part := func(w *worker, lo, hi int) {
		c := slopeWalk{Slopes: s, partial: p, strides: strides, repeats: repeats, g: g, x: x, y: y, w: w}
		c.walk(0, lo, hi, dz[lo*(b.size/b.dims[0]):], 0, 0, 0)
	}
	if strides[0] == 0 {
		part(t.workers[0], 0, b.dims[0])
		return
	}
	t.run(b.dims[0], 1, 2*b.size, part)
}

// slopeWalk is one thread's way through the axes.
type slopeWalk struct {
	*Slopes
	partial
	strides []int // of g
	repeats bool  // an element of g is a sum
	g, x, y []float32
	w       *worker
}

// walk goes through [lo, hi) of an axis, whose first gradients with respect to the result are dz, from places of g, x and y on.
func (c *slopeWalk) walk(axis, lo, hi int, dz []float32, at, ax, ay int) {
	b := c.b
	if sx, sy := b.sx[axis], b.sy[axis]; axis == len(b.dims)-1 {
		c.line(dz[:hi-lo], c.strides[axis], sx, sy, at+lo*c.strides[axis], ax+lo*sx, ay+lo*sy)
		return
	}
	row := 1
	for _, n := range b.dims[axis+1:] {
		row *= n
	}
	for i := lo; i < hi; i++ {
		c.walk(axis+1, 0, b.dims[axis+1], dz[(i-lo)*row:], at+i*c.strides[axis], ax+i*b.sx[axis], ay+i*b.sy[axis])
	}
}

// line is walk for the last axis, whose elements of g, x and y are one or no place apart.
func (c *slopeWalk) line(dz []float32, step, sx, sy, at, ax, ay int) {
	u := c.b.isa
	if !c.repeats {
		c.row(c.g[at:at+len(dz)], dz, c.x[ax:], c.y[ay:], sx, sy)
		return
	}
	row := dz
	if c.times != one {
		row = room(&c.w.operand, len(dz))
		c.row(row, dz, c.x[ax:], c.y[ay:], sx, sy)
	}
	if step == 1 {
		to := c.g[at : at+len(dz)]
		u.vectorRow(u.add, addGo, to, to, row)
		return
	}
	var sum float32
	for _, v := range row {
		sum += v
	}
	c.g[at] += sum
}

// row sets to to dz times the partial derivative.
func (c *slopeWalk) row(to, dz, x, y []float32, sx, sy int) {
	switch c.times {
	case one:
		copy(to, dz)
	case left:
		c.b.isa.multiplyRow(to, dz, x, sx)
	case right:
		c.b.isa.multiplyRow(to, dz, y, sy)
	default:
		for i, d := range dz {
			to[i] = d * c.f(x[i*sx], y[i*sy])
		}
	}
}

// multiplyRow sets z to x times y, whose elements are one or no place apart.
func (u *ISA) multiplyRow(z, x, y []float32, step int) {
	if step == 1 {
		u.vectorRow(u.mul, mulGo, z, x, y)
		return
	}
	by := y[0]
	for i, v := range x {
		z[i] = v * by
	}
}
