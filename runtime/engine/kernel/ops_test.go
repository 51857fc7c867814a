package kernel

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// index visits every position of a shape.
func index(shape []int, f func(at []int)) {
	at := make([]int, len(shape))
	var walk func(i int)
	walk = func(i int) {
		if i == len(shape) {
			f(at)
			return
		}
		for at[i] = 0; at[i] < shape[i]; at[i]++ {
			walk(i + 1)
		}
	}
	walk(0)
}

func randomShape(rng *rand.Rand) []int {
	s := make([]int, 1+rng.IntN(5))
	for i := range s {
		s[i] = 1 + rng.IntN(6)
	}
	if rng.IntN(2) == 0 {
		s[len(s)-1] += 30
	}
	return s
}

func product(s []int) int {
	n := 1
	for _, v := range s {
		n *= v
	}
	return n
}

func TestCopierPermutesLikeItsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		shape := randomShape(rng)
		perm := rng.Perm(len(shape))
		from := Dense(shape).Permute(perm)
		to := Dense(from.Dims)
		x := random(rng, product(shape))
		got := make([]float32, len(x))
		NewCopier(to, from).Run(NewTeam(2), got, x)
		index(to.Dims, func(at []int) {
			a, b := 0, 0
			for i, p := range at {
				a += p * to.Strides[i]
				b += p * from.Strides[i]
			}
			if got[a] != x[b] {
				t.Fatalf("shape %v perm %v at %v: got %g, want %g", shape, perm, at, got[a], x[b])
			}
		})
	}
}

func TestBroadcastEqualsDefinition(t *testing.T) {
	for _, u := range All() {
		rng := rand.New(rand.NewPCG(2, 2))
		for range 200 {
			x := randomShape(rng)
			y := append([]int(nil), x[rng.IntN(len(x)):]...)
			for i := range y {
				if rng.IntN(3) == 0 {
					y[i] = 1
				}
			}
			if rng.IntN(2) == 0 {
				x, y = y, x
			}
			name := []string{"Add", "Mul", "Max", "Sub", "Div", "Min"}[rng.IntN(6)]
			op, _ := BinaryOf(name)
			shape, err := BroadcastShape(x, y)
			if err != nil {
				t.Fatal(err)
			}
			xs, ys := random(rng, product(x)), random(rng, product(y))
			z := make([]float32, product(shape))
			lim := Limits{-1, 2}
			u.NewBroadcast(op, x, y, lim).Run(NewTeam(2), z, xs, ys)
			sx, sy, n := spread(x, shape), spread(y, shape), 0
			index(shape, func(at []int) {
				a, b := 0, 0
				for i, p := range at {
					a += p * sx[i]
					b += p * sy[i]
				}
				if want := limit(op.f(xs[a], ys[b]), lim.Lo, lim.Hi); z[n] != want {
					t.Fatalf("%s %s %v %v at %v: got %g, want %g", u, name, x, y, at, z[n], want)
				}
				n++
			})
		}
	}
}

func TestPoolEqualsDefinition(t *testing.T) {
	for _, u := range All() {
		rng := rand.New(rand.NewPCG(3, 3))
		for range 200 {
			g, _ := randomConv(rng)
			g.Top, g.Left, g.Bottom, g.Right = g.Top%g.KH, g.Left%g.KW, g.Bottom%g.KH, g.Right%g.KW
			g.Ceil = rng.IntN(2) == 0
			average, include := rng.IntN(2) == 0, rng.IntN(2) == 0
			c, batch := 1+rng.IntN(40), 1+rng.IntN(3)
			x := random(rng, batch*g.H*g.W*c)
			oh, ow := g.Out()
			got := make([]float32, batch*oh*ow*c)
			u.NewPool(g, c, average, include).Run(NewTeam(2), x, got, batch)
			index([]int{batch, oh, ow, c}, func(at []int) {
				sum, top, n := 0.0, math.Inf(-1), 0
				for i := range g.KH {
					for j := range g.KW {
						r, s := at[1]*g.StrideH-g.Top+i*g.DilationH, at[2]*g.StrideW-g.Left+j*g.DilationW
						if r >= 0 && r < g.H && s >= 0 && s < g.W {
							v := float64(x[((at[0]*g.H+r)*g.W+s)*c+at[3]])
							sum, top, n = sum+v, max(top, v), n+1
						} else if include && r < g.H+g.Bottom && s < g.W+g.Right {
							n++
						}
					}
				}
				want := top
				if average {
					want = sum / float64(max(n, 1))
				}
				if math.IsInf(want, 0) {
					want = 0
				}
				if v := got[((at[0]*oh+at[1])*ow+at[2])*c+at[3]]; math.Abs(float64(v)-want) > 1e-5 {
					t.Fatalf("%s %+v average=%v include=%v at %v: got %g, want %g", u, g, average, include, at, v, want)
				}
			})
		}
	}
}

func TestReducerEqualsDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		shape := randomShape(rng)
		gone, keep := make([]bool, len(shape)), append([]int(nil), shape...)
		count := 1
		for i := range gone {
			if gone[i] = rng.IntN(2) == 0; gone[i] {
				keep[i] = 1
				count *= shape[i]
			}
		}
		x := random(rng, product(shape))
		want, got := make([]float64, product(keep)), make([]float32, product(keep))
		s := spread(keep, shape)
		n := 0
		index(shape, func(at []int) {
			o := 0
			for i, p := range at {
				o += p * s[i]
			}
			want[o] += float64(x[n]) / float64(count)
			n++
		})
		Best().NewReducer(shape, gone, 1/float32(count), false).Run(NewTeam(2), x, got)
		for i := range want {
			if math.Abs(want[i]-float64(got[i])) > 1e-5 {
				t.Fatalf("%v over %v at %d: got %g, want %g", shape, gone, i, got[i], want[i])
			}
		}
	}
}

