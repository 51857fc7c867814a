package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// randomWinograd draws a convolution that Winograd's algorithm computes.
func randomWinograd(rng *rand.Rand, u *ISA) (Window, ConvParams) {
	for {
		g := Window{H: 3 + rng.IntN(15), W: 3 + rng.IntN(15), KH: 3, KW: 3, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}
		g.Top, g.Left, g.Bottom, g.Right = rng.IntN(3), rng.IntN(3), rng.IntN(3), rng.IntN(3)
		p := ConvParams{In: thin + rng.IntN(40), Out: thin + rng.IntN(40), Groups: 1, Limits: NoLimits()}
		if !u.byWinograd(g, ConvWeights(g, p.In, p.Out, 1)) {
			continue
		}
		p.Weight, p.Bias = random(rng, p.Out*p.In*9), random(rng, p.Out)
		return g, p
	}
}

func TestWinogradEqualsDefinition(t *testing.T) {
	needs.Time(t)
	for _, u := range All() {
		rng := rand.New(rand.NewPCG(11, 3))
		for i := range 60 {
			g, p := randomWinograd(rng, u)
			batch := 1 + rng.IntN(6)
			oh, ow := g.Out()
			x, dy := random(rng, batch*g.H*g.W*p.In), random(rng, batch*oh*ow*p.Out)
			c := u.NewTrainable(g, ConvWeights(g, p.In, p.Out, 1), used)
			compute := func(team *Team) (y, dx, dw []float32) {
				c.SetWeights(team, p.Weight, p.Bias)
				y, dx, dw = used(len(dy)), used(len(x)), make([]float32, len(p.Weight))
				c.Forward(team, x, y, batch)
				c.Operand(team, dy, dx, batch)
				c.Weights(team, x, dy, dw, batch)
				return y, dx, dw
			}
			y, dx, dw := compute(NewTeam(1))
			againY, againX, againW := compute(NewTeam(2 + i%2))
			if !slices.Equal(y, againY) || !slices.Equal(dx, againX) || !slices.Equal(dw, againW) {
				t.Errorf("%s, case %d: other results on other threads", u, i)
			}
			wantX, wantW := naiveGrads(g, p, x, dy, batch)
			for k, pair := range [][2][]float32{{y, naiveConv(g, p, x, batch)}, {dx, wantX}, {dw, wantW}} {
				if d := distance(pair[0], pair[1]); !(d < 5e-6) {
					t.Errorf("%s, case %d: relative error %g of %s for %+v in=%d out=%d batch=%d", u, i, d, []string{"y", "dx", "dw"}[k], g, p.In, p.Out, batch)
				}
			}
		}
	}
}

// TestGridsEqualPortable: the micro-kernels of Winograd's algorithm compute what the portable ones do.
func TestGridsEqualPortable(t *testing.T) {
	of := func(u *ISA) []gridFunc {
		return []gridFunc{u.operandGrid, u.resultGrid, u.weightGrid, u.operandGridBack, u.resultGridBack, u.weightGridBack}
	}
	for _, u := range All() {
		rng := rand.New(rand.NewPCG(12, 3))
		for i := range 100 {
			kind, channels, tiles := i%6, 1+rng.IntN(70), 1+rng.IntN(5)
			side := []int{gridSide, tileSide, weightSide}[kind%3]
			size := 4 * tiles * side * side // some pixels are read by several tiles
			off := make([]int64, tiles*side*side)
			perm := rng.Perm(size)
			for k := range off {
				if off[k] = int64(perm[k]*channels) * 4; rng.IntN(5) == 0 {
					off[k] = -1
				}
			}
			pixels, outside := random(rng, size*channels), make([]float32, channels)
			vals := random(rng, points*(tiles*channels+3))
			run := func(u *ISA) (p, v []float32) {
				p, v = slices.Clone(pixels), slices.Clone(vals)
				temp := make([]float32, points*16)
				of(u)[kind](&grid{
					pixels: &p[0], outside: &slices.Clone(outside)[0], off: &off[0], tiles: int64(tiles), channels: int64(channels),
					values: &v[0], stride: int64(tiles*channels+3) * 4, temp: &temp[0], mask: &u.maskOf(channels)[0],
				})
				return p, v
			}
			wantP, wantV := run(&portable)
			gotP, gotV := run(u)
			if d := max(distance(gotP, wantP), distance(gotV, wantV)); !(d < 1e-6) {
				t.Errorf("%s: kernel %d, %d channels, %d tiles: relative error %g", u, kind, channels, tiles, d)
			}
		}
	}
}
