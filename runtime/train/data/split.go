package data

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/quality"
	"github.com/autotailor/autotailor/runtime/nn"
)

// split says where samples lie in a tensor: along one axis, each has the same number of positions of it.
type split struct {
	n            int // samples
	outer, inner int // numbers before the axis, and those of one sample at one of them
}

// batchAxis is the open axis of an output, else the first.
func batchAxis(info nn.Info) int {
	return max(0, slices.IndexFunc(info.Shape, func(d int) bool { return d < 0 }))
}

// splitOf finds the samples of an output, whose batch is the open axis, else the first. It is false where n samples cannot be told apart.
func splitOf(info nn.Info, shape nn.Shape, n int) (split, bool) {
	axis := batchAxis(info)
	switch {
	case n == 1:
		return split{1, 1, shape.Count()}, true
	case axis >= len(shape) || shape[axis]%n != 0:
		return split{}, false
	}
	return split{n, shape[:axis].Count(), shape[axis:].Count() / n}, true
}

// size is how many numbers a sample has.
func (s split) size() int { return s.outer * s.inner }

// take returns the numbers of sample i.
func (s split) take(all []float32, i int) []float32 {
	if s.outer == 1 {
		return all[i*s.inner : (i+1)*s.inner]
	}
	out := make([]float32, 0, s.size())
	for o := range s.outer {
		at := (o*s.n + i) * s.inner
		out = append(out, all[at:at+s.inner]...)
	}
	return out
}

// put is the inverse of take.
func (s split) put(all []float32, i int, own []float32) {
	for o := range s.outer {
		copy(all[(o*s.n+i)*s.inner:][:s.inner], own[o*s.inner:])
	}
}

// one is what a task of labelled samples looks at: one sample's numbers of the first output, and its target.
type one struct {
	values  []float32
	shape   nn.Shape // of values: that of the output without the batch, which is first
	target  nn.Tensor
	teacher []float32 // nil for none
	taught  nn.Shape  // of the teacher's values
}

// labelled is a task whose first output is judged sample by sample. Qualities and losses are means over samples.
type labelled struct {
	output  nn.Info
	maps    bool // the teacher's maps may be of another resolution
	quality func(s one) (float64, error)
	// loss adds its gradient with respect to the values to grad, times scale; taught is that of what a teacher says.
	loss   func(s one, r Recipe, scale float64, grad []float32) (float64, error)
	taught func(s one, r Recipe, scale float64, grad []float32) float64
}

// judge returns the judge that goes through samples.
func (l labelled) judge() *Judge { return &Judge{Quality: l.qualities, Loss: l.losses} }

// samples calls f with each sample of a batch, and the gradient that it may add to.
func (l labelled) samples(b Batch, grad []float32, f func(i int, s one, grad []float32) error) error {
	out, n := b.Outputs[0], len(b.Samples)
	at, ok := splitOf(l.output, out.Shape, n)
	if !ok {
		return fmt.Errorf("output %q has shape %v, which is no number for each of %d samples", l.output.Name, out.Shape, n)
	}
	if len(b.Targets.Shape) == 0 || b.Targets.Shape[0] != n {
		return fmt.Errorf("%d samples have %s", n, describe(b.Targets))
	}
	values := out.Float32s()
	for i := range n {
		s := one{values: at.take(values, i), shape: perSample(l.output, out.Shape, n), target: row(b.Targets, i)}
		if b.Teacher != nil && (l.maps || b.Teacher[0].Shape.Count() == len(values)) {
			t := b.Teacher[0]
			if at, ok := splitOf(l.output, t.Shape, n); ok {
				s.teacher, s.taught = at.take(t.Float32s(), i), perSample(l.output, t.Shape, n)
			}
		}
		var own []float32
		if grad != nil {
			own = make([]float32, at.size())
		}
		if err := f(i, s, own); err != nil {
			return fmt.Errorf("sample %d: %w", b.Samples[i], err)
		}
		if grad != nil {
			at.put(grad, i, own)
		}
	}
	return nil
}

