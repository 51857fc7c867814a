package data

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/autotailor/autotailor/internal/quality"
	"github.com/autotailor/autotailor/runtime/nn"
)

// targeted are samples of one kind of targets.
type targeted struct {
	Samples
	targets nn.Tensor
}

func (f targeted) Len() int { return f.targets.Shape[0] }

func (f targeted) Targets(samples []int) (nn.Tensor, error) {
	out := nn.Tensor{Type: f.targets.Type, Shape: append(nn.Shape{len(samples)}, f.targets.Shape[1:]...)}
	for _, i := range samples {
		out.Raw = append(out.Raw, row(f.targets, i).Raw...)
	}
	return out, nil
}

// TestProbabilities: a network that ends with softmax or sigmoid is judged as the one without: the same qualities and losses, and gradients that are the
// same with respect to the logits.
func TestProbabilities(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	const n, tokens, classes = 5, 4, 6
	logits := make([]float32, n*tokens*classes)
	for k := range logits {
		logits[k] = float32(2 * r.NormFloat64())
	}
	labels, many := make([]int64, n*tokens), make([]float32, n*tokens*classes)
	for k := range labels {
		labels[k] = int64(r.IntN(classes+1)) - 1
	}
	for k := range many {
		many[k] = float32(r.IntN(2))
	}
	for _, c := range []struct {
		task    Task
		end     string
		shape   nn.Shape
		targets nn.Tensor
	}{
		{LanguageModel(), "Softmax", nn.Shape{n, tokens, classes}, nn.FromInt64s(nn.Shape{n, tokens}, labels)},
		{TokenClassification(), "Softmax", nn.Shape{n, tokens, classes}, nn.FromInt64s(nn.Shape{n, tokens}, labels)},
		{Labels(), "Sigmoid", nn.Shape{n, tokens * classes}, nn.FromFloat32s(nn.Shape{n, tokens * classes}, many)},
	} {
		judge := func(end string) *Judge {
			g, err := nn.Record(func(b nn.Builder) {
				x := b.Act(b.Input("x", nn.Float32, append(nn.Shape{nn.Batch}, c.shape[1:]...)), nn.Relu())
				switch end {
				case "Softmax":
					x = b.Softmax(x, len(c.shape)-1)
				case "Sigmoid":
					x = b.Act(x, nn.Sigmoid())
				}
				b.Output("y", b.Reshape(x, append(nn.Shape{nn.Batch}, c.shape[1:]...)))
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := EndOf(g); string(got) != map[string]string{"Softmax": "share", "Sigmoid": "odds"}[end] {
				t.Errorf("a network that ends with %q is said to end with %q", end, got)
			}
			j, err := c.task.Judge(g, targeted{targets: c.targets})
			if err != nil {
				t.Fatal(err)
			}
			return j
		}
		shares := make([]float32, len(logits))
		for from := 0; from < len(logits); from += classes {
			q := make([]float64, classes)
			quality.Softmax(q, logits[from:from+classes])
			for k := range q {
				if shares[from+k] = float32(q[k]); c.end == "Sigmoid" {
					shares[from+k] = float32(1 / (1 + math.Exp(float64(-logits[from+k]))))
				}
			}
		}
		plain := Batch{Samples: Numbers(0, n), Outputs: []nn.Tensor{nn.FromFloat32s(c.shape, logits)}, Targets: c.targets}
		ended := plain
		ended.Outputs = []nn.Tensor{nn.FromFloat32s(c.shape, shares)}
		a, b := judge(""), judge(c.end)
		want, err1 := a.Quality(plain)
		got, err2 := b.Quality(ended)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		for i := range want {
			if math.Abs(want[i]-got[i]) > 1e-6 {
				t.Errorf("%s: sample %d has quality %g after %s, %g before", c.task.Name, i, got[i], c.end, want[i])
			}
		}
		loss, grads, err1 := a.Loss(plain, Recipe{Smoothing: 0.1})
		loss2, grads2, err2 := b.Loss(ended, Recipe{Smoothing: 0.1})
		if err1 != nil || err2 != nil || math.Abs(loss-loss2) > 1e-6 {
			t.Fatal(err1, err2, loss, loss2)
		}
		for k := range logits { // back through softmax or sigmoid
			row, p := k/classes*classes, float64(shares[k])
			back := float64(grads2[0][k]) * p * (1 - p)
			if c.end == "Softmax" {
				back = float64(grads2[0][k]) * p
				for i := range classes {
					back -= float64(grads2[0][row+i]) * float64(shares[row+i]) * p
				}
			}
			if math.Abs(back-float64(grads[0][k])) > 1e-6 {
				t.Errorf("%s: gradient %d is %g after %s, %g before", c.task.Name, k, back, c.end, grads[0][k])
				break
			}
		}
	}
}
