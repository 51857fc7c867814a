package kernel

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// some draws positions of an axis as SubNets keep them: the first ones, or the first ones of every group.
func some(rng *rand.Rand, n int) []int {
	group := n
	for _, d := range []int{2, 3, 4} {
		if n%d == 0 && rng.IntN(3) == 0 {
			group = n / d
		}
	}
	keep := 1 + rng.IntN(group)
	var out []int
	for i := range n {
		if i%group < keep {
			out = append(out, i)
		}
	}
	return out
}

// TestPartEqualsPacked: a view computes the same bits as a matrix that was packed of its rows and columns alone, and with scales
// what the definition says.
func TestPartEqualsPacked(t *testing.T) {
	needs.Time(t)
	for _, u := range All() {
		t.Run(u.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, 8))
			views := 0
			for i := range 400 {
				in, out, kernel := 1+rng.IntN(70), 1+rng.IntN(150), []int{1, 3, 5}[rng.IntN(3)]
				weight, team := random(rng, out*in*kernel*kernel), NewTeam(1+i%3)
				rows, columns, crop := some(rng, in), some(rng, out), rng.IntN(kernel/2+1)
				side := kernel - 2*crop
				var own []float32 // of the part
				taps := []int{}
				for y := crop; y < kernel-crop; y++ {
					for x := crop; x < kernel-crop; x++ {
						taps = append(taps, y*kernel+x)
					}
				}
				for _, c := range columns {
					for _, r := range rows {
						for _, tap := range taps {
							own = append(own, weight[(c*in+r)*kernel*kernel+tap])
						}
					}
				}
				part := Part{Taps: len(taps), Columns: columns, Bias: random(rng, len(columns)), Limits: Limits{-1, 2}}
				for _, tap := range taps {
					for _, r := range rows {
						part.Rows = append(part.Rows, tap*in+r)
					}
				}
				if Gathered(len(taps), len(rows)) {
					part.Taps = 1
				}
				whole := u.Pack(weight, ConvLayout(out, in, kernel*kernel), nil, NoLimits())
				g := Window{H: side + rng.IntN(6), W: side + rng.IntN(6), KH: side, KW: side, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Top: side / 2, Left: side / 2}
				p := ConvParams{In: len(rows), Out: len(columns), Groups: 1, Weight: own, Bias: part.Bias, Limits: part.Limits}
				x := random(rng, 2*g.H*g.W*p.In)
				oh, ow := g.Out()
				want, got := make([]float32, 2*oh*ow*p.Out), make([]float32, 2*oh*ow*p.Out)
				u.NewConv(g, p).Run(team, x, want, 2)
				view := whole.Part(part)
				if view == nil {
					continue
				}
				views++
				p.Weight, p.Bias, p.Matrix = nil, nil, view
				u.NewConv(g, p).Run(team, x, got, 2)
				if !slices.Equal(got, want) {
					t.Fatalf("case %d: other bits for %d of %d rows, %d of %d columns, kernel %d of %d", i, len(rows), in, len(columns), out, side, kernel)
				}
				part.Scale = random(rng, p.Out)
				for j := range own {
					own[j] *= part.Scale[j/(len(own)/p.Out)]
				}
				p.Weight, p.Bias, p.Matrix = own, part.Bias, nil
				u.NewConv(g, p).Run(team, x, want, 2)
				p.Matrix = whole.Part(part)
				u.NewConv(g, p).Run(team, x, got, 2)
				if d := distance(got, want); d > 1e-5 {
					t.Fatalf("case %d: relative error %g with scales", i, d)
				}
			}
			if views < 200 {
				t.Errorf("only %d of 400 parts are views", views)
			}
		})
	}
}

// TestDepthwiseWith: another scale, bias and limits are those of weights that were scaled.
func TestDepthwiseWith(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for _, u := range All() {
		for range 40 {
			channels := 2 + rng.IntN(80)
			g := Window{H: 9, W: 7, KH: 3, KW: 3, StrideH: 1, StrideW: 2, DilationH: 1, DilationW: 1, Top: 1, Left: 1, Bottom: 1, Right: 1}
			weight, scale := random(rng, 9*channels), random(rng, channels)
			p := ConvParams{In: channels, Out: channels, Groups: channels, Bias: random(rng, channels), Limits: Limits{0, 1}}
			p.Depthwise = PackDepthwise(weight, channels, 9, nil, NoLimits()).Part(9, channels, scale, p.Bias, p.Limits)
			oh, ow := g.Out()
			x, want, got := random(rng, 3*9*7*channels), make([]float32, 3*oh*ow*channels), make([]float32, 3*oh*ow*channels)
			u.NewConv(g, p).Run(NewTeam(2), x, got, 3)
			for i := range weight {
				weight[i] *= scale[i/9]
			}
			p.Depthwise, p.Weight = nil, weight
			u.NewConv(g, p).Run(NewTeam(2), x, want, 3)
			if d := distance(got, want); d > 1e-5 {
				t.Fatalf("%s: relative error %g", u, d)
			}
		}
	}
}
