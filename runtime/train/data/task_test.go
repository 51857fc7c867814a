package data_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// made are samples of given inputs and targets.
type made struct {
	inputs  []nn.Tensor
	targets nn.Tensor
	n       int
}

func (m made) Len() int                                     { return m.n }
func (m made) Slice(int, int) data.Samples                  { return m }
func (m made) Digest() string                               { return "made" }
func (m made) String() string                               { return "made" }
func (m made) Inputs([]nn.Info, []int) ([]nn.Tensor, error) { return m.inputs, nil }
func (m made) Targets(samples []int) (nn.Tensor, error) {
	if m.targets.Type == 0 {
		return nn.Tensor{}, nil
	}
	each := len(m.targets.Raw) / m.n
	out := nn.Tensor{Type: m.targets.Type, Shape: append(nn.Shape{len(samples)}, m.targets.Shape[1:]...)}
	for _, i := range samples {
		out.Raw = append(out.Raw, m.targets.Raw[i*each:(i+1)*each]...)
	}
	return out, nil
}

func whole(shape nn.Shape, list ...int64) nn.Tensor { return nn.FromInt64s(shape, list) }

func reals(shape nn.Shape, list ...float32) nn.Tensor { return nn.FromFloat32s(shape, list) }

// judged is a network's output, what it should be, and its quality by hand.
type judged struct {
	task    data.TaskConfig
	shape   nn.Shape // that the network declares
	output  nn.Tensor
	targets nn.Tensor
	inputs  []nn.Tensor
	teacher nn.Tensor
	want    []float64
}

