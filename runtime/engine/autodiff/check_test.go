package autodiff_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// made gives every parameter of g values that are apart from each other and from the kinks of activations, and half of the smaller windows a
// kernel transform.
func made(g *nn.Graph, rng *rand.Rand) engine.Params {
	params := engine.Params{}
	for _, i := range g.Values {
		if i.Param == nil {
			continue
		}
		s := i.Param.Shape
		if i.Param.Transposed {
			s = slices.Clone(s)
			slices.Reverse(s)
		}
		params[i.Param.Name] = spread(s, rng)
		if w, ok := i.Param.Window(); ok && rng.IntN(2) == 0 {
			params[w.Name] = spread(nn.Shape{len(w.Taps), w.All}, rng)
		}
	}
	return params
}

func spread(s nn.Shape, rng *rand.Rand) *engine.Trainable {
	v := make([]float32, s.Count())
	for k, at := range rng.Perm(len(v)) {
		v[k] = 2.6*(float32(at)+0.43)/float32(len(v)) - 1.3
	}
	return &engine.Trainable{Shape: s, Value: v, Grad: make([]float32, len(v))}
}

// loss is the sum of the outputs times weights. The weights are its gradient with respect to the outputs.
type loss struct {
	training engine.Training
	in       []nn.Tensor
	weights  []nn.Tensor
}

func (l *loss) at(t *testing.T) float64 {
	t.Helper()
	out, err := l.training.Forward(l.in...)
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for i, o := range out {
		w := l.weights[i].Float32s()
		for k, v := range o.Float32s() {
			total += float64(v) * float64(w[k])
		}
	}
	return total
}

// weigh draws the weights of the outputs.
func (l *loss) weigh(t *testing.T, rng *rand.Rand) {
	t.Helper()
	out, err := l.training.Forward(l.in...)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range out {
		w := make([]float32, o.Shape.Count())
		for i := range w {
			w[i] = float32(rng.NormFloat64())
		}
		l.weights = append(l.weights, nn.FromFloat32s(o.Shape, w))
	}
}

// TestOperators compares the derivatives of every operator with central differences.
func TestOperators(t *testing.T) {
	needs.Time(t)
	tested := map[string]bool{}
	for name, build := range allCases() {
		tested[strings.Fields(name)[0]] = true
		for seed := range uint64(6) {
			for _, isa := range kernel.All() {
				checkOperator(t, name, build, seed, isa)
			}
		}
	}
	for _, name := range autodiff.Operators() {
		if !tested[name] {
			t.Errorf("operator %s has no case", name)
		}
	}
}

func checkOperator(t *testing.T, name string, build func(n net) nn.Value, seed uint64, isa *kernel.ISA) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	tape := nn.NewTape()
	tape.Output("y", build(net{tape, rng}))
	g, err := tape.Graph()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	params := made(g, rng)
	training, err := autodiff.New(isa, 2).Train(g, params)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	l := &loss{training: training}
	l.weigh(t, rng)
	if err := training.Backward(l.weights...); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for pname, p := range params {
		const h = 4e-3
		if name[0] == 'B' && (pname == "m" || pname == "v") {
			continue // statistics are not used
		}
		scale := 0.0
		for _, v := range p.Grad {
			scale = max(scale, math.Abs(float64(v)))
		}
		for range min(12, len(p.Value)) {
			i := rng.IntN(len(p.Value))
			old := p.Value[i]
			p.Value[i] = old + h
			up := l.at(t)
			p.Value[i] = old - h
			down := l.at(t)
			p.Value[i] = old
			want := (up - down) / float64((old+h)-(old-h))
			if d := math.Abs(want - float64(p.Grad[i])); d > 5e-3*(1+scale) {
				t.Errorf("%s, seed %d, %s: derivative by %s[%d] is %g, differences say %g", name, seed, isa, pname, i, p.Grad[i], want)
				return
			}
		}
	}
}

// TestTrainingInfers: what a training computes is what inference does, for all operators, and for smaller windows with a kernel transform or without.
// Normalisations by a batch's own statistics are another thing.
func TestTrainingInfers(t *testing.T) {
	transforms := 0
	for name, build := range allCases() {
		if strings.HasPrefix(name, "BatchNormalization") {
			continue
		}
		for seed := range uint64(6) {
			rng := rand.New(rand.NewPCG(seed, 1))
			tape := nn.NewTape()
			tape.Output("y", build(net{tape, rng}))
			g, err := tape.Graph()
			if err != nil {
				t.Fatal(err)
			}
			params, w := made(g, rng), nn.MapWeights{}
			for name, p := range params {
				w[name] = nn.FromFloat32s(p.Shape, p.Value)
				transforms += strings.Count(name, ".kernel3x3")
			}
			e := embedded.New(embedded.Options{Threads: 1})
			session, err := e.Compile(g, w)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			training, err := e.Train(g, params)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			want, err := session.Run()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := training.Forward()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			y := want[0].Float32s()
			for i, v := range got[0].Float32s() {
				if !(math.Abs(float64(v-y[i])) <= 1e-4) && !(v != v && y[i] != y[i]) {
					t.Fatalf("%s, seed %d: result %d is %g, inference has %g", name, seed, i, v, y[i])
				}
			}
		}
	}
	if transforms < 3 {
		t.Errorf("%d kernel transforms", transforms)
	}
}

// onlyForward are the operators that the engine runs and does not train: recurrent layers and operators of which networks have a few, whose gradients
// nobody has written yet, and quantised numbers, which have none.
var onlyForward = []string{
	"LSTM", "GRU", "RNN", "If", "Loop",
	"MaxUnpool", "LpPool", "GlobalLpPool", "TopK", "OneHot", "GatherElements", "GatherND", "ScatterElements", "ScatterND", "Einsum",
	"IsInf", "Mean", "MeanVarianceNormalization",
	"ReverseSequence", "STFT", "DFT",

	"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger",
	"com.microsoft.QuantizeLinear", "com.microsoft.DequantizeLinear", "com.microsoft.MatMulIntegerToFloat", "com.microsoft.DynamicQuantizeMatMul",
	"com.microsoft.QLinearAdd", "com.microsoft.QLinearMul", "com.microsoft.QLinearSigmoid", "com.microsoft.QLinearLeakyRelu",
	"com.microsoft.QLinearAveragePool", "com.microsoft.QLinearGlobalAveragePool", "com.microsoft.QLinearConcat",
}

// TestWhatInfersTrains: every operator that the engine runs can be trained, but for those that are known not to be.
func TestWhatInfersTrains(t *testing.T) {
	for _, name := range embedded.Operators() {
		if trains := slices.Contains(autodiff.Operators(), name); trains == slices.Contains(onlyForward, name) {
			t.Errorf("operator %s: can be trained: %v", name, trains)
		}
	}
}
