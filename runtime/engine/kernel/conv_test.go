package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// naiveConv computes a convolution from its definition, channels-last, in float64.
func naiveConv(g Window, p ConvParams, x []float32, batch int) []float32 {
	oh, ow := g.Out()
	k, n := p.In/p.Groups, p.Out/p.Groups
	y := make([]float32, batch*oh*ow*p.Out)
	for b := range batch {
		for r := range oh {
			for c := range ow {
				for o := range p.Out {
					var s float64
					if p.Bias != nil {
						s = float64(p.Bias[o])
					}
					for i := range k {
						for u := range g.KH {
							for v := range g.KW {
								h, w := r*g.StrideH-g.Top+u*g.DilationH, c*g.StrideW-g.Left+v*g.DilationW
								if h < 0 || h >= g.H || w < 0 || w >= g.W {
									continue
								}
								s += float64(x[((b*g.H+h)*g.W+w)*p.In+o/n*k+i]) * float64(p.Weight[((o*k+i)*g.KH+u)*g.KW+v])
							}
						}
					}
					y[((b*oh+r)*ow+c)*p.Out+o] = limit(float32(s), p.Limits.Lo, p.Limits.Hi)
				}
			}
		}
	}
	return y
}

func random(rng *rand.Rand, n int) []float32 {
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(rng.NormFloat64())
	}
	return s
}

// distance is the relative L2 distance of got from want.
func distance(got, want []float32) float64 {
	var d, n float64
	for i, w := range want {
		d += (float64(got[i]) - float64(w)) * (float64(got[i]) - float64(w))
		n += float64(w) * float64(w)
	}
	return math.Sqrt(d / (n + 1e-30))
}

// randomConv draws a convolution of any kind.
func randomConv(rng *rand.Rand) (Window, ConvParams) {
	kernels := []int{1, 1, 2, 3, 3, 5, 7}
	g := Window{
		KH: kernels[rng.IntN(7)], KW: kernels[rng.IntN(7)], StrideH: 1 + rng.IntN(2), StrideW: 1 + rng.IntN(3),
		DilationH: 1 + rng.IntN(2), DilationW: 1 + rng.IntN(2), Top: rng.IntN(3), Left: rng.IntN(3), Bottom: rng.IntN(3), Right: rng.IntN(3),
	}
	g.H, g.W = g.DilationH*(g.KH-1)+1+rng.IntN(9), g.DilationW*(g.KW-1)+1+rng.IntN(9)
	if rng.IntN(3) == 0 {
		g = Window{H: g.H, W: g.W, KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}
	}
	p := ConvParams{Groups: 1, In: 1 + rng.IntN(40), Out: 1 + rng.IntN(80), Limits: NoLimits()}
	switch rng.IntN(4) {
	case 0:
		p.In = 1 + rng.IntN(150)
		p.Out, p.Groups = p.In, p.In
	case 1:
		p.Groups = 2 + rng.IntN(3)
		p.In, p.Out = p.Groups*(1+rng.IntN(12)), p.Groups*(1+rng.IntN(20))
	}
	if rng.IntN(2) == 0 {
		p.Limits = Limits{0, 6}
	}
	p.Weight = random(rng, p.Out*p.In/p.Groups*g.KH*g.KW)
	if rng.IntN(2) == 0 {
		p.Bias = random(rng, p.Out)
	}
	return g, p
}

func TestConvEqualsDefinition(t *testing.T) {
	needs.Time(t)
	for _, u := range All() {
		t.Run(u.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 2))
			for i := range 300 {
				g, p := randomConv(rng)
				batch := 1 + rng.IntN(3)
				x := random(rng, batch*g.H*g.W*p.In)
				want := naiveConv(g, p, x, batch)
				got := make([]float32, len(want))
				u.NewConv(g, p).Run(NewTeam(1+i%3), x, got, batch)
				if d := distance(got, want); d > 1e-5 {
					t.Fatalf("case %d: relative error %g for %+v in=%d out=%d groups=%d batch=%d", i, d, g, p.In, p.Out, p.Groups, batch)
				}
			}
		})
	}
}

