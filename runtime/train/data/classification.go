package data

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/quality"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Classification is the task of telling the class of each sample: the first output scores classes, targets are their numbers. A sample is right
// where its class has the highest score.
func Classification() Task { return TopClasses(1) }

// TopClasses is Classification where a sample is right whose class is one of the k with the highest scores.
func TopClasses(k int) Task {
	m := Metric{"accuracy", "share of images", false}
	if k > 1 {
		m.Name = fmt.Sprintf("top-%d", k)
	}
	return Task{Name: "classification", Metric: m, Exact: true, Logits: true, Fit: func(of Signature, s Samples) (*Judge, error) {
		out, err := floats(of, 2)
		if err == nil {
			err = scoresClasses(out, s)
		}
		if err != nil {
			return nil, err
		}
		return scored(out, out.Shape[1], func(scores []float32, labels []int64) float64 {
			if quality.Among(scores, labels[0], k) {
				return 1
			}
			return 0
		}).judge(), nil
	}}
}

// floats returns the first output, which must have float32 elements and one of the given ranks, or any if there are none.
func floats(of Signature, ranks ...int) (nn.Info, error) {
	if len(of.Outputs) == 0 {
		return nn.Info{}, errors.New("the network has no output")
	}
	out := of.Outputs[0]
	if out.Type != nn.Float32 {
		return out, fmt.Errorf("its output %q has element type %d, want float32", out.Name, out.Type)
	}
	if len(ranks) > 0 && !slices.Contains(ranks, len(out.Shape)) {
		return out, fmt.Errorf("its output %q is %v, want one of rank %v", out.Name, out.Shape, ranks)
	}
	return out, nil
}

// scoresClasses checks that an output scores the classes of the targets.
func scoresClasses(out nn.Info, s Samples) error {
	var names []string
	if n, ok := s.(ClassNames); ok {
		names = n.ClassNames()
	}
	if n := len(names); n > 0 && n != out.Shape[1] {
		return fmt.Errorf("its output %q scores %d classes, the images have %d (%s): labels would mean other classes", out.Name, out.Shape[1], n, some(names))
	}
	t, err := s.Targets(Numbers(0, s.Len()))
	if err != nil {
		return err
	}
	if t.Type != nn.Int64 || len(t.Shape) != 1 {
		return fmt.Errorf("classes must be one whole number for each sample, int64; the data has %s", describe(t))
	}
	top := slices.Max(t.Int64s())
	if least := slices.Min(t.Int64s()); least < 0 {
		return fmt.Errorf("class %d is not known: leave such samples out", least)
	}
	if top >= int64(out.Shape[1]) {
		return fmt.Errorf("its output %q is %v, which does not score the %d classes of the labels", out.Name, out.Shape, top+1)
	}
	return nil
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

// TokenClassification is the task of telling the class of each token: the first output is [batch, tokens, classes], targets are [tokens] classes for
// each sample, those below 0 not known. The quality of a sample is the share of its tokens that are right.
func TokenClassification() Task {
	return Task{Name: "token classification", Metric: Metric{"token accuracy", "share of tokens", false}, Logits: true, Fit: func(of Signature, s Samples) (*Judge, error) {
		out, err := floats(of, 3)
		if err == nil {
			err = targetsAre(s, nn.Int64, 2, "a class for each token")
		}
		if err != nil {
			return nil, err
		}
		classes := out.Shape[2]
		return scored(out, classes, func(scores []float32, labels []int64) float64 { return quality.Right(scores, classes, labels) }).judge(), nil
	}}
}

// LanguageModel is the task of telling the next token: the first output is [batch, tokens, vocabulary]. Targets are the tokens that come next,
// those below 0 not known; where there are none, they are those of the first input of token ids, one further, without the tokens that short rows are
// filled with. The metric is the mean negative logarithm
// of their probabilities, in nats, at most the logarithm of the vocabulary for a sample.
func LanguageModel() Task {
	m := Metric{"nats per token", "nats, at most the logarithm of the vocabulary", true}
	return Task{Name: "language model", Metric: m, Logits: true, Fit: func(of Signature, s Samples) (*Judge, error) {
		out, err := floats(of, 3)
		if err != nil {
			return nil, err
		}
		classes := out.Shape[2]
		worst := math.Log(float64(classes))
		l := scored(out, classes, func(scores []float32, labels []int64) float64 {
			nats := quality.CrossEntropy(scores, classes, labels, 0, 0, nil)
			return 1 - min(1, nats/worst)
		})
		j := l.judge()
		j.Worst = worst
		t, err := s.Targets([]int{0})
		if err == nil && t.Type == 0 {
			j.Targets, err = following(of.Inputs, s)
		}
		if err == nil && t.Type != 0 {
			err = targetsAre(s, nn.Int64, 2, "the next token at each position")
		}
		return j, err
	}}
}

// following returns the targets of samples without: each token's is the next one, and the last one's is not known.
func following(inputs []nn.Info, s Samples) (func(samples []int) (nn.Tensor, error), error) {
	at := slices.IndexFunc(inputs, func(i nn.Info) bool { return i.Type == nn.Int64 && len(i.Shape) == 2 })
	if at < 0 {
		return nil, errors.New("samples have no targets, and the network has no input of token ids ([batch, tokens], int64) whose next tokens they could be")
	}
	return func(samples []int) (nn.Tensor, error) {
		x, err := s.Inputs(inputs, samples)
		if err != nil {
			return nn.Tensor{}, err
		}
		ids := slices.Clone(x[at].Int64s())
		tokens := x[at].Shape[1]
		lengths, err := lengthsOf(s, inputs[at], samples)
		if err != nil {
			return nn.Tensor{}, err
		}
		for k := range len(ids) / tokens {
			own, have := ids[k*tokens:(k+1)*tokens], tokens
			if lengths != nil {
				have = min(have, lengths[k])
			}
			copy(own, own[1:])
			for i := max(0, have-1); i < tokens; i++ {
				own[i] = -1
			}
		}
		return nn.FromInt64s(x[at].Shape, ids), nil
	}, nil
}

// measured are Samples that fill short rows of tokens up.
type measured interface {
	// lengths tells how many tokens of an input the samples have themselves.
	lengths(of nn.Info, samples []int) ([]int, error)
}

// lengthsOf returns how many tokens samples have, nil where all are their own.
func lengthsOf(s Samples, of nn.Info, samples []int) ([]int, error) {
	if p, ok := s.(picked); ok {
		return lengthsOf(p.Samples, of, p.whole(samples))
	}
	if m, ok := s.(measured); ok {
		return m.lengths(of, samples)
	}
	return nil, nil
}

// targetsAre checks the first sample's target.
func targetsAre(s Samples, of nn.DType, rank int, what string) error {
	t, err := s.Targets([]int{0})
	if err == nil && (t.Type != of || len(t.Shape) != rank) {
		err = fmt.Errorf("targets must be %s; the data has %s", what, describe(t))
	}
	return err
}
