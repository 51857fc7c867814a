package data

import (
	"math"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Tasks of scores take the logits of their first output: softmax or sigmoid makes probabilities of them. A network that ends with one of these has
// probabilities already, of which logits are made first: log p of softmax, and log(p/(1-p)) of sigmoid.

// smallest is what probabilities count as at least, and 1 less at most, since a logarithm of 0 has no gradient.
const smallest = 1e-7

// probabilities are numbers that an operator made of logits: the logit of each, and its derivative.
type probabilities func(p float64) (logit, derivative float64)

var ends = map[operators.Logit]probabilities{
	operators.LogShare: func(p float64) (logit, derivative float64) {
		p = min(max(p, smallest), 1)
		return math.Log(p), 1 / p
	},
	operators.LogOdds: func(p float64) (logit, derivative float64) {
		p = min(max(p, smallest), 1-smallest)
		return math.Log(p / (1 - p)), 1 / (p * (1 - p))
	},
}

// EndOf returns how logits come from the numbers of the first output, "" where these are no probabilities.
func EndOf(g *nn.Graph) operators.Logit {
	if len(g.Outputs) == 0 {
		return ""
	}
	return operators.End(g.Outputs[0], func(v nn.Value) (string, nn.Value) {
		for _, n := range slices.Backward(g.Nodes) {
			if slices.Contains(n.Out, v) && n.Domain == "" && len(n.In) > 0 {
				return n.Type, n.In[0]
			}
		}
		return "", v
	})
}

// judge makes j, which takes logits, one that takes probabilities. Which scores are highest is the same for both.
func (p probabilities) judge(j *Judge, exact bool) *Judge {
	out := *j
	if quality := j.Quality; !exact {
		out.Quality = func(b Batch) ([]float64, error) { return quality(p.logits(b)) }
	}
	if loss := j.Loss; loss != nil {
		out.Loss = func(b Batch, r Recipe) (float64, [][]float32, error) {
			total, grads, err := loss(p.logits(b), r)
			if err == nil && grads[0] != nil {
				for k, v := range b.Outputs[0].Float32s() {
					_, derivative := p(float64(v))
					grads[0][k] *= float32(derivative)
				}
			}
			return total, grads, err
		}
	}
	return &out
}

// logits returns b with the logits of the first output, and of the teacher's.
func (p probabilities) logits(b Batch) Batch {
	convert := func(list []nn.Tensor) []nn.Tensor {
		if len(list) == 0 || list[0].Type != nn.Float32 {
			return list
		}
		list = slices.Clone(list)
		values := slices.Clone(list[0].Float32s())
		for k, v := range values {
			logit, _ := p(float64(v))
			values[k] = float32(logit)
		}
		list[0] = nn.FromFloat32s(list[0].Shape, values)
		return list
	}
	b.Outputs, b.Teacher = convert(b.Outputs), convert(b.Teacher)
	return b
}
