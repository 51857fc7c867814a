package kernel

import "math"

// Unary is an element-wise function of one operand with up to two constants.
type Unary func(z, x []float32, a, b float32)

// unaries lists the element-wise functions of one operand by ONNX operator type; the constants are the operator's
// attributes in the order of the specification.
var unaries = map[string]Unary{
	"Relu":            func(z, x []float32, _, _ float32) { clip(z, x, 0, float32(math.Inf(1))) },
	"Clip":            clip,
	"LeakyRelu":       leaky,
	"Elu":             elu,
	"ThresholdedRelu": func(z, x []float32, a, _ float32) { each(z, x, func(v float32) float32 { return above(v, a) }) },
	"Shrink": func(z, x []float32, bias, limit float32) {
		each(z, x, func(v float32) float32 { return truth(v < -limit)*(v+bias) + truth(v > limit)*(v-bias) })
	},
	"Tanh":       wide(math.Tanh),
	"Sqrt":       wide(math.Sqrt),
	"Log":        wide(math.Log),
	"Ceil":       wide(math.Ceil),
	"Floor":      wide(math.Floor),
	"Round":      wide(math.RoundToEven),
	"Exp":        func(z, x []float32, _, _ float32) { each(z, x, Exp) },
	"Neg":        func(z, x []float32, _, _ float32) { each(z, x, func(v float32) float32 { return -v }) },
	"Abs":        func(z, x []float32, _, _ float32) { each(z, x, func(v float32) float32 { return max(v, -v) }) },
	"Reciprocal": func(z, x []float32, _, _ float32) { each(z, x, func(v float32) float32 { return 1 / v }) },
	"Softplus":   wide(func(v float64) float64 { return math.Log1p(math.Exp(-math.Abs(v))) + max(v, 0) }),
	"Softsign":   wide(func(v float64) float64 { return v / (1 + math.Abs(v)) }),
	"Mish":       wide(func(v float64) float64 { return v * math.Tanh(math.Log1p(math.Exp(-math.Abs(v)))+max(v, 0)) }),
	"Selu": func(z, x []float32, a, g float32) {
		each(z, x, func(v float32) float32 { return g * (max(v, 0) + a*float32(math.Expm1(float64(min(v, 0))))) })
	},
	"Celu": func(z, x []float32, a, _ float32) {
		each(z, x, func(v float32) float32 { return max(v, 0) + a*float32(math.Expm1(float64(min(v, 0)/a))) })
	},
	"Sin":   wide(math.Sin),
	"Cos":   wide(math.Cos),
	"Tan":   wide(math.Tan),
	"Asin":  wide(math.Asin),
	"Acos":  wide(math.Acos),
	"Atan":  wide(math.Atan),
	"Sinh":  wide(math.Sinh),
	"Cosh":  wide(math.Cosh),
	"Asinh": wide(math.Asinh),
	"Acosh": wide(math.Acosh),
	"Atanh": wide(math.Atanh),

	"Sign": func(z, x []float32, _, _ float32) {
		each(z, x, func(v float32) float32 { return truth(v > 0) - truth(v < 0) })
	},
	"Not":   func(z, x []float32, _, _ float32) { each(z, x, func(v float32) float32 { return truth(v == 0) }) },
	"IsNaN": func(z, x []float32, _, _ float32) { each(z, x, func(v float32) float32 { return truth(v != v) }) },

	"Truth":    func(z, x []float32, _, _ float32) { each(z, x, func(v float32) float32 { return truth(v != 0) }) }, // casts
	"Truncate": wide(math.Trunc),
	"Wrap": func(z, x []float32, _, _ float32) {
		each(z, x, func(v float32) float32 { return float32(uint8(int64(v))) })
	},
	"WrapSigned": func(z, x []float32, _, _ float32) {
		each(z, x, func(v float32) float32 { return float32(int8(int64(v))) })
	},
	"GeluTanh": wide(func(v float64) float64 {
		return 0.5 * v * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v)))
	}),
}

