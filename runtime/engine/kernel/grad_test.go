package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// naiveGrads computes the derivatives of a convolution from its definition, channels-last, in float64.
func naiveGrads(g Window, p ConvParams, x, dy []float32, batch int) (dx, dw []float32) {
	oh, ow := g.Out()
	k, n := p.In/p.Groups, p.Out/p.Groups
	sx, sw := make([]float64, batch*g.H*g.W*p.In), make([]float64, len(p.Weight))
	for i, d := range dy {
		b, r, c, o := i/p.Out/ow/oh, i/p.Out/ow%oh, i/p.Out%ow, i%p.Out
		for j := range k {
			for u := range g.KH {
				for v := range g.KW {
					h, w := r*g.StrideH-g.Top+u*g.DilationH, c*g.StrideW-g.Left+v*g.DilationW
					if h < 0 || h >= g.H || w < 0 || w >= g.W {
						continue
					}
					from, weight := ((b*g.H+h)*g.W+w)*p.In+o/n*k+j, ((o*k+j)*g.KH+u)*g.KW+v
					sx[from] += float64(d) * float64(p.Weight[weight])
					sw[weight] += float64(d) * float64(x[from])
				}
			}
		}
	}
	return narrow(sx), narrow(sw)
}

func narrow(s []float64) []float32 {
	to := make([]float32, len(s))
	for i, v := range s {
		to[i] = float32(v)
	}
	return to
}

func TestTrainableEqualsDefinition(t *testing.T) {
	needs.Time(t)
	for _, u := range All() {
		t.Run(u.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 3))
			for i := range 200 {
				g, p := randomConv(rng)
				p.Limits = NoLimits()
				batch := 1 + rng.IntN(3)
				oh, ow := g.Out()
				x, dy := random(rng, batch*g.H*g.W*p.In), random(rng, batch*oh*ow*p.Out)
				c := u.NewTrainable(g, ConvWeights(g, p.In, p.Out, p.Groups), used)
				team := NewTeam(1 + i%3)
				c.SetWeights(team, p.Weight, p.Bias)
				y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(p.Weight))
				c.Forward(team, x, y, batch)
				c.Operand(team, dy, dx, batch)
				c.Weights(team, x, dy, dw, batch)
				wantX, wantW := naiveGrads(g, p, x, dy, batch)
				for k, pair := range [][2][]float32{{y, naiveConv(g, p, x, batch)}, {dx, wantX}, {dw, wantW}} {
					if d := distance(pair[0], pair[1]); d > 1e-5 {
						t.Fatalf("case %d: relative error %g of %s for %+v in=%d out=%d groups=%d batch=%d", i, d, []string{"y", "dx", "dw"}[k], g, p.In, p.Out, p.Groups, batch)
					}
				}
			}
		})
	}
}

// used is memory in which something else was.
func used(n int) []float32 {
	return slices.Repeat([]float32{float32(math.NaN())}, n)
}
