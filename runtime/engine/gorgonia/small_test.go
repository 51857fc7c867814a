//go:build !riscv64

package gorgonia_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/gorgonia"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
)

func param(name string, s ...int) nn.Param { return nn.Param{Name: name, Shape: s} }

// conv is a convolution of windows k, its normalisation and activation; groups 0 means depthwise.
func conv(b nn.Builder, name string, x nn.Value, in, out, k, stride, groups int, act *nn.Act) nn.Value {
	if groups == 0 {
		groups = in
	}
	y := b.Conv(x, nn.Conv{
		Name: name, Weight: param(name+".w", out, in/groups, k, k), Kernel: []int{k, k}, Strides: []int{stride, stride},
		Pads: []int{k / 2, k / 2, k / 2, k / 2}, Groups: groups,
	})
	y = b.BatchNorm(y, nn.BatchNorm{
		Name: name + ".n", Scale: param(name+".s", out), Bias: param(name+".b", out), Mean: param(name+".m", out), Var: param(name+".v", out), Epsilon: 1e-5,
	})
	if act != nil {
		y = b.Act(y, *act)
	}
	return y
}

// head pools, classifies and normalises.
func head(b nn.Builder, x nn.Value, channels int) {
	y := b.Flatten(b.Pool(x, nn.Pool{Kind: nn.GlobalAverage}), 1)
	y = b.Linear(y, nn.Linear{Name: "fc", Weight: param("fc.w", 10, channels), Bias: param("fc.b", 10), TransB: true})
	b.Output("y", b.Softmax(y, 1))
}

// mobile is like a MobileNet: expansion, depthwise window, projection, residual sums.
func mobile(b nn.Builder) {
	act := nn.Clip(0, 6)
	x := conv(b, "stem", b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 32, 32}), 3, 16, 3, 2, 1, &act)
	in := 16
	for k, block := range []struct{ out, stride int }{{16, 1}, {24, 2}, {24, 1}, {40, 2}, {40, 1}} {
		name := string(rune('a' + k))
		y := conv(b, name+"1", x, in, 6*in, 1, 1, 1, &act)
		y = conv(b, name+"2", y, 6*in, 6*in, 3, block.stride, 0, &act)
		if y = conv(b, name+"3", y, 6*in, block.out, 1, 1, 1, nil); in == block.out && block.stride == 1 {
			y = b.Add(y, x)
		}
		x, in = y, block.out
	}
	head(b, x, in)
}

// residual is like a ResNet: bottlenecks with projections.
func residual(b nn.Builder) {
	act := nn.Relu()
	x := conv(b, "stem", b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 32, 32}), 3, 32, 3, 1, 1, &act)
	x = b.Pool(x, nn.Pool{Kind: nn.Max, Kernel: []int{3, 3}, Strides: []int{2, 2}, Pads: []int{1, 1, 1, 1}})
	in := 32
	for k, block := range []struct{ out, stride int }{{128, 1}, {128, 1}, {256, 2}, {256, 1}} {
		name := string(rune('a' + k))
		y := conv(b, name+"1", x, in, block.out/4, 1, 1, 1, &act)
		y = conv(b, name+"2", y, block.out/4, block.out/4, 3, block.stride, 1, &act)
		y = conv(b, name+"3", y, block.out/4, block.out, 1, 1, 1, nil)
		if in != block.out {
			x = conv(b, name+"4", x, in, block.out, 1, block.stride, 1, nil)
		}
		x, in = b.Act(b.Add(y, x), act), block.out
	}
	head(b, x, in)
}

// mixed has what Gorgonia computes itself beside what our kernels do: broadcasting, gates, products of activations.
func mixed(b nn.Builder) {
	x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 32, 32})
	y := conv(b, "stem", x, 3, 16, 3, 2, 1, nil)
	gate := b.Act(b.Pool(y, nn.Pool{Kind: nn.GlobalAverage}), nn.Sigmoid())
	y = b.Mul(y, gate)
	y = b.Sub(b.Act(y, nn.Tanh()), b.Div(y, b.Add(b.Act(y, nn.Act{Type: "Exp"}), b.Act(y, nn.Act{Type: "Abs"}))))
	parts := b.Split(y, 1, 4, 12)
	y = b.Concat(1, parts[1], parts[0])
	y = b.Reshape(y, nn.Shape{nn.Batch, 16, 256})
	y = b.MatMul(y, b.Transpose(y, 0, 2, 1))
	y = b.Linear(y, nn.Linear{Name: "l", Weight: param("l.w", 16, 8), Bias: param("l.b", 8), BiasName: "l.add"})
	b.Output("y", b.Mean(b.Act(y, nn.Act{Type: "Neg"}), false, 1))
	b.Output("z", gate)
}

var networks = map[string]func(nn.Builder){"mobile": mobile, "residual": residual, "mixed": mixed}

