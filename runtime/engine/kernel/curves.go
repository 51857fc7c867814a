package kernel

// curveTable has the constants of smooth functions and their derivatives; asm/curves.go says which is where. The error function is x*P(x²)/Q(x²),
// two polynomials of degree 5 that were fitted to erf(x)/x between 0 and 3.92, where it becomes 1 in float32: least squares of the relative error at
// Chebyshev's nodes, weighted until it is even, 2e-8; in float32 it is 4e-7. They go on to 4.1, where they are a bit too large, so that what is limited
// to 1 is 1. The exponential function is that of Exp.
var curveTable = [...]float32{
	1.128379146, 0.1903932862, 0.05274691421, 0.0037650285, 0.0002848658785, 2.050145016e-06,
	1, 0.5020644014, 0.1141036025, 0.01496804782, 0.001162385652, 3.809142342e-05,
	4.1, -4.1,
	0.7071067811865476, 0.5, 1, 2 / sqrtPi, 0.3989422804014327,
	-87, 1.44269504088896341, 12582912, -0.693359375, 2.12194440e-4, -1, 88,
	1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
}

// Places in curveTable, as asm/curves.go has them.
const (
	erfP     = 0
	erfQ     = 6
	erfTerms = 6
	erfHigh  = 12
	erfLow   = 13
	erfRoot  = 14
	erfBell  = 18
)

// curveFunc sets z, or multiplies it, by a function of n elements of x.
type curveFunc func(z, x *float32, n int, table *float32)

func erf(x float32) float32 {
	v := limit(x, curveTable[erfLow], curveTable[erfHigh])
	p, q := float32(0), float32(0)
	for k := erfTerms - 1; k >= 0; k-- {
		p, q = p*v*v+curveTable[erfP+k], q*v*v+curveTable[erfQ+k]
	}
	return limit(v*p/q, -1, 1)
}

func normal(x float32) float32 { return 0.5 * (1 + erf(x*curveTable[erfRoot])) }

// curveGo is a portable curveFunc.
func curveGo(f func(z, x float32) float32) curveFunc {
	return func(z, x *float32, n int, _ *float32) {
		to := vec(z, n)
		for i, v := range vec(x, n) {
			to[i] = f(to[i], v)
		}
	}
}

// fixed is f without its table.
func (f curveFunc) fixed() unaryFunc {
	return func(z, x *float32, n int, _, _ float32) { f(z, x, n, &curveTable[0]) }
}