// Unary returns the function of an ONNX operator type; GeluTanh is Gelu with approximate=tanh. The constants of HardSwish
// are those of its HardSigmoid: 1/6 and 1/2.
func (u *ISA) Unary(op string) (Unary, bool) {
	f, ok := unaries[op]
	switch op {
	case "HardSigmoid":
		f, ok = u.hardSigmoid.unary(u.width), true
	case "HardSwish":
		f, ok = u.hardSwish.unary(u.width), true
	case "Erf":
		f, ok = u.erf.fixed().unary(u.width), true
	case "Sigmoid":
		f, ok = u.sigmoid.fixed().unary(u.width), true
	case "Swish":
		f, ok = u.scaledSwish, true
	case "Gelu":
		f, ok = u.gelu.fixed().unary(u.width), true
	}
	return f, ok
}

// HasUnary tells whether there is a function of an ONNX operator type.
func HasUnary(op string) bool {
	_, ok := All()[0].Unary(op)
	return ok
}

// scaledSwish is x times the sigmoid of a*x.
func (u *ISA) scaledSwish(z, x []float32, a, _ float32) {
	if a == 1 {
		u.swish.fixed().whole(u.width, z, x, 0, 0)
		return
	}
	each(z, x, func(v float32) float32 { return v * sigmoid(a*v) })
}

// whole calls f for whole vectors, and for the last elements on copies: they must not be rounded otherwise than those before.
func (f unaryFunc) whole(width int, z, x []float32, a, b float32) {
	n := len(z) &^ (width - 1)
	if n > 0 {
		f(&z[0], &x[0], n, a, b)
	}
	if n < len(z) {
		var to, from [16]float32
		copy(to[:], z[n:])
		copy(from[:], x[n:len(z)])
		f(&to[0], &from[0], width, a, b)
		copy(z[n:], to[:])
	}
}

// unary makes a Unary of f, which sets z.
func (f unaryFunc) unary(width int) Unary {
	return func(z, x []float32, a, b float32) { f.whole(width, z, x, a, b) }
}

// Apply computes z = f(x) on the Team's threads.
func (f Unary) Apply(t *Team, z, x []float32, a, b float32) {
	const cost = 8 // an element against a multiply-accumulate, roughly
	t.run(len(z), 16, cost*len(z), func(_ *worker, lo, hi int) { f(z[lo:hi], x[lo:hi], a, b) })
}

func each(z, x []float32, f func(float32) float32) {
	for i, v := range x[:len(z)] {
		z[i] = f(v)
	}
}

// wide computes in float64.
func wide(f func(float64) float64) Unary {
	return func(z, x []float32, _, _ float32) {
		for i, v := range x[:len(z)] {
			z[i] = float32(f(float64(v)))
		}
	}
}

func clip(z, x []float32, lo, hi float32) {
	for i, v := range x[:len(z)] {
		z[i] = min(max(v, lo), hi)
	}
}

func leaky(z, x []float32, a, _ float32) {
	for i, v := range x[:len(z)] {
		if v < 0 {
			v *= a
		}
		z[i] = v
	}
}

func above(v, a float32) float32 {
	if v > a {
		return v
	}
	return 0
}

func sigmoid(x float32) float32 { return 1 / (1 + Exp(-x)) }

func elu(z, x []float32, a, _ float32) {
	for i, v := range x[:len(z)] {
		if v < 0 {
			v = a * (Exp(v) - 1)
		}
		z[i] = v
	}
}

// Exp is the exponential function to about one unit in the last place (the scheme of Cephes' expf:
// reduction by a two-part ln 2, then a polynomial of degree 5).
func Exp(x float32) float32 {
	const (
		log2e      = 1.44269504088896341
		ln2Hi      = 0.693359375
		ln2Lo      = -2.12194440e-4
		tooBig     = 88.7228
		tooSmall   = -87.3365
		roundMagic = 12582912.0 // 1.5 * 2^23: adding it rounds to an integer
	)
	switch {
	case x != x:
		return x
	case x > tooBig:
		return float32(math.Inf(1))
	case x < tooSmall:
		return 0
	}
	n := float32(x*log2e+roundMagic) - roundMagic
	r := x - n*ln2Hi
	r -= n * ln2Lo
	p := float32(1.9875691500e-4)
	p = p*r + 1.3981999507e-3
	p = p*r + 8.3334519073e-3
	p = p*r + 4.1665795894e-2
	p = p*r + 1.6666665459e-1
	p = p*r + 5.0000001201e-1
	p = p*r*r + r + 1
	// 2^n in two steps: n = 128 alone would not be a finite number
	h := int32(n) / 2
	return p * pow2(h) * pow2(int32(n)-h)
}

func pow2(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }
