package pytorch_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/torch"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// judged is a task with what a network computed, and what it should have.
type judged struct {
	task, metric          string
	end                   string // what the network ends with
	out, targets, teacher nn.Tensor
	recipe                data.Recipe
}

// judgedSamples are as many as targets has; inputs are not asked for.
type judgedSamples struct {
	data.Samples
	targets nn.Tensor
}

func (s judgedSamples) Len() int { return s.targets.Shape[0] }

func (s judgedSamples) Targets(samples []int) (nn.Tensor, error) {
	if s.targets.Type == 0 {
		return nn.Tensor{}, nil
	}
	each := len(s.targets.Raw) / s.targets.Shape[0]
	out := nn.Tensor{Type: s.targets.Type, Shape: append(nn.Shape{len(samples)}, s.targets.Shape[1:]...)}
	for _, i := range samples {
		out.Raw = append(out.Raw, s.targets.Raw[i*each:(i+1)*each]...)
	}
	return out, nil
}

// numbers draws values; whole ones lie from -1 on, below top. Some are no numbers where the share holes is above 0.
type numbers struct{ *rand.Rand }

func (r numbers) floats(scale, holes float64, shape ...int) nn.Tensor {
	list := make([]float32, nn.Shape(shape).Count())
	for i := range list {
		list[i] = float32(scale * r.NormFloat64())
		if r.Float64() < holes {
			list[i] = float32(math.NaN())
		}
	}
	return nn.FromFloat32s(shape, list)
}

func (r numbers) labels(from, top int, shape ...int) nn.Tensor {
	list := make([]int64, nn.Shape(shape).Count())
	for i := range list {
		list[i] = int64(from + r.IntN(top-from))
	}
	return nn.FromInt64s(shape, list)
}

func (r numbers) oneOf(values []float32, shape ...int) nn.Tensor {
	list := make([]float32, nn.Shape(shape).Count())
	for i := range list {
		list[i] = values[r.IntN(len(values))]
	}
	return nn.FromFloat32s(shape, list)
}

// judgedCases are all tasks and metrics, each without a teacher and with one.
func judgedCases() (list []judged) {
	r := numbers{rand.New(rand.NewPCG(4, 4))}
	const n = 6
	classes := r.labels(-1, 4, n, 6, 6).Int64s()
	for i, y := range classes {
		if y == 3 {
			classes[i] = 255 // not known either
		}
	}
	mask := nn.FromInt64s(nn.Shape{n, 6, 6}, classes)
	for _, c := range []judged{
		{task: "classification", out: r.floats(2, 0, n, 7), targets: r.labels(0, 7, n)},
		{task: "classification", metric: "top-5", out: r.oneOf([]float32{-1, 0, 1, 2}, n, 9), targets: r.labels(0, 9, n)},
		{task: "labels", out: r.floats(2, 0, n, 5), targets: r.oneOf([]float32{-1, 0, 1, 0.75}, n, 5)},
		{task: "regression", out: r.floats(1, 0, n, 3), targets: r.floats(1, 0.2, n, 3)},
		{task: "regression", out: r.floats(1, 0, n, 1), targets: r.floats(1, 0, n)},
		{task: "segmentation", out: r.floats(2, 0, n, 3, 6, 6), targets: mask},
		{task: "segmentation", out: r.floats(2, 0, n, 3, 3, 3), targets: mask},
		{task: "segmentation", out: r.floats(2, 0, n, 4, 5, 3), targets: r.labels(-1, 3, n, 8, 10)},
		{task: "segmentation", out: r.floats(2, 0, n, 1, 4, 4), targets: r.labels(-1, 2, n, 4, 4)},
		{task: "token classification", out: r.floats(2, 0, n, 5, 4), targets: r.labels(-1, 4, n, 5)},
		{task: "language model", out: r.floats(1, 0, n, 5, 11), targets: r.labels(-1, 11, n, 5)},
		{task: "embedding", out: r.floats(1, 0, n, 8), targets: r.floats(1, 0, n, 8)},
		{task: "original", out: r.floats(1, 0, n, 8), targets: nn.Tensor{Shape: nn.Shape{n}}},
		{task: "original", metric: "distance", out: r.floats(1, 0, n, 8), targets: nn.Tensor{Shape: nn.Shape{n}}},
		{task: "original", out: r.floats(1, 0, n, 2, 5, 4), targets: nn.Tensor{Shape: nn.Shape{n}}},
	} {
		for _, recipe := range []data.Recipe{{}, {Smoothing: 0.1, Distil: 0.5}, {Distil: 1, Alpha: true}, {Distil: 0.25, Alpha: true}} {
			c.recipe = recipe
			if recipe.Distil > 0 || c.task == "original" {
				c.teacher = r.floats(1.5, 0, c.out.Shape...)
			}
			list = append(list, c)
		}
	}
	list16 := r.floats(1, 0, n, 16).Float32s()
	for i, v := range list16 {
		list16[i] = 1 / (1 + float32(math.Exp(float64(-v)))) // between 0 and 1, which is all that matters here
	}
	shares := nn.FromFloat32s(nn.Shape{n, 4, 4}, list16)
	list = append(list, []judged{
		{task: "labels", end: "Sigmoid", targets: r.oneOf([]float32{-1, 0, 1}, n, 16), out: nn.FromFloat32s(nn.Shape{n, 16}, list16)},
		{task: "language model", end: "Softmax", targets: r.labels(-1, 4, n, 4), out: shares},
		{task: "token classification", end: "Softmax", targets: r.labels(-1, 4, n, 4), out: shares, recipe: data.Recipe{Smoothing: 0.1, Distil: 0.5}, teacher: shares},
		{task: "segmentation", end: "Sigmoid", targets: r.labels(-1, 2, n, 4, 4), out: nn.FromFloat32s(nn.Shape{n, 1, 4, 4}, list16)},
		{task: "classification", end: "Softmax", targets: r.labels(0, 16, n), out: nn.FromFloat32s(nn.Shape{n, 16}, list16)},
	}...)
	wide := judged{task: "original", out: r.floats(1, 0, n, 2, 3, 3), teacher: r.floats(1, 0, n, 2, 5, 4), targets: nn.Tensor{Shape: nn.Shape{n}}}
	broken := judged{task: "original", out: r.floats(1, 0, n, 2, 3), teacher: r.floats(1, 0.3, n, 2, 3), targets: nn.Tensor{Shape: nn.Shape{n}}}
	return append(list, wide, broken)
}

