package data

import (
	"fmt"
	"math"

	"github.com/autotailor/autotailor/internal/quality"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Labels is the task of telling which of several labels a sample has: the first output is [batch, labels], of logits; targets are 1 for a label that the
// sample has, 0 for one that it has not, and below 0 for what is not known. The quality of a sample is its F1.
func Labels() Task {
	return Task{Name: "labels", Metric: Metric{"F1", "mean F1 of samples", false}, Logits: true, Fit: func(of Signature, s Samples) (*Judge, error) {
		out, err := numbered(of, s, "a number from 0 to 1 for each label", 2)
		if err != nil {
			return nil, err
		}
		return valued(out, quality.F1, quality.Binary, quality.BinaryDivergence).judge(), nil
	}}
}

// Regression is the task of telling values: targets are as many numbers as the first output has for a sample, which are not known where they are no
// numbers. The metric is the mean absolute error, of each sample at most Worst, which is twice the standard deviation of all targets.
func Regression() Task {
	m := Metric{"absolute error", "in the unit of the targets, at most twice their standard deviation", true}
	return Task{Name: "regression", Metric: m, Fit: func(of Signature, s Samples) (*Judge, error) {
		out, err := numbered(of, s, "a number for each that the network computes")
		if err != nil {
			return nil, err
		}
		worst, err := twiceDeviation(s)
		if err != nil {
			return nil, err
		}
		j := valued(out, func(values, targets []float32) float64 {
			return 1 - min(1, quality.Absolute(values, targets)/worst)
		}, quality.Squared, quality.Squared).judge()
		j.Worst = worst
		return j, nil
	}}
}

// twiceDeviation is twice the standard deviation of all numbers of the targets, 1 where they are all the same.
func twiceDeviation(s Samples) (float64, error) {
	const together = 1000 // samples
	var n, mean, square float64
	for from := 0; from < s.Len(); from += together {
		t, err := s.Targets(Numbers(from, min(from+together, s.Len())))
		if err != nil {
			return 0, err
		}
		for _, v := range t.Numbers() {
			if v != v {
				continue
			}
			n++
			d := v - mean
			mean += d / n
			square += d * (v - mean)
		}
	}
	if square == 0 {
		return 1, nil
	}
	return 2 * math.Sqrt(square/n), nil
}

// Embedding is the task of giving a vector for each sample: targets are vectors as the first output's. The quality of a sample is the cosine of the
// angle between both, at least 0.
func Embedding() Task {
	return Task{Name: "embedding", Metric: Metric{"cosine", "mean cosine of the angle to the target", false}, Fit: func(of Signature, s Samples) (*Judge, error) {
		out, err := numbered(of, s, "a vector as the network computes it")
		if err != nil {
			return nil, err
		}
		return valued(out, func(values, targets []float32) float64 { return max(0, quality.Cosine(values, targets)) }, quality.Angle, quality.Angle).judge(), nil
	}}
}

// numbered returns the first output, and checks that the first sample has a number as target for each of its own.
func numbered(of Signature, s Samples, what string, ranks ...int) (nn.Info, error) {
	out, err := floats(of, ranks...)
	if err != nil {
		return out, err
	}
	t, err := s.Targets([]int{0})
	if err != nil {
		return out, err
	}
	own := 1
	for _, d := range out.Shape {
		own *= max(d, -d)
	}
	if !out.Shape.Open() && len(out.Shape) > 0 {
		own /= out.Shape[0]
	}
	if t.Type == 0 || t.Shape.Count() != own {
		return out, fmt.Errorf("targets must be %s (%d for a sample of output %q); the data has %s", what, own, out.Name, describe(t))
	}
	return out, nil
}

// Scored is a task of one's own: f returns the quality of each sample of a batch, from 0 to 1, the best. It cannot be trained for; Original can.
func Scored(name string, m Metric, f func(b Batch) ([]float64, error)) Task {
	return Task{Name: name, Metric: m, Fit: func(Signature, Samples) (*Judge, error) { return &Judge{Quality: f, Worst: 1}, nil }}
}