func (l labelled) qualities(b Batch) ([]float64, error) {
	out := make([]float64, len(b.Samples))
	err := l.samples(b, nil, func(i int, s one, _ []float32) (err error) {
		out[i], err = l.quality(s)
		if !(out[i] >= 0) { // no number
			out[i] = 0
		}
		return err
	})
	return out, err
}

func (l labelled) losses(b Batch, r Recipe) (float64, [][]float32, error) {
	grad := make([]float32, b.Outputs[0].Shape.Count())
	total, share := 0.0, 1/float64(len(b.Samples))
	err := l.samples(b, grad, func(_ int, s one, own []float32) error {
		weight := r.Distil
		if s.teacher == nil {
			weight = 0
		}
		if weight < 1 {
			loss, err := l.loss(s, r, (1-weight)*share, own)
			if err != nil {
				return err
			}
			total += (1 - weight) * share * loss
		}
		if weight > 0 {
			total += weight * share * l.taught(s, r, weight*share, own)
		}
		return nil
	})
	return total, [][]float32{grad}, err
}

// perSample is the shape of one sample of an output.
func perSample(info nn.Info, shape nn.Shape, n int) nn.Shape {
	var out nn.Shape
	batch := batchAxis(info)
	for k, d := range shape {
		if k != batch {
			out = append(out, d)
		} else if d != n {
			out = append(out, d/n) // positions that are joined with the batch
		}
	}
	return out
}

// row is the target of one sample.
func row(t nn.Tensor, i int) nn.Tensor {
	each := len(t.Raw) / t.Shape[0]
	return nn.Tensor{Type: t.Type, Shape: t.Shape[1:], Raw: t.Raw[i*each : (i+1)*each]}
}

// numbersOf are the numbers of a target, which must be as many as those of a sample.
func numbersOf(s one) ([]float32, error) {
	list := s.target.Numbers()
	if len(list) != len(s.values) {
		return nil, fmt.Errorf("%d numbers are targets of %d that the network computes", len(list), len(s.values))
	}
	out := make([]float32, len(list))
	for k, v := range list {
		out[k] = float32(v)
	}
	return out, nil
}

// labelsOf are the labels of a target, one for each row of a sample's scores.
func labelsOf(s one, rows, classes int) ([]int64, error) {
	labels := s.target.Int64s()
	if labels == nil || len(labels) != rows {
		return nil, fmt.Errorf("want %d classes, int64; the data has %s", rows, describe(s.target))
	}
	for _, y := range labels {
		if y >= int64(classes) {
			return nil, fmt.Errorf("class %d is none of the %d that the network scores", y, classes)
		}
	}
	return labels, nil
}

// scored is a task of rows of scores of classes.
func scored(output nn.Info, classes int, judge func(scores []float32, labels []int64) float64) labelled {
	rows := func(s one) ([]int64, error) { return labelsOf(s, len(s.values)/classes, classes) }
	return labelled{
		output: output,
		quality: func(s one) (float64, error) {
			labels, err := rows(s)
			if err != nil {
				return 0, err
			}
			return judge(s.values, labels), nil
		},
		loss: func(s one, r Recipe, scale float64, grad []float32) (float64, error) {
			labels, err := rows(s)
			if err != nil {
				return 0, err
			}
			return quality.CrossEntropy(s.values, classes, labels, r.Smoothing, scale, grad), nil
		},
		taught: func(s one, r Recipe, scale float64, grad []float32) float64 {
			return quality.Divergence(s.values, s.teacher, classes, r.Alpha, scale, grad)
		},
	}
}

// valued is a task of numbers whose targets are numbers, too.
func valued(output nn.Info, judge func(values, targets []float32) float64, loss, taught func(values, targets []float32, scale float64, grad []float32) float64) labelled {
	return labelled{
		output: output,
		quality: func(s one) (float64, error) {
			targets, err := numbersOf(s)
			if err != nil {
				return 0, err
			}
			return judge(s.values, targets), nil
		},
		loss: func(s one, _ Recipe, scale float64, grad []float32) (float64, error) {
			targets, err := numbersOf(s)
			if err != nil {
				return 0, err
			}
			return loss(s.values, targets, scale, grad), nil
		},
		taught: func(s one, _ Recipe, scale float64, grad []float32) float64 {
			return taught(s.values, s.teacher, scale, grad)
		},
	}
}
