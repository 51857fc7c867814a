package data

import (
	"fmt"
	"strings"

	"github.com/autotailor/autotailor/internal/quality"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Classification is the task of telling the class of each sample: the first output scores classes, targets are their numbers. A sample is right
// where its class has the highest score.
func Classification() Task {
	return Task{Name: "classification", Metric: Metric{"accuracy", "share of images", false}, Exact: true, Fit: func(outputs []nn.Info, s Samples) (*Judge, error) {
		if err := scoresClasses(outputs, s); err != nil {
			return nil, err
		}
		return &Judge{Quality: firstIsRight, Loss: classLoss}, nil
	}}
}

// scoresClasses checks that the first output scores the classes of the targets.
func scoresClasses(outputs []nn.Info, s Samples) error {
	if len(outputs) == 0 {
		return fmt.Errorf("the network has no output")
	}
	out := outputs[0]
	if out.Type != nn.Float32 {
		return fmt.Errorf("its output %q has element type %d, scores must be float32", out.Name, out.Type)
	}
	var names []string
	if n, ok := s.(ClassNames); ok {
		names = n.ClassNames()
	}
	if n := len(names); n > 0 && len(out.Shape) == 2 && n != out.Shape[1] {
		return fmt.Errorf("its output %q scores %d classes, the images have %d (%s): labels would mean other classes", out.Name, out.Shape[1], n, some(names))
	}
	top, err := topClass(s)
	if err != nil {
		return err
	}
	if len(out.Shape) != 2 || top >= out.Shape[1] {
		return fmt.Errorf("its output %q is %v, which does not score the %d classes of the labels", out.Name, out.Shape, top+1)
	}
	return nil
}

// topClass returns the largest class of all samples.
func topClass(s Samples) (int, error) {
	t, err := s.Targets(Numbers(0, s.Len()))
	if err != nil {
		return 0, err
	}
	if t.Type != nn.Int64 || len(t.Shape) != 1 {
		return 0, fmt.Errorf("classes must be one whole number for each sample, int64; the data has %s", describe(t))
	}
	top := -1
	for _, y := range t.Int64s() {
		top = max(top, int(y))
	}
	return top, nil
}

// describe says what targets are.
func describe(t nn.Tensor) string {
	if t.Type == 0 {
		return "no targets"
	}
	return fmt.Sprintf("targets of shape %v and element type %d", t.Shape, t.Type)
}

// some names a few classes.
func some(names []string) string {
	const few = 5
	if len(names) > few {
		return strings.Join(names[:few], ", ") + ", ..."
	}
	return strings.Join(names, ", ")
}

func firstIsRight(b Batch) ([]float64, error) {
	scores := b.Outputs[0]
	labels := b.Targets.Int64s()
	out := make([]float64, len(labels))
	for i, class := range quality.Best(scores.Float32s(), scores.Shape[1]) {
		if class == int(labels[i]) {
			out[i] = 1
		}
	}
	return out, nil
}

func classLoss(b Batch, r Recipe) (float64, [][]float32, error) {
	scores := b.Outputs[0]
	var teacher []float32
	if b.Teacher != nil {
		teacher = b.Teacher[0].Float32s()
	}
	grad := make([]float32, scores.Shape.Count())
	loss := quality.Scores(r).Loss(scores.Float32s(), b.Targets.Int64s(), teacher, grad)
	return loss, [][]float32{grad}, nil
}