func TestExpAgainstFloat64(t *testing.T) {
	for x := float32(-104); x < 90; x += 0.0137 {
		want := float32(math.Exp(float64(x)))
		if got := Exp(x); math.Abs(float64(got)-float64(want)) > 3e-7*float64(want)+1e-37 && x < 88.7228 {
			t.Fatalf("Exp(%g) = %g, want %g", x, got, want)
		}
	}
	for _, x := range []float32{float32(math.Inf(1)), float32(math.Inf(-1)), 0, 89, -1000} {
		if got, want := Exp(x), float32(math.Exp(float64(x))); got != want {
			t.Errorf("Exp(%g) = %g, want %g", x, got, want)
		}
	}
}

func TestSoftmaxAlongMiddleAxis(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	const outer, n, inner = 3, 7, 5
	x := random(rng, outer*n*inner)
	z := make([]float32, len(x))
	Best().Softmax(NewTeam(1), z, x, outer, n, inner)
	for o := range outer {
		for i := range inner {
			var sum float64
			for k := range n {
				sum += math.Exp(float64(x[(o*n+k)*inner+i]))
			}
			for k := range n {
				at := (o*n+k)*inner + i
				if want := math.Exp(float64(x[at])) / sum; math.Abs(want-float64(z[at])) > 1e-6 {
					t.Fatalf("got %g, want %g", z[at], want)
				}
			}
		}
	}
}

func TestScaleAgainstDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	const rows, n = 9, 37
	x, scale, bias := random(rng, rows*n), random(rng, n), random(rng, n)
	z := make([]float32, len(x))
	for _, u := range All() {
		u.Scale(NewTeam(2), z, x, scale, bias, NoLimits())
		for i, v := range x {
			if want := v*scale[i%n] + bias[i%n]; math.Abs(float64(want-z[i])) > 1e-5 {
				t.Fatalf("%s: scale: got %g, want %g", u, z[i], want)
			}
		}
	}
}

// TestMomentsAgainstDefinition: also of many rows, and where means are large against deviations, the moments are those in float64, as exactly as
// float32 has the elements; any number of threads gives the same bits.
func TestMomentsAgainstDefinition(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {9, 37}, {5000, 3}, {777, 64}, {100, 500}} {
		rows, n := size[0], size[1]
		rng := rand.New(rand.NewPCG(8, uint64(n)))
		x := make([]float32, rows*n)
		for i := range x {
			x[i] = float32(float64(i%n) + (0.5+float64(i%n)/float64(n))*rng.NormFloat64())
		}
		for _, u := range All() {
			var m, again Moments
			u.Moments(NewTeam(1), &m, x, n)
			u.Moments(NewTeam(3), &again, x, n)
			if !reflect.DeepEqual(m, again) {
				t.Fatalf("%s: %d x %d: another number of threads gives other moments", u, rows, n)
			}
			for i := range n {
				column := make([]float32, rows)
				for r := range column {
					column[r] = x[r*n+i]
				}
				mean, variance := moments(column)
				if d := math.Abs(m.Mean[i] - mean); d > 1e-6*(1+math.Abs(mean)) {
					t.Errorf("%s: %d x %d: mean %d is %g, want %g", u, rows, n, i, m.Mean[i], mean)
				}
				if d := math.Abs(m.Variance[i] - variance); d > 1e-5*variance {
					t.Errorf("%s: %d x %d: variance %d is %g, want %g", u, rows, n, i, m.Variance[i], variance)
				}
			}
		}
	}
}

func TestUnariesAgainstDefinition(t *testing.T) {
	definitions := map[string]func(x float64) float64{
		"HardSwish":   func(x float64) float64 { return x * min(max(x/6+0.5, 0), 1) },
		"HardSigmoid": func(x float64) float64 { return min(max(x/6+0.5, 0), 1) },
		"Sigmoid":     func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
		"Relu":        func(x float64) float64 { return max(x, 0) },
		"Erf":         math.Erf,
		"Gelu":        func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) },
		"Exp":         math.Exp,
		"Tanh":        math.Tanh,
		"Abs":         math.Abs,
		"Softplus":    func(x float64) float64 { return math.Log(1 + math.Exp(x)) },
	}
	rng := rand.New(rand.NewPCG(7, 7))
	for _, u := range All() {
		for name, def := range definitions {
			f, ok := u.Unary(name)
			if !ok {
				t.Fatalf("no %s", name)
			}
			x := random(rng, 1+rng.IntN(200))
			z := make([]float32, len(x))
			for i := range x {
				x[i] *= 4
			}
			f.Apply(NewTeam(2), z, x, 1.0/6, 0.5)
			for i, v := range x {
				if want := def(float64(v)); math.Abs(want-float64(z[i])) > 1e-6*max(1, math.Abs(want)) {
					t.Errorf("%s: %s(%g) = %g, want %g", u, name, v, z[i], want)
				}
			}
		}
	}
}
