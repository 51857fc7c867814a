package ncnn

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"

	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
)

// tolerance is the largest relative difference (in L2) that rounding explains.
const tolerance = 1e-5

// Check compares the embedded engine, with each set of kernels that this machine has, with Run, which computes with plain loops and shares nothing
// with it. It writes a line for each network and set.
func Check(out io.Writer) error {
	fmt.Fprintf(out, "%s, %s/%s\n", embedded.New(embedded.Options{}).Info().Device, runtime.GOOS, runtime.GOARCH)
	var errs []error
	for _, n := range networks() {
		g, err := nn.Record(n.build)
		if err != nil {
			return err
		}
		w, in := numbers(g)
		want, err := reference(g, w, in)
		if err != nil {
			return fmt.Errorf("%s: %w", n.name, err)
		}
		for _, e := range embedded.All(2) {
			got, err := compute(g, w, in, e)
			if err != nil {
				return fmt.Errorf("%s: %w", n.name, err)
			}
			d := distance(got, want)
			fmt.Fprintf(out, "%-26s %-10s %.1e\n", n.name, e.Kernels(), d)
			if !(d <= tolerance) {
				errs = append(errs, fmt.Errorf("%s differs by %.1e with kernels %q", n.name, d, e.Kernels()))
			}
		}
	}
	return errors.Join(errs...)
}

type network struct {
	name  string
	build func(b nn.Builder)
}

// networks have every kernel of the engine at least once, at extents that are no multiples of vectors.
func networks() []network {
	image := func(b nn.Builder) nn.Value { return b.Input("x", nn.Float32, nn.Shape{nn.Batch, 20, 13, 11}) }
	tokens := func(b nn.Builder) nn.Value { return b.Input("x", nn.Float32, nn.Shape{nn.Batch, 19, 36}) }
	conv := func(out, in, k, stride, groups int) nn.Conv {
		return nn.Conv{
			Name: "conv", Weight: nn.Param{Name: "w", Shape: nn.Shape{out, in / groups, k, k}}, Bias: nn.Param{Name: "b", Shape: nn.Shape{out}},
			Kernel: []int{k, k}, Strides: []int{stride, stride}, Pads: []int{k / 2, k / 2, k / 2, k / 2}, Groups: groups,
		}
	}
	return []network{
		{"convolution 3x3", func(b nn.Builder) { b.Output("y", b.Act(b.Conv(image(b), conv(37, 20, 3, 1, 1)), nn.Relu())) }},
		{"convolution 1x1", func(b nn.Builder) { b.Output("y", b.Conv(image(b), conv(33, 20, 1, 1, 1))) }},
		{"convolution, stride 2", func(b nn.Builder) { b.Output("y", b.Conv(image(b), conv(24, 20, 5, 2, 1))) }},
		{"depthwise convolution", func(b nn.Builder) { b.Output("y", b.Conv(image(b), conv(20, 20, 3, 1, 20))) }},
		{"grouped convolution", func(b nn.Builder) { b.Output("y", b.Conv(image(b), conv(30, 20, 3, 2, 5))) }},
		{"residual and HardSwish", func(b nn.Builder) {
			x := image(b)
			b.Output("y", b.Act(b.Add(b.Conv(x, conv(20, 20, 3, 1, 1)), x), nn.Act{Type: "HardSwish"}))
		}},
		{"pooling", func(b nn.Builder) {
			x := b.Pool(image(b), nn.Pool{Kind: nn.Max, Kernel: []int{3, 3}, Strides: []int{2, 2}, Pads: []int{1, 1, 1, 1}})
			b.Output("y", b.Flatten(b.Pool(x, nn.Pool{Kind: nn.GlobalAverage}), 1))
		}},
		{"linear, GELU", func(b nn.Builder) {
			x := b.Linear(tokens(b), nn.Linear{Name: "fc", Weight: nn.Param{Name: "w", Shape: nn.Shape{36, 50}}, Bias: nn.Param{Name: "b", Shape: nn.Shape{50}}})
			b.Output("y", b.Act(x, nn.Act{Type: "Gelu"}))
		}},
		{"layer normalisation", func(b nn.Builder) {
			b.Output("y", b.LayerNorm(tokens(b), nn.LayerNorm{Name: "ln", Scale: nn.Param{Name: "w", Shape: nn.Shape{36}}, Bias: nn.Param{Name: "b", Shape: nn.Shape{36}}, Axis: 2, Epsilon: 1e-5}))
		}},
		{"attention", func(b nn.Builder) {
			x := b.Transpose(b.Reshape(tokens(b), nn.Shape{nn.Batch, 19, 4, 9}), 0, 2, 1, 3)
			scores := b.Softmax(b.MatMul(x, b.Transpose(x, 0, 1, 3, 2)), 3)
			b.Output("y", b.Reshape(b.Transpose(b.MatMul(scores, x), 0, 2, 1, 3), nn.Shape{nn.Batch, 19, 36}))
		}},
	}
}

// numbers makes weights and an input between -1 and 1.
func numbers(g *nn.Graph) (nn.Weights, nn.Tensor) {
	rng := rand.New(rand.NewPCG(1, 2))
	tensor := func(s nn.Shape) nn.Tensor {
		v := make([]float32, s.Count())
		for i := range v {
			v[i] = 2*rng.Float32() - 1
		}
		return nn.FromFloat32s(s, v)
	}
	w := nn.MapWeights{}
	for _, v := range g.Values {
		if v.Param != nil {
			w[v.Param.Source()] = tensor(v.Param.Shape)
		}
	}
	return w, tensor(g.Values[g.Inputs[0]].Shape.Bind(1))
}

// reference computes with plain loops.
func reference(g *nn.Graph, w nn.Weights, in nn.Tensor) ([]float32, error) {
	m, err := Export(g, w, Options{PlainAttention: true})
	if err != nil {
		return nil, err
	}
	out, err := m.Run(in.Float32s())
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

func compute(g *nn.Graph, w nn.Weights, in nn.Tensor, e *embedded.Engine) ([]float32, error) {
	s, err := e.Compile(g, w)
	if err != nil {
		return nil, err
	}
	out, err := s.Run(in)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	got := out[0].Float32s()
	return got, s.Close()
}

// distance is the length of the difference over that of want; NaN when lengths differ.
func distance(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.NaN()
	}
	var difference, length float64
	for i := range want {
		d := float64(got[i]) - float64(want[i])
		difference += d * d
		length += float64(want[i]) * float64(want[i])
	}
	return math.Sqrt(difference / max(length, 1e-30))
}
