// Package quality has the formulas of tasks, on plain numbers: qualities of samples from 0 to 1, and losses with their gradients with respect to
// what a network computes.
package quality

import "math"

// Scores is the loss of scores of classes, row by row, against labels and a teacher.
type Scores struct {
	Smoothing float64 // of labels
	Distil    float64 // weight of the teacher's probabilities, from 0 to 1; labels have the rest
	Alpha     bool    // AlphaNet's adaptive divergence instead of Kullback and Leibler's
}

// Loss returns the mean loss of the rows of scores, and writes its gradient to grad. There are as many rows as labels; the teacher's scores are nil
// for none.
func (s Scores) Loss(scores []float32, labels []int64, teacher, grad []float32) float64 {
	n := len(labels)
	classes := len(scores) / n
	weight := s.Distil
	if teacher == nil {
		weight = 0
	}
	q, slope, p := make([]float64, classes), make([]float64, classes), make([]float64, classes)
	total := 0.0
	for i := range n {
		row := scores[i*classes : (i+1)*classes]
		Softmax(q, row)
		own := 1 - weight
		for k, p := range q {
			target := s.Smoothing / float64(classes)
			if k == int(labels[i]) {
				target += 1 - s.Smoothing
			}
			slope[k] = own * (p - target)
			if target > 0 {
				total -= own * target * math.Log(max(p, 1e-30))
			}
		}
		if weight > 0 {
			Softmax(p, teacher[i*classes:(i+1)*classes])
			for k, v := range p {
				p[k] = float64(float32(v)) // as PyTorch's tools have it
			}
			total += weight * s.diverge(p, q, slope, weight)
		}
		for k, v := range slope {
			grad[i*classes+k] = float32(v / float64(n))
		}
	}
	return total / float64(n)
}

// diverge returns the divergence of the student's probabilities q from the teacher's p, and adds weight times its gradient with respect to the
// scores to slope.
//
// The adaptive divergence (AlphaNet, Wang et al. 2021) is the larger of two of the family sum q f(p/q), f(t) = (t^a - 1)/(a(a - 1)):
// a = 1, which punishes what the student misses, and a = -1, which punishes what it makes up, whose ratios are clipped at clipRatio.
func (s Scores) diverge(p, q, slope []float64, weight float64) float64 {
	kl := 0.0
	for k, t := range p {
		if t > 0 {
			kl += t * (math.Log(t) - math.Log(max(q[k], 1e-30)))
		}
	}
	if s.Alpha {
		if other, rho := reverse(p, q); other > kl {
			mean := 0.0
			for k, r := range rho {
				mean += q[k] * r
			}
			for k, r := range rho {
				slope[k] -= weight * q[k] * (r - mean)
			}
			return other
		}
	}
	for k, t := range p {
		slope[k] += weight * (q[k] - t)
	}
	return kl
}

const clipRatio = 5

// reverse is the divergence for a = -1: its value, and minus its derivative with respect to each of q with the clipped ratios held fixed.
func reverse(p, q []float64) (value float64, rho []float64) {
	rho = make([]float64, len(q))
	for k := range q {
		ratio := min(q[k]/max(p[k], 1e-30), clipRatio) // (p/q)^-1
		value += q[k] * (ratio/2 - 0.5)
		rho[k] = 0.5 - ratio
	}
	return value, rho
}

// Softmax writes the probabilities of one row of scores.
func Softmax(dst []float64, row []float32) {
	most := math.Inf(-1)
	for _, v := range row {
		most = max(most, float64(v))
	}
	sum := 0.0
	for k, v := range row {
		dst[k] = math.Exp(float64(v) - most)
		sum += dst[k]
	}
	for k := range dst {
		dst[k] /= sum
	}
}

// Best returns the class with the highest score in each row of n, the first of equal ones; -1 where a score is no number: such a row is never right.
func Best(scores []float32, n int) []int {
	out := make([]int, len(scores)/n)
	for i := range out {
		row := scores[i*n : (i+1)*n]
		for k, x := range row {
			if x != x {
				out[i] = -1
				break
			}
			if x > row[out[i]] {
				out[i] = k
			}
		}
	}
	return out
}
