package tune_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/tune"
)

const (
	inner   = 8
	classes = 4
)

var sides, widths, kernels = []int{10, 8}, []int{inner, 6, 4}, []int{5, 3}

// small is a classifier of two convolutions, with the choices of its input's side, its inner width and the second window.
func small() *supernet.Net {
	param := func(name string, s ...int) nn.Param { return nn.Param{Name: name, Shape: s} }
	conv := func(name string, out, in, k int) nn.Conv {
		p := k / 2
		return nn.Conv{Name: name, Weight: param(name+".w", out, in, k, k), Kernel: []int{k, k}, Pads: []int{p, p, p, p}}
	}
	norm := func(name string, n int) nn.BatchNorm {
		return nn.BatchNorm{Name: name, Scale: param(name+".s", n), Bias: param(name+".b", n), Mean: param(name+".m", n), Var: param(name+".v", n), Epsilon: 1e-5}
	}
	return &supernet.Net{
		Package: "small", Digest: "d", Source: supernet.Source{SHA256: "s"},
		Choices: []space.Choice{{Name: "resolution", Kind: "resolution", Values: []string{"10", "8"}}, {Name: "stage0.width", Kind: "width", Values: []string{"8", "6", "4"}}, {Name: "stage0.kernel", Kind: "kernel", Values: []string{"5", "3"}}},
		Groups: []supernet.Group{{Size: inner, Of: []supernet.Member{
			{Param: "a.w"}, {Param: "an.s"}, {Param: "an.b"}, {Param: "an.m"}, {Param: "an.v"}, {Param: "b.w", Axis: 1, Reads: true},
		}}},
		Build: func(g []uint8, b nn.Builder) {
			side, width := sides[g[0]], widths[g[1]]
			x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 1, side, side})
			x = b.Conv(x, conv("a", inner, 1, 3).Out(width))
			x = b.BatchNorm(x, norm("an", inner).Cut(width))
			x = b.Act(x, nn.Relu())
			x = b.Conv(x, conv("b", 2*inner, inner, 5).In(width).Crop(kernels[g[2]]))
			x = b.BatchNorm(x, norm("bn", 2*inner))
			x = b.Act(x, nn.Relu())
			x = b.Pool(x, nn.Pool{Name: "pool", Kind: nn.GlobalAverage})
			x = b.Flatten(x, 1)
			b.Output("y", b.Linear(x, nn.Linear{Name: "fc", Weight: param("fc.w", classes, 2*inner), Bias: param("fc.b", classes), TransB: true}))
		},
	}
}

// weights returns weights for small that have not been trained.
func weights() nn.MapWeights {
	rng := rand.New(rand.NewPCG(7, 8))
	w := nn.MapWeights{}
	fill := func(name string, mean, spread float32, s ...int) {
		v := make([]float32, nn.Shape(s).Count())
		for i := range v {
			v[i] = mean + spread*float32(rng.NormFloat64())
		}
		w[name] = nn.FromFloat32s(s, v)
	}
	fill("a.w", 0, 0.4, inner, 1, 3, 3)
	fill("b.w", 0, 0.1, 2*inner, inner, 5, 5)
	fill("fc.w", 0, 0.3, classes, 2*inner)
	fill("fc.b", 0, 0, classes)
	for name, n := range map[string]int{"an": inner, "bn": 2 * inner} {
		fill(name+".s", 1, 0, n)
		fill(name+".b", 0, 0, n)
		fill(name+".m", 0, 0, n)
		fill(name+".v", 1, 0, n)
	}
	return w
}