// encoded is a tensor in JSON, null for numbers that are none.
func encoded(t nn.Tensor) any {
	if t.Type == 0 {
		return nil
	}
	values := []any{}
	for _, v := range t.Numbers() {
		if v != v {
			values = append(values, nil)
		} else {
			values = append(values, v)
		}
	}
	return map[string]any{"values": values, "shape": t.Shape, "whole": t.Type == nn.Int64}
}

// TestTasks: Go and PyTorch say the same of what networks compute: qualities of samples, counts, the metric's value, losses and gradients.
func TestTasks(t *testing.T) {
	needs.Clone(t)
	t.Parallel()
	py := torch.Python(t)
	cases := judgedCases()
	var in bytes.Buffer
	for _, c := range cases {
		if err := json.NewEncoder(&in).Encode(map[string]any{
			"task": c.task, "metric": c.metric, "end": map[string]string{"Softmax": "share", "Sigmoid": "odds"}[c.end], "out": encoded(c.out), "targets": encoded(c.targets), "teacher": encoded(c.teacher),
			"smoothing": c.recipe.Smoothing, "distil": c.recipe.Distil, "alpha": c.recipe.Alpha,
		}); err != nil {
			t.Fatal(err)
		}
	}
	out, err := run(t, t.TempDir(), in.String(), py, absolute(t, "testdata/tasks.py"), absolute(t, "files"))
	if err != nil {
		t.Fatal(err)
	}
	results := json.NewDecoder(bytes.NewReader(bytes.ReplaceAll(out, []byte("NaN"), []byte("null"))))
	for k, c := range cases {
		var got struct {
			Loss, Value       float64
			Gradient, Quality []float64
			Count             int
		}
		if err := results.Decode(&got); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("case %d, %s %s %v, %+v", k, c.task, c.metric, c.out.Shape, c.recipe)
		task, err := data.TaskConfig{Name: c.task, Metric: c.metric}.Task()
		if err != nil {
			t.Fatal(err)
		}
		n := c.out.Shape[0]
		info := nn.Info{Name: "out", Type: nn.Float32, Shape: append(nn.Shape{nn.Batch}, c.out.Shape[1:]...)}
		samples := judgedSamples{targets: c.targets}
		network, err := nn.Record(func(b nn.Builder) {
			x := b.Input("in", nn.Float32, info.Shape)
			switch c.end {
			case "Softmax":
				x = b.Softmax(x, len(info.Shape)-1)
			case "Sigmoid":
				x = b.Act(x, nn.Sigmoid())
			default:
				x = b.Act(x, nn.Relu()) // what a network computes before does not matter
			}
			b.Output("out", x)
		})
		if err != nil {
			t.Fatal(err)
		}
		judge, err := task.Judge(network, samples)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b := data.Batch{Samples: data.Numbers(0, n), Outputs: []nn.Tensor{c.out}, Targets: c.targets}
		if c.teacher.Type != 0 {
			b.Teacher = []nn.Tensor{c.teacher}
		}
		quality, err := judge.Quality(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		loss, gradients, err := judge.Loss(b, c.recipe)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sum := 0.0
		for i, q := range quality {
			sum += q
			if math.Abs(q-got.Quality[i]) > 1e-5 {
				t.Errorf("%s: sample %d has quality %g, in PyTorch %g", name, i, q, got.Quality[i])
			}
		}
		if math.Abs(loss-got.Loss) > 1e-4 {
			t.Errorf("%s: loss %g, in PyTorch %g", name, loss, got.Loss)
		}
		for i, g := range gradients[0] {
			if math.Abs(float64(g)-got.Gradient[i]) > 1e-4 {
				t.Errorf("%s: gradient %d is %g, in PyTorch %g", name, i, g, got.Gradient[i])
				break
			}
		}
		header := accuracy.Header{Metric: accuracy.Metric(task.Metric), Worst: judge.Worst}
		if want := header.Value(sum / float64(n)); math.Abs(want-got.Value) > 1e-4 || max(task.Count(sum, n)-got.Count, got.Count-task.Count(sum, n)) > 1 {
			t.Errorf("%s: value %g, count %d; in PyTorch %g, %d", name, want, task.Count(sum, n), got.Value, got.Count)
		}
	}
}