// TestConvIndependentOfThreadsAndBatch: an image's result is the same bits alone, in a batch, and on any number of threads.
func TestConvIndependentOfThreadsAndBatch(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	u := Best()
	for range 30 {
		g, p := randomConv(rng)
		p.In, p.Out = p.In*4, p.Out*4
		if p.Groups > 1 && p.Groups == p.In/4 {
			p.Groups = p.In
		}
		p.Weight, p.Bias = random(rng, p.Out*p.In/p.Groups*g.KH*g.KW), nil
		const batch = 7
		x := random(rng, batch*g.H*g.W*p.In)
		oh, ow := g.Out()
		size := oh * ow * p.Out
		all, one := make([]float32, batch*size), make([]float32, size)
		c := u.NewConv(g, p)
		c.Run(NewTeam(3), x, all, batch)
		for i := range batch {
			c.Run(NewTeam(1), x[i*g.H*g.W*p.In:], one, 1)
			for j, v := range one {
				if v != all[i*size+j] {
					t.Fatalf("image %d element %d: %g alone, %g in the batch", i, j, v, all[i*size+j])
				}
			}
		}
	}
}

func TestMatrixProduct(t *testing.T) {
	for _, u := range All() {
		t.Run(u.String(), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(5, 6))
			for range 200 {
				m, k, n := 1+rng.IntN(40), 1+rng.IntN(200), 1+rng.IntN(130)
				x, w := random(rng, m*k), random(rng, k*n)
				want, got := make([]float32, m*n), make([]float32, m*n)
				for i := range m {
					for j := range n {
						var s float64
						for l := range k {
							s += float64(x[i*k+l]) * float64(w[l*n+j])
						}
						want[i*n+j] = float32(s)
					}
				}
				u.Pack(w, Layout{Taps: 1, K: k, N: n, KStride: n, NStride: 1}, nil, NoLimits()).Mul(NewTeam(2), m, x, k, got, n)
				if d := distance(got, want); d > 1e-5 {
					t.Fatalf("%dx%dx%d: relative error %g", m, k, n, d)
				}
			}
		})
	}
}

func BenchmarkGEMM(b *testing.B) {
	for _, s := range [][3]int{{64, 64, 64}, {256, 256, 256}, {512, 512, 512}, {1024, 16, 96}, {1024, 96, 16}, {784, 320, 1280}} {
		x, w := random(rand.New(rand.NewPCG(1, 1)), s[0]*s[1]), random(rand.New(rand.NewPCG(1, 2)), s[1]*s[2])
		y := make([]float32, s[0]*s[2])
		for _, u := range All() {
			b.Run(fmt.Sprintf("%dx%dx%d/%s", s[0], s[1], s[2], u), func(b *testing.B) {
				m, team := u.Pack(w, Layout{Taps: 1, K: s[1], N: s[2], KStride: s[2], NStride: 1}, nil, NoLimits()), NewTeam(1)
				for b.Loop() {
					m.Mul(team, s[0], x, s[1], y, s[2])
				}
				report(b, s[0]*s[1]*s[2])
			})
		}
	}
}

func report(b *testing.B, macs int) {
	b.ReportMetric(2*float64(macs)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
}

func BenchmarkConv(b *testing.B) {
	square := func(size, k, stride int) Window {
		return Window{H: size, W: size, KH: k, KW: k, StrideH: stride, StrideW: stride, DilationH: 1, DilationW: 1, Top: k / 2, Left: k / 2, Bottom: k / 2, Right: k / 2}
	}
	cases := []struct {
		name            string
		g               Window
		in, out, groups int
		batch           int
	}{
		{"dw3x3_96_32", square(32, 3, 1), 96, 96, 96, 4},
		{"dw3x3_480_4", square(4, 3, 1), 480, 480, 480, 8},
		{"dw5x5_144_16", square(16, 5, 1), 144, 144, 144, 4},
		{"1x1_16_96_32", square(32, 1, 1), 16, 96, 1, 4},
		{"1x1_480_80_4", square(4, 1, 1), 480, 80, 1, 1},
		{"3x3_64_64_56", square(56, 3, 1), 64, 64, 1, 8},
		{"3x3_1_16_32", square(32, 3, 1), 1, 16, 1, 4},
		{"7x7_3_64_224", square(224, 7, 2), 3, 64, 1, 1},
	}
	for _, c := range cases {
		rng := rand.New(rand.NewPCG(1, 1))
		p := ConvParams{In: c.in, Out: c.out, Groups: c.groups, Weight: random(rng, c.out*c.in/c.groups*c.g.KH*c.g.KW), Limits: Limits{0, 6}}
		oh, ow := c.g.Out()
		x, y := random(rng, c.batch*c.g.H*c.g.W*c.in), make([]float32, c.batch*oh*ow*c.out)
		for _, u := range All() {
			b.Run(c.name+"/"+u.String(), func(b *testing.B) {
				conv, team := u.NewConv(c.g, p), NewTeam(1)
				for b.Loop() {
					conv.Run(team, x, y, c.batch)
				}
				report(b, len(y)*c.in/c.groups*c.g.KH*c.g.KW)
			})
		}
	}
}
