package conform

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/generated/families"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestZooTrains: the embedded engine trains SubNets of architectures that nobody prepared for. Along their gradient, outputs change as it says.
func TestZooTrains(t *testing.T) {
	needs.Time(t)
	for name, build := range allArchitectures() {
		t.Run(name, func(t *testing.T) {
			c, p, w := opened(t, zooModel(t, build))
			choices, rng := choicesOf(c), rand.New(rand.NewPCG(22, 22))
			for k := range 3 {
				genes := make(space.Genes, len(choices))
				if k > 0 {
					genes = space.Random(choices, rng)
				}
				g, _ := described(t, p, genes)
				got, want := alongGradient(t, g, w, rng)
				if !(math.Abs(got-want) < 0.05*want) {
					t.Errorf("%s: the outputs change by %g, the gradient says %g", space.Format(choices, genes), got, want)
				}
			}
		})
	}
}

// alongGradient trains a step, and returns how fast a random sum of the outputs grows along its gradient by all parameters, and the gradient's norm, which
// that should be.
func alongGradient(t *testing.T, g *nn.Graph, w nn.Weights, rng *rand.Rand) (slope, norm float64) {
	t.Helper()
	params := families.Trainables(t, g, w)
	training, err := embedded.New(embedded.Options{}).Train(g, params)
	if err != nil {
		t.Fatal(err)
	}
	defer training.Close()
	var in []nn.Tensor
	for _, v := range g.Inputs {
		in = append(in, drawn(rng, g.Values[v].Shape.Bind(4)))
	}
	var weights []nn.Tensor
	sum := func() (sum float64) {
		out, err := training.Forward(in...)
		if err != nil {
			t.Fatal(err)
		}
		for k, o := range out {
			if len(weights) == k {
				weights = append(weights, drawn(rng, o.Shape))
			}
			for i, v := range o.Float32s() {
				sum += float64(v) * float64(weights[k].Float32s()[i])
			}
		}
		return sum
	}
	sum()
	if err := training.Backward(weights...); err != nil {
		t.Fatal(err)
	}
	size := 0.0
	for _, p := range params {
		for i, d := range p.Grad {
			norm += float64(d) * float64(d)
			if v := float64(p.Value[i]); !math.IsInf(v, 0) { // of masks
				size += v * v
			}
		}
	}
	norm = math.Sqrt(norm)
	old := map[string][]float32{}
	for name, p := range params {
		old[name] = slices.Clone(p.Value)
	}
	// A longer step is less noisy, a shorter one leaves kinks alone. A wrong gradient is wrong with both.
	for _, share := range []float64{3e-5, 3e-6} {
		step := share * math.Sqrt(size)
		ends := [2]float64{}
		for k, to := range []float64{step, -step} {
			for name, p := range params {
				for i, d := range p.Grad {
					p.Value[i] = old[name][i] + float32(to*float64(d)/norm)
				}
			}
			ends[k] = sum()
		}
		slope = (ends[0] - ends[1]) / (2 * step)
		if math.Abs(slope-norm) < 0.01*norm {
			break
		}
	}
	return slope, norm
}

// drawn are normally distributed numbers.
func drawn(rng *rand.Rand, s nn.Shape) nn.Tensor {
	v := make([]float32, s.Count())
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	return nn.FromFloat32s(s, v)
}
