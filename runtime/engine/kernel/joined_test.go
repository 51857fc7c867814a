package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// TestJoinedEqualsSeparate: a product that normalises its operand where it uses it, and whose backward pass computes derivatives where they are used
// and the sums for the normalisation before, has the results of the steps one by one. It is of pixels, depthwise, by Winograd's algorithm or imagewise.
func TestJoinedEqualsSeparate(t *testing.T) {
	needs.Time(t)
	relu := Limits{Lo: 0, Hi: 6}
	for _, u := range All() {
		rng := rand.New(rand.NewPCG(5, 6))
		for i := range 36 {
			in, out, groups, g := 1+rng.IntN(70), 1+rng.IntN(70), 1, Window{H: 15, W: 13, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}
			if i%3 != 1 {
				g.KH, g.KW, g.Top, g.Left, g.Bottom, g.Right = 3, 3, 1, 1, 1, 1
			}
			switch i % 3 {
			case 0:
				g.StrideH, g.StrideW = 1+i/3%2, 1+i/6%2
				in++ // a depthwise one has groups
				out, groups = in, in
			case 2:
				in, out = in+thin, out+thin
			}
			batch := 8 + rng.IntN(12)
			switch {
			case i >= 24: // imagewise
				in, out, groups = in%30+thin, out%30+1, 1
				g = Window{H: 5 + i%3*5, W: 4 + i%4*4, KH: 1 + i%3, KW: 1 + i%4, StrideH: 1 + i%2, StrideW: 2, Top: i % 2, Left: i % 3, Bottom: 1, Right: 1, DilationH: 1 + i/3%2, DilationW: 1}
				batch *= 8
			case i%6 == 4: // of some pixels
				g.StrideH, g.StrideW = 2, 1+i/6%2
				in, batch = in+thin, 4*batch
			}
			c := u.NewTrainable(g, ConvWeights(g, in, out, groups), used)
			if i >= 24 && !g.imagewise(ConvWeights(g, in, out, groups)) || !u.Joins(g, ConvWeights(g, in, out, groups), batch) {
				t.Fatalf("case %d does not join", i)
			}
			team := NewTeam(1 + i%3)
			c.SetWeights(team, random(rng, out*in/groups*g.KH*g.KW), nil)
			x0, scale, bias := random(rng, batch*g.H*g.W*in), random(rng, max(in, out)), random(rng, max(in, out))
			first, last := u.NewBatchNorm(in, 1e-5, relu), u.NewBatchNorm(out, 1e-5, relu)
			x, y := make([]float32, len(x0)), make([]float32, batch*c.pixels*out)
			first.Forward(team, x, x0, scale[:in], bias[:in], nil)
			c.Forward(team, x, y, batch)
			z, dz := make([]float32, len(y)), random(rng, len(y))
			last.Forward(team, z, y, scale[:out], bias[:out], nil)
			last.Sums(team, y, dz)

			dy, wantX, wantW := make([]float32, len(y)), make([]float32, len(x)), make([]float32, out*in/groups*g.KH*g.KW)
			last.Operand(team, dy, y, dz, scale[:out])
			c.Operand(team, dy, wantX, batch)
			c.Weights(team, x, dy, wantW, batch)
			first.Sums(team, x0, wantX)
			wantScale, wantBias := narrow(first.sumGX), narrow(first.sumG)

			var wantM, m Moments
			u.Moments(team, &wantM, y, out)

			gotY, dx, dw := make([]float32, len(y)), make([]float32, len(x)), make([]float32, len(wantW))
			operand := Operand{X: x0, Norm: first}
			c.ForwardMoments(team, operand, gotY, batch, &m)
			c.BackwardOf(team, last.Defer(y, dz, scale[:out]), operand, batch, Gradients{Operand: dx, Weights: dw, Sums: first.SumsOf(x0)})
			twice := append([]float32(nil), dx...)
			c.BackwardOf(team, last.Defer(y, dz, scale[:out]), operand, batch, Gradients{Operand: twice, Add: true})
			for k := range twice {
				twice[k] /= 2
			}
			inside, base := Limits{Lo: 0.1, Hi: 2}, random(rng, len(dx))
			x1, other := random(rng, len(dx)), u.NewBatchNorm(in, 1e-5, NoLimits())
			other.Prepare(team, x1, scale[:in], bias[:in], nil)
			both := func(s *GradSums) *GradSums {
				s.And = other.SumsOf(x1)
				return s
			}
			ended, wantEnded := append([]float32(nil), base...), make([]float32, len(dx))
			for k, v := range base {
				wantEnded[k] = gated(x[k], v+wantX[k], inside.Lo, inside.Hi)
			}
			gotScale, gotBias := narrow(first.sumGX), narrow(first.sumG)
			c.BackwardOf(team, last.Defer(y, dz, scale[:out]), Operand{X: x}, batch, Gradients{Operand: ended, Add: true, Inside: &inside, Sums: both(first.SumsOf(x0))})
			endedScale, otherScale := narrow(first.sumGX), narrow(other.sumGX)
			first.Sums(team, x0, wantEnded)
			sum, plain := append([]float32(nil), base...), u.NewBatchNorm(in, 1e-5, NoLimits())
			plain.Prepare(team, x0, scale[:in], bias[:in], nil)
			c.BackwardOf(team, last.Defer(y, dz, scale[:out]), Operand{X: x}, batch, Gradients{Operand: sum, Add: true, Inside: &inside, Sums: both(plain.SumsOf(x0))})
			sumScale, otherSum := narrow(plain.sumGX), narrow(other.sumGX)
			plain.Sums(team, x0, wantEnded)
			other.Sums(team, x1, wantEnded)
			for k, pair := range [][2][]float32{
				{gotY, y}, {narrow(m.Mean), narrow(wantM.Mean)}, {narrow(m.Variance), narrow(wantM.Variance)},
				{dx, wantX}, {twice, wantX}, {dw, wantW}, {gotScale, wantScale}, {gotBias, wantBias}, {ended, wantEnded}, {endedScale, narrow(first.sumGX)},
				{sum, wantEnded}, {sumScale, narrow(plain.sumGX)}, {otherScale, narrow(other.sumGX)}, {otherSum, narrow(other.sumGX)},
			} {
				if d := distance(pair[0], pair[1]); d > 1e-5 {
					what := []string{"y", "mean", "variance", "dx", "dx twice", "dw", "scale", "bias", "dx at its end", "scale at its end", "dx of a sum", "scale of a sum", "scale of another", "scale of another in a sum"}[k]
					t.Errorf("%s, case %d: relative error %g of %s for %+v in=%d out=%d batch=%d", u, i, d, what, g, in, out, batch)
				}
			}
		}
	}
}