// stripes are images of four classes: stripes of two directions, fine and coarse, with noise.
func stripes(seed uint64, n int) *data.Set {
	rng := rand.New(rand.NewPCG(seed, 1))
	s := &data.Set{N: n, Channels: 1, Height: 8, Width: 8, Pixels: make([]byte, n*64), Labels: make([]int32, n)}
	for i := range n {
		class := rng.IntN(classes)
		s.Labels[i] = int32(class)
		shift := rng.IntN(4)
		for k := range 64 {
			at := []int{k / 8, k % 8}[class%2]
			v := 100 * ((at + shift) / (1 + class/2) % 2)
			s.Pixels[i*64+k] = uint8(40 + v + rng.IntN(90))
		}
	}
	return s
}

// samples are stripes as input.
func samples(seed uint64) data.Samples {
	return data.Source{Transform: data.Transform{Pad: 1, Mean: []float32{0.5}, Std: []float32{0.25}}, Set: stripes(seed, 200)}
}

// labels are those of samples.
func labels(s data.Samples) []int32 { return s.(data.Source).Set.Labels }

func tuner(t *testing.T) *tune.Tuner {
	t.Helper()
	e, ok := engine.Engine(embedded.New(embedded.Options{Threads: 2})).(engine.Trainer)
	if !ok {
		t.Fatal("the embedded engine does not train")
	}
	o := tune.Defaults()
	o.Steps, o.SubNets, o.Batch, o.Rate, o.Shift, o.Flip, o.Calib = 200, 2, 16, 2e-2, 1, false, 100
	return &tune.Tuner{
		Net: small(), Engine: e, Weights: weights(), Source: "w", Train: samples(1), Check: samples(2), Options: o,
	}
}