var cases = map[string]judged{
	"classes":        {data.TaskConfig{}, nn.Shape{-1, 2}, reals(nn.Shape{2, 2}, 1, 2, 1, 2), whole(nn.Shape{2}, 1, 0), nil, nn.Tensor{}, []float64{1, 0}},
	"top 5":          {data.TaskConfig{Metric: "top-5"}, nn.Shape{-1, 6}, reals(nn.Shape{1, 6}, 6, 5, 4, 3, 2, 1), whole(nn.Shape{1}, 5), nil, nn.Tensor{}, []float64{0}},
	"labels":         {data.TaskConfig{Name: "labels"}, nn.Shape{-1, 3}, reals(nn.Shape{1, 3}, 1, 1, -1), reals(nn.Shape{1, 3}, 1, 0, 0), nil, nn.Tensor{}, []float64{2. / 3}},
	"values":         {data.TaskConfig{Name: "regression"}, nn.Shape{-1, 1}, reals(nn.Shape{2, 1}, 0.5, 9), reals(nn.Shape{2}, 0, 2), nil, nn.Tensor{}, []float64{0.75, 0}},
	"maps":           {data.TaskConfig{Name: "segmentation"}, nn.Shape{-1, 2, 1, 2}, reals(nn.Shape{1, 2, 1, 2}, 1, 0, 0, 1), whole(nn.Shape{1, 2, 4}, 0, 0, 1, 1, 0, 1, 1, -1), nil, nn.Tensor{}, []float64{(3./4 + 3./4) / 2}},
	"maps, last":     {data.TaskConfig{Name: "segmentation"}, nn.Shape{-1, 1, 2, 2}, reals(nn.Shape{1, 1, 2, 2}, 1, 0, 0, 1), whole(nn.Shape{1, 1, 2}, 0, 1), nil, nn.Tensor{}, []float64{1}},
	"one map":        {data.TaskConfig{Name: "segmentation"}, nn.Shape{-1, 1, 2, 2}, reals(nn.Shape{1, 1, 2, 2}, 1, -1, 1, 1), whole(nn.Shape{1, 2, 2}, 1, 0, 1, 255), nil, nn.Tensor{}, []float64{1}},
	"tokens":         {data.TaskConfig{Name: "token classification"}, nn.Shape{-1, 2, 2}, reals(nn.Shape{1, 2, 2}, 1, 0, 1, 0), whole(nn.Shape{1, 2}, 0, 1), nil, nn.Tensor{}, []float64{0.5}},
	"tokens, second": {data.TaskConfig{Name: "token classification"}, nn.Shape{1, -1, 2}, reals(nn.Shape{1, 2, 2}, 1, 0, 0, 1), whole(nn.Shape{2, 1}, 0, 0), nil, nn.Tensor{}, []float64{1, 0}},
	"language":       {data.TaskConfig{Name: "language model"}, nn.Shape{-1, 3, 2}, reals(nn.Shape{1, 3, 2}, 0, 9, 0, 0, 7, 7), nn.Tensor{}, []nn.Tensor{whole(nn.Shape{1, 3}, 0, 1, 1)}, nn.Tensor{}, []float64{1 - 0.5*(math.Log1p(math.Exp(-9))+math.Ln2)/math.Ln2}},
	"vectors":        {data.TaskConfig{Name: "embedding"}, nn.Shape{-1, 2}, reals(nn.Shape{2, 2}, 1, 1, -1, 0), reals(nn.Shape{2, 2}, 2, 0, 1, 0), nil, nn.Tensor{}, []float64{math.Sqrt2 / 2, 0}},
	"original":       {data.TaskConfig{Name: "original"}, nn.Shape{-1, 2}, reals(nn.Shape{2, 2}, 1, 2, 2, 1), nn.Tensor{}, nil, reals(nn.Shape{2, 2}, 1, 9, 1, 9), []float64{1, 0}},
	"distance":       {data.TaskConfig{Name: "original", Metric: "distance"}, nn.Shape{-1, 2}, reals(nn.Shape{1, 2}, 3, 4), nn.Tensor{}, nil, reals(nn.Shape{1, 2}, 3, 5), []float64{1 - 1/math.Sqrt(34)}},
	"other maps":     {data.TaskConfig{Name: "original"}, nn.Shape{-1, 1, 1, 1}, reals(nn.Shape{1, 1, 1, 1}, 3), nn.Tensor{}, nil, reals(nn.Shape{1, 1, 2, 2}, 3, 3, 3, 3), []float64{1}},
	"other shape":    {data.TaskConfig{Name: "original"}, nn.Shape{-1, 3, 2}, reals(nn.Shape{1, 3, 2}, 1, 1, 1, 1, 1, 1), nn.Tensor{}, nil, reals(nn.Shape{1, 1, 2}, 1, 1), []float64{0}},
	"time first":     {data.TaskConfig{Name: "original"}, nn.Shape{2, -1, 1}, reals(nn.Shape{2, 2, 1}, 1, 5, 1, 5), nn.Tensor{}, nil, reals(nn.Shape{2, 2, 1}, 1, 0, 1, 0), []float64{1, 0}},
}

// open returns the judge of a case and its batch.
func (c judged) open(t *testing.T) (*data.Judge, data.Batch) {
	t.Helper()
	task, err := c.task.Task()
	if err != nil {
		t.Fatal(err)
	}
	s := made{c.inputs, c.targets, len(c.want)}
	of := data.Signature{Outputs: []nn.Info{{Name: "y", Type: nn.Float32, Shape: c.shape}}}
	for _, x := range c.inputs {
		of.Inputs = append(of.Inputs, nn.Info{Name: "x", Type: x.Type, Shape: append(nn.Shape{nn.Batch}, x.Shape[1:]...)})
	}
	if len(of.Inputs) == 0 {
		of.Inputs = []nn.Info{{Name: "x", Type: nn.Float32, Shape: nn.Shape{nn.Batch, 1}}}
	}
	j, err := task.Fit(of, s)
	if err != nil {
		t.Fatal(err)
	}
	var teacher []nn.Tensor
	if c.teacher.Type != 0 {
		teacher = []nn.Tensor{c.teacher}
	}
	b, err := j.Batch(s, data.Numbers(0, s.n), []nn.Tensor{c.output}, teacher)
	if err != nil {
		t.Fatal(err)
	}
	return j, b
}

