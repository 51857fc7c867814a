package kernel

import (
	"math"
	"testing"
)

// TestCurvesAgainstDefinition: the error function, GELU, HardSwish and their derivatives are those of float64 to a few units in the last place of 1, at any place of
// a row, and erf is 1 where float32 has nothing nearer.
func TestCurvesAgainstDefinition(t *testing.T) {
	bell := func(x float64) float64 { return math.Exp(-x*x/2) / math.Sqrt(2*math.Pi) }
	normal := func(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
	functions := map[string]func(x float64) float64{
		"Erf":       math.Erf,
		"Gelu":      func(x float64) float64 { return x * normal(x) },
		"HardSwish": func(x float64) float64 { return x * min(max(x/6+0.5, 0), 1) },
		"Sigmoid":   func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
		"Swish":     func(x float64) float64 { return x / (1 + math.Exp(-x)) },
	}
	derivatives := map[string]func(x float64) float64{
		"Erf":  func(x float64) float64 { return 2 / math.Sqrt(math.Pi) * math.Exp(-x*x) },
		"Gelu": func(x float64) float64 { return normal(x) + x*bell(x) },
		"Sigmoid": func(x float64) float64 {
			s := 1 / (1 + math.Exp(-x))
			return s * (1 - s)
		},
		"Swish": func(x float64) float64 {
			s := 1 / (1 + math.Exp(-x))
			return s + x*s*(1-s)
		},
		"HardSwish": func(x float64) float64 {
			if math.Abs(x) >= 3 {
				return max(0, math.Copysign(1, x))
			}
			return x/3 + 0.5
		},
	}
	for _, u := range All() {
		for n := 1; n < 40; n++ {
			x, dz := make([]float32, n), make([]float32, n)
			for i := range x {
				x[i], dz[i] = float32(math.Sin(float64(i*n)))*float32(math.Pow(10, float64(n%7-3)))*3, 0.5
			}
			z, g := make([]float32, n), make([]float32, n)
			for name := range functions {
				a := float32(1) / 6
				if name == "Swish" {
					a = 1
				}
				f, _ := u.Unary(name)
				f(z, x, a, 0.5)
				back, _ := u.Slope(name)
				back(g, dz, x, z, a, 0.5)
				for i, v := range x {
					want, slope := functions[name](float64(v)), derivatives[name](float64(v))/2
					if d := math.Abs(float64(z[i]) - want); d > 5e-7*max(math.Abs(want), min(1, math.Abs(float64(v)))) {
						t.Errorf("%s: %s(%g) = %g, want %g", u, name, v, z[i], want)
					}
					if d := math.Abs(float64(g[i]) - slope); d > 5e-7 {
						t.Errorf("%s: derivative of %s at %g is %g, want %g", u, name, v, g[i], slope)
					}
				}
			}
		}
	}
}

// TestCurvesAtEnds: infinities and what is nearly one have the limits, and NaN stays.
func TestCurvesAtEnds(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	x := []float32{inf, -inf, nan, 100, -100, 0}
	for _, u := range All() {
		for name, wants := range map[string][]float32{"Erf": {1, -1, nan, 1, -1, 0}, "Sigmoid": {1, 0, nan, 1, 0, 0.5}, "Swish": {inf, nan, nan, 100, 0, 0}} {
			z := make([]float32, len(x))
			f, _ := u.Unary(name)
			f(z, x, 1, 0)
			for i, want := range wants {
				if same := z[i] == want || math.Abs(float64(z[i]-want)) < 1e-30; !same && want == want {
					t.Errorf("%s: %s(%g) = %g, want %g", u, name, x[i], z[i], want)
				}
				if x[i] != x[i] && z[i] == z[i] {
					t.Errorf("%s: %s(NaN) = %g", u, name, z[i])
				}
			}
		}
	}
}