// TestAdditionEqualsSteps: a sum that normalises a term where it adds it has the results of a normalisation and a sum.
func TestAdditionEqualsSteps(t *testing.T) {
	for _, u := range All() {
		rng := rand.New(rand.NewPCG(7, 6))
		for i := range 30 {
			n, rows, lim := 1+rng.IntN(70), 1+rng.IntN(900), Limits{Lo: 0, Hi: 2}
			x, y, scale, bias := random(rng, rows*n), random(rng, rows*n), random(rng, n), random(rng, n)
			team, c, z := NewTeam(1+i%3), u.NewBatchNorm(n, 1e-5, NoLimits()), make([]float32, rows*n)
			c.Forward(team, z, x, scale, bias, nil)
			other, both := u.NewBatchNorm(n, 1e-5, NoLimits()), make([]float32, rows*n)
			other.Forward(team, both, y, scale, bias, nil)
			for k := range z {
				both[k], z[k] = limit(z[k]+both[k], lim.Lo, lim.Hi), limit(z[k]+y[k], lim.Lo, lim.Hi)
			}
			sums := make([]float32, rows*n)
			c.Add(sums, x, y, other, lim).Run(team)
			if d := distance(sums, both); !(d < 1e-6) {
				t.Errorf("%s: %d rows of %d, both normalised: relative error %g", u, rows, n, d)
			}
			c.Add(y, x, y, nil, lim).Run(team)
			if d := distance(y, z); !(d < 1e-6) {
				t.Errorf("%s: %d rows of %d: relative error %g", u, rows, n, d)
			}
		}
	}
}

// TestProductsOfAdditions: a product whose operand is a sum that is still to be computed computes it, and has the results of the steps one by one.
func TestProductsOfAdditions(t *testing.T) {
	for _, u := range All() {
		rng := rand.New(rand.NewPCG(8, 6))
		for i := range 12 {
			in, out, g := thin+rng.IntN(70), thin+rng.IntN(70), Window{H: 9, W: 7, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}
			switch i % 3 {
			case 1:
				g.StrideH = 2
			case 2:
				g.KH, g.KW, g.Top, g.Left, g.Bottom, g.Right = 3, 3, 1, 1, 1, 1
			}
			batch, lim := 8+rng.IntN(12), Limits{Lo: 0, Hi: 2}
			c, team := u.NewTrainable(g, ConvWeights(g, in, out, 1), used), NewTeam(1+i%3)
			c.SetWeights(team, random(rng, out*in*g.KH*g.KW), nil)
			norm, x, y := u.NewBatchNorm(in, 1e-5, NoLimits()), random(rng, batch*g.H*g.W*in), random(rng, batch*g.H*g.W*in)
			norm.Prepare(team, x, random(rng, in), random(rng, in), nil)
			want, got := norm.Add(used(len(x)), x, y, nil, lim), norm.Add(used(len(x)), x, y, nil, lim)
			wantY, gotY := used(batch*c.pixels*out), used(batch*c.pixels*out)
			var wantM, m Moments
			want.Run(team)
			c.ForwardMoments(team, Operand{X: want.z}, wantY, batch, &wantM)
			c.ForwardMoments(team, Operand{X: got.z, Sum: got}, gotY, batch, &m)
			for k, pair := range [][2][]float32{{got.z, want.z}, {gotY, wantY}, {narrow(m.Mean), narrow(wantM.Mean)}, {narrow(m.Variance), narrow(wantM.Variance)}} {
				if !slices.Equal(pair[0], pair[1]) {
					t.Errorf("%s, case %d: other %s for %+v in=%d out=%d batch=%d", u, i, []string{"sum", "y", "mean", "variance"}[k], g, in, out, batch)
				}
			}
		}
	}
}

// TestNoResults: a window that is larger than its image has no results, and gradients with respect to the image are 0.
func TestNoResults(t *testing.T) {
	for _, u := range All() {
		g, team := Window{H: 2, W: 2, KH: 3, KW: 3, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1}, NewTeam(1)
		c, dx := u.NewTrainable(g, ConvWeights(g, 8, 8, 1), used), used(2*4*8)
		c.SetWeights(team, make([]float32, 8*8*9), nil)
		c.Forward(team, used(len(dx)), nil, 2)
		c.Operand(team, nil, dx, 2)
		if !slices.Equal(dx, make([]float32, len(dx))) {
			t.Errorf("%s: derivatives %v", u, dx)
		}
	}
}