// TestTasks: the quality of each sample is the one by hand.
func TestTasks(t *testing.T) {
	for name, c := range cases {
		j, b := c.open(t)
		warned := false
		j.Warn = func(string) { warned = true }
		got, err := j.Quality(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, q := range got {
			if math.Abs(q-c.want[i]) > 1e-6 {
				t.Errorf("%s: sample %d has quality %g, want %g", name, i, q, c.want[i])
			}
		}
		if warned != (name == "other shape") {
			t.Errorf("%s: warned %t", name, warned)
		}
	}
}

// TestTaskGradients: those of each task's loss are finite differences, alone and with a teacher.
func TestTaskGradients(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	for name, c := range cases {
		for _, distil := range []float64{0, 0.3, 1} {
			j, b := c.open(t)
			x := b.Outputs[0].Float32s()
			for i := range x {
				x[i] += float32(0.1 * rng.NormFloat64())
			}
			b.Outputs[0] = reals(c.output.Shape, x...)
			if b.Teacher == nil && distil > 0 {
				v := make([]float32, len(x))
				for i := range v {
					v[i] = float32(rng.NormFloat64())
				}
				b.Teacher = []nn.Tensor{reals(c.output.Shape, v...)}
			}
			recipe := data.Recipe{Smoothing: 0.1, Distil: distil}
			at := func(k int, d float32) float64 {
				v := append([]float32(nil), x...)
				v[k] += d
				moved := b
				moved.Outputs = []nn.Tensor{reals(c.output.Shape, v...)}
				loss, _, err := j.Loss(moved, recipe)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				return loss
			}
			_, grads, err := j.Loss(b, recipe)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for k, g := range grads[0] {
				const step = 1e-2
				if want := (at(k, step) - at(k, -step)) / (2 * step); math.Abs(want-float64(g)) > 2e-3*max(1, math.Abs(want)) {
					t.Errorf("%s, teacher %g: gradient %d is %g, differences say %g", name, distil, k, g, want)
				}
			}
		}
	}
}

// TestWrongTargets: what is no output or no target of a task is an error that says so.
func TestWrongTargets(t *testing.T) {
	for _, c := range []struct {
		task    string
		shape   nn.Shape
		targets nn.Tensor
		want    string
	}{
		{"classification", nn.Shape{-1, 2, 2}, whole(nn.Shape{1}, 0), "rank [2]"},
		{"classification", nn.Shape{-1, 2}, nn.Tensor{}, "no targets"},
		{"classification", nn.Shape{-1, 2}, whole(nn.Shape{1}, 2), "3 classes"},
		{"labels", nn.Shape{-1, 2}, reals(nn.Shape{1, 3}, 0, 0, 0), "2 for a sample"},
		{"regression", nn.Shape{-1, 4}, nn.Tensor{}, "no targets"},
		{"segmentation", nn.Shape{-1, 4}, whole(nn.Shape{1}, 0), "want maps"},
		{"segmentation", nn.Shape{-1, 4, 2, 2}, whole(nn.Shape{1}, 0), "each pixel"},
		{"token classification", nn.Shape{-1, 4, 2}, reals(nn.Shape{1, 4}, 0, 0, 0, 0), "each token"},
		{"language model", nn.Shape{-1, 4, 2}, nn.Tensor{}, "next tokens"},
		{"embedding", nn.Shape{-1, 4}, reals(nn.Shape{1, 2}, 0, 0), "a vector"},
	} {
		task, err := data.TaskConfig{Name: c.task}.Task()
		if err != nil {
			t.Fatal(err)
		}
		of := data.Signature{Inputs: []nn.Info{{Type: nn.Float32, Shape: nn.Shape{-1, 1}}}, Outputs: []nn.Info{{Name: "y", Type: nn.Float32, Shape: c.shape}}}
		if _, err := task.Fit(of, made{nil, c.targets, 1}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %v: %v, want %q", c.task, c.shape, err, c.want)
		}
	}
}