// result runs a tuner and returns its history and its weights as a file.
func result(t *testing.T, r *tune.Tuner, checkpoint string) ([]tune.Evaluation, []byte) {
	t.Helper()
	out, err := r.Run(t.Context(), checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	return out.History, file(t, out)
}

// file is the tuned model of small.
func file(t *testing.T, r *tune.Result) []byte {
	t.Helper()
	g, err := small().Record(make([]uint8, 3))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := onnxfile.Write(&b, g, weights(), onnxfile.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	tuned, tensors := r.Tensors()
	out, err := onnxfile.Replace(b.Bytes(), tuned, tensors)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLearns: every strategy, optimiser, teacher and divergence makes both ends of an untrained SuperNet classify most images.
func TestLearns(t *testing.T) {
	needs.Time(t)
	for name, change := range map[string]func(o *tune.Options){
		"compound": func(o *tune.Options) { o.Teacher = "none" },
		"random, sgd": func(o *tune.Options) {
			o.Strategy, o.Teacher, o.Optimizer, o.Rate, o.Clip = "random", "none", "sgd", 0.1, 5
		},
		"progressive": func(o *tune.Options) { o.Strategy, o.Teacher, o.Erase = "progressive", "none", 0.1 },
		"sandwich, in place": func(o *tune.Options) {
			o.Strategy, o.Teacher, o.SubNets, o.Distil, o.EMA = "sandwich", "largest", 3, 0.7, 0.9
		},
		"sandwich, alpha": func(o *tune.Options) {
			o.Strategy, o.Teacher, o.SubNets, o.Distil, o.Divergence = "sandwich", "largest", 2, 0.7, "alpha"
		},
	} {
		r := tuner(t)
		change(&r.Options)
		h, _ := result(t, r, "")
		last := h[len(h)-1]
		t.Logf("%s: %+v", name, last)
		if last.Largest < 0.9 || last.Smallest < 0.8 || math.IsNaN(last.Loss) {
			t.Errorf("%s: %+v, want the largest at 0.9 and the smallest at 0.8", name, last)
		}
	}
}

// TestBothTeach: when the original teaches the largest SubNet and that the others, and nothing but scores counts, labels make no difference.
func TestBothTeach(t *testing.T) {
	var files [3][]byte
	for k, teacher := range []string{"both", "both", "original"} {
		r := tuner(t)
		r.Options.Strategy, r.Options.Teacher, r.Options.SubNets, r.Options.Distil, r.Options.Steps = "sandwich", teacher, 3, 1, 10
		if k == 1 {
			slices.Reverse(labels(r.Train))
		}
		_, files[k] = result(t, r, "")
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("labels make a difference")
	}
	if bytes.Equal(files[0], files[2]) {
		t.Error("the largest SubNet teaches nothing")
	}
}

// TestKernelTransforms: they are learned from the middle on, and stand in the tuned model.
func TestKernelTransforms(t *testing.T) {
	for _, learn := range []bool{true, false} {
		r := tuner(t)
		r.Options.Teacher, r.Options.Transforms, r.Options.Steps = "none", learn, 60
		_, trained := result(t, r, "")
		m, err := onnxfile.Parse(trained)
		if err != nil {
			t.Fatal(err)
		}
		x, err := m.Tensor("b.w.kernel3x3")
		if (err == nil) != learn {
			t.Fatalf("transforms %t: %v", learn, err)
		}
		if !learn {
			continue
		}
		changed := 0
		for i, v := range x.Float32s() {
			if v != 0 && v != 1 {
				changed++
			}
			if i%25 == 6+5*(i/25/3)+i/25%3 && math.Abs(float64(v)-1) > 0.9 {
				t.Errorf("tap %d of its own place is %g", i/25, v)
			}
		}
		if changed < len(x.Raw)/8 || !slices.Equal(x.Shape, nn.Shape{9, 25}) {
			t.Errorf("%d of %v numbers have changed", changed, x.Shape)
		}
	}
}

// TestDamagedTransform: a transform that cannot be read is an error; the middle of the window would be another network.
func TestDamagedTransform(t *testing.T) {
	r := tuner(t)
	r.Options.Teacher, r.Options.Steps = "none", 2
	_, trained := result(t, r, "")
	var p onnxpb.ModelProto
	if err := onnxpb.Unmarshal(trained, &p); err != nil {
		t.Fatal(err)
	}
	for _, x := range p.GetGraph().GetInitializer() {
		if x.GetName() == "b.w.kernel3x3" {
			x.RawData = x.RawData[4:]
		}
	}
	damaged, err := proto.Marshal(&p)
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnxfile.Parse(damaged)
	if err != nil {
		t.Fatal(err)
	}
	windows, err := small().Windows()
	if err != nil || len(windows) != 1 {
		t.Fatal(windows, err)
	}
	if _, err := nn.Fetch(m, windows[0]); err == nil || !strings.Contains(err.Error(), "b.w.kernel3x3") {
		t.Errorf("fetched although it is damaged: %v", err)
	}
}

// TestTeacherIsFollowed: with the original's scores alone as target, and no noise, SubNets come close to the original without any label.
func TestTeacherIsFollowed(t *testing.T) {
	needs.Time(t)
	r := tuner(t)
	r.Options.Teacher = "none"
	_, trained := result(t, r, "")
	m, err := onnxfile.Parse(trained)
	if err != nil {
		t.Fatal(err)
	}
	pupil := tuner(t)
	pupil.Weights, pupil.Options.Distil, pupil.Options.Seed, pupil.Options.Rate = m, 1, 2, 5e-3
	for i := range labels(pupil.Train) { // none is right
		labels(pupil.Train)[i] = int32((int(labels(pupil.Train)[i]) + 1) % classes)
	}
	h, _ := result(t, pupil, "")
	if last := h[len(h)-1]; last.Largest < 0.85 || last.Smallest < 0.75 {
		t.Errorf("%+v, want SubNets as good as their teacher", last)
	}
}

// TestMistakesInOptions: all of them at once, with what would be right.
func TestMistakesInOptions(t *testing.T) {
	o := tune.Defaults()
	o.Optimizer, o.Teacher, o.Rate, o.Batch, o.EMA, o.Distil = "adam", "largest", 0, 1, 1, 2
	err := o.Check()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`optimizer "adam"`, `needs strategy "sandwich"`, "rate 0", "batch 1", "ema 1", "distil 2"} {
		if !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}