// made records a network and makes up weights that keep activations near one.
func made(t testing.TB, build func(nn.Builder)) (*nn.Graph, nn.MapWeights) {
	t.Helper()
	g, err := nn.Record(build)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	w := nn.MapWeights{}
	for _, i := range g.Values {
		if i.Param == nil {
			continue
		}
		s := slices.Clone(i.Param.Shape)
		if i.Param.Transposed {
			slices.Reverse(s)
		}
		v := make([]float32, s.Count())
		fan := max(1, len(v)/s[0])
		for k := range v {
			if v[k] = float32(rng.NormFloat64() / math.Sqrt(float64(fan))); strings.HasSuffix(i.Name, ".v") {
				v[k] = 0.5 + rng.Float32()
			}
		}
		w[i.Param.Name] = nn.FromFloat32s(s, v)
	}
	return g, w
}

func picture(batch int) nn.Tensor {
	rng := rand.New(rand.NewPCG(2, uint64(batch)))
	v := make([]float32, batch*3*32*32)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return nn.FromFloat32s(nn.Shape{batch, 3, 32, 32}, v)
}

// engines are all that there are here, the embedded one first.
func engines(t testing.TB) []engine.Engine {
	t.Helper()
	list := []engine.Engine{embedded.New(embedded.Options{Threads: 1}), gorgonia.New(gorgonia.Options{Threads: 1})}
	lib, err := ort.Find()
	if err != nil {
		t.Log("without ONNX Runtime: ", err)
		return list
	}
	e, err := ort.New(lib, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	return append(list, e)
}

// TestEnginesAgree runs small networks on every engine, with batches of changing sizes in one session.
func TestEnginesAgree(t *testing.T) {
	needs.Time(t)
	for name, build := range networks {
		g, w := made(t, build)
		var sessions []engine.Session
		all := engines(t)
		for _, e := range all {
			sessions = append(sessions, compile(t, e, g, w))
		}
		for _, batch := range []int{1, 3, 1} {
			var want [][]float32
			for k, s := range sessions {
				out, err := s.Run(picture(batch))
				if err != nil {
					t.Fatalf("%s: %s: %v", name, all[k].Info().Name, err)
				}
				for i, v := range out {
					if k == 0 {
						want = append(want, append([]float32(nil), v.Float32s()...))
					} else if d := distance(v.Float32s(), want[i]); !(d < 1e-5) {
						t.Errorf("%s, batch %d: output %d of %s is %g off", name, batch, i, all[k].Info().Name, d)
					}
				}
			}
		}
	}
}

// distance is the relative L2 distance of got from want.
func distance(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	var d, n float64
	for i, v := range want {
		d += math.Pow(float64(got[i])-float64(v), 2)
		n += math.Pow(float64(v), 2)
	}
	return math.Sqrt(d / n)
}

// TestErrors: unsupported operators all at once, and inputs that do not fit.
func TestErrors(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Op(nn.Op{Type: "NonZero", Name: "first"}, b.Input("x", nn.Float32, nn.Shape{nn.Batch, 4}))[0]
		b.Output("y", b.Op(nn.Op{Type: "Fancy", Domain: "mine", Name: "second"}, x)[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	e := gorgonia.New(gorgonia.Options{})
	_, err = e.Compile(g, nn.MapWeights{})
	for _, want := range []string{"first", "NonZero", "second", "mine.Fancy"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	g, w := made(t, mobile)
	s := compile(t, e, g, w)
	for _, in := range [][]nn.Tensor{
		nil,
		{nn.FromFloat32s(nn.Shape{0, 3, 32, 32}, nil)},
		{nn.FromFloat32s(nn.Shape{1, 3, 32, 31}, make([]float32, 3*32*31))},
		{nn.FromFloat32s(nn.Shape{3, 32, 32}, make([]float32, 3*32*32))},
		{nn.FromFloat32s(nn.Shape{1, 3, 32, 32}, make([]float32, 5))},
		{nn.FromInt64s(nn.Shape{1, 3, 32, 32}, make([]int64, 3*32*32))},
	} {
		if _, err := s.Run(in...); err == nil {
			t.Errorf("%d inputs: no error", len(in))
		}
	}
}

// BenchmarkEngines runs the small networks on all engines, one image on one thread.
func BenchmarkEngines(b *testing.B) {
	for _, name := range []string{"mobile", "residual"} {
		g, w := made(b, networks[name])
		for _, e := range engines(b) {
			b.Run(name+"/"+e.Info().Name, func(b *testing.B) {
				s, err := e.Compile(g, w)
				if err != nil {
					b.Fatal(err)
				}
				in := picture(1)
				if _, err := s.Run(in); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.Run(in); err != nil {
						b.Fatal(err)
					}
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			})
		}
	}
}
