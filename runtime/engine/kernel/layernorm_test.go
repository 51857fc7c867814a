package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// moments returns mean and biased variance.
func moments(x []float32) (mean, variance float64) {
	for _, v := range x {
		mean += float64(v)
	}
	mean /= float64(len(x))
	for _, v := range x {
		d := float64(v) - mean
		variance += d * d
	}
	return mean, variance / float64(len(x))
}

// TestLayerNormAgainstDefinition: results and derivatives are those in float64, for whole and partial vectors, also where means are large
// against deviations; what lies beyond the tensors stays.
func TestLayerNormAgainstDefinition(t *testing.T) {
	for _, u := range All() {
		for n := 1; n <= 150; n = n*5/4 + 1 {
			for _, shift := range []float32{0, 300} {
				testLayerNorm(t, u, 1+700/n, n, shift)
			}
		}
	}
}

func testLayerNorm(t *testing.T, u *ISA, rows, n int, shift float32) {
	rng := rand.New(rand.NewPCG(6, uint64(n)))
	x, dz, scale, bias := random(rng, rows*n), random(rng, rows*n), random(rng, n), random(rng, n)
	for i := range x {
		x[i] += shift
	}
	const epsilon, beyond = 1e-3, 7
	z, dx := make([]float32, rows*n+1), make([]float32, rows*n+1)
	z[rows*n], dx[rows*n] = beyond, beyond
	c, team := u.NewLayerNorm(n, rows, epsilon), NewTeam(2)
	c.Forward(team, z[:rows*n], x, scale, bias)
	c.Sums(team, x, dz)
	c.Operand(team, dx[:rows*n], x, dz, scale)
	byScale, byBias := make([]float32, n), make([]float32, n)
	c.Scale(byScale)
	c.Bias(byBias)
	tolerance := 2e-5 * (1 + float64(shift)/20) // float32 has the elements themselves no better
	check := func(what string, at int, got float32, want, size float64) {
		if t.Helper(); !(math.Abs(want-float64(got)) <= tolerance*size) {
			t.Fatalf("%s, %d rows of %d about %g: %s %d is %g, want %g", u, rows, n, shift, what, at, got, want)
		}
	}
	wantScale, wantBias, plain := make([]float64, n), make([]float64, n), make([]float32, n)
	for r := range rows {
		row, g := x[r*n:(r+1)*n], dz[r*n:(r+1)*n]
		mean, variance := moments(row)
		inv := 1 / math.Sqrt(variance+epsilon)
		var sum, sumX float64
		for i, v := range row {
			normal := (float64(v) - mean) * inv
			check("result", r*n+i, z[r*n+i], normal*float64(scale[i])+float64(bias[i]), 1)
			wantScale[i] += float64(g[i]) * normal
			wantBias[i] += float64(g[i])
			sum += float64(g[i]) * float64(scale[i]) / float64(n)
			sumX += float64(g[i]) * float64(scale[i]) * normal / float64(n)
		}
		for i, v := range row {
			want := inv * (float64(g[i])*float64(scale[i]) - sum - (float64(v)-mean)*inv*sumX)
			check("derivative by operand", r*n+i, dx[r*n+i], want, 1+inv)
		}
		u.LayerNorm(team, plain, row, scale, nil, n, epsilon)
		for i, v := range plain {
			check("result without bias", i, v, float64(z[r*n+i]-bias[i]), 1)
		}
	}
	for i := range n {
		check("derivative by scale", i, byScale[i], wantScale[i], float64(rows))
		check("derivative by bias", i, byBias[i], wantBias[i], float64(rows))
	}
	if z[rows*n] != beyond || dx[rows*n] != beyond {
		t.Fatalf("%s, %d rows of %d: what lies beyond was written", u, rows, n)
	}
}
