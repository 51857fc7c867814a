package tune

import "math"

// loss compares scores [images, classes] with labels and with a teacher's probabilities, which may be nil.
type loss struct {
	smoothing, distil float64
	alpha             bool // AlphaNet's adaptive divergence in the place of Kullback and Leibler's
}

// of returns the mean loss of a batch and writes its derivatives by the scores, times scale, to grad.
func (l loss) of(scores []float32, labels []int32, teacher []float32, scale float64, grad []float32) float64 {
	n := len(labels)
	classes := len(scores) / n
	weight := l.distil
	if teacher == nil {
		weight = 0
	}
	q, slope := make([]float64, classes), make([]float64, classes)
	total := 0.0
	for i := range n {
		row := scores[i*classes : (i+1)*classes]
		softmax(q, row)
		own := 1 - weight
		for k, p := range q {
			target := l.smoothing / float64(classes)
			if k == int(labels[i]) {
				target += 1 - l.smoothing
			}
			slope[k] = own * (p - target)
			if target > 0 {
				total -= own * target * math.Log(max(p, 1e-30))
			}
		}
		if weight > 0 {
			total += weight * l.diverge(teacher[i*classes:(i+1)*classes], q, slope, weight)
		}
		for k, s := range slope {
			grad[i*classes+k] = float32(s * scale / float64(n))
		}
	}
	return total / float64(n)
}

// diverge returns the divergence of the student's probabilities q from the teacher's p, and adds weight times its derivatives by the
// scores to slope.
//
// The adaptive divergence (AlphaNet, Wang et al. 2021) is the larger of two of the family sum q f(p/q), f(t) = (t^a - 1)/(a(a - 1)):
// a = 1, which punishes what the student misses, and a = -1, which punishes what it makes up, whose ratios are clipped at clipRatio.
func (l loss) diverge(p []float32, q, slope []float64, weight float64) float64 {
	kl := 0.0
	for k, t := range p {
		if t > 0 {
			kl += float64(t) * (math.Log(float64(t)) - math.Log(max(q[k], 1e-30)))
		}
	}
	if l.alpha {
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
		slope[k] += weight * (q[k] - float64(t))
	}
	return kl
}

const clipRatio = 5

// reverse is the divergence for a = -1: its value, and minus its derivative by each of q with the clipped ratios held fixed.
func reverse(p []float32, q []float64) (value float64, rho []float64) {
	rho = make([]float64, len(q))
	for k := range q {
		ratio := min(q[k]/max(float64(p[k]), 1e-30), clipRatio) // (p/q)^-1
		value += q[k] * (ratio/2 - 0.5)
		rho[k] = 0.5 - ratio
	}
	return value, rho
}

// softmax writes the probabilities of one row of scores.
func softmax(dst []float64, row []float32) {
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

// probabilities applies softmax to every row.
func probabilities(scores []float32, classes int) []float32 {
	out := make([]float32, len(scores))
	row := make([]float64, classes)
	for at := 0; at < len(scores); at += classes {
		softmax(row, scores[at:at+classes])
		for k, p := range row {
			out[at+k] = float32(p)
		}
	}
	return out
}
