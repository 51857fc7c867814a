// Package quality has the formulas of tasks, on plain numbers: qualities of samples from 0 to 1, and losses with their gradients with respect to
// what a network computes. Losses add their gradient, times scale, to grad, which is as long as the numbers that they are of.
package quality

import "math"

// Parts is what mean qualities are counted in that are not of right and wrong samples: 1 is so many. Searches add whole numbers, so that they are exact.
const Parts = 20_000

// CrossEntropy is that of rows of scores of classes, which softmax makes probabilities, and labels: the mean over rows whose label is known, which is
// one of at least 0. All classes share the part smoothing of the target. It is 0 where no label is known. grad may be nil.
func CrossEntropy(scores []float32, classes int, labels []int64, smoothing, scale float64, grad []float32) float64 {
	known := 0
	for _, y := range labels {
		if y >= 0 {
			known++
		}
	}
	total, q := 0.0, make([]float64, classes)
	for i, y := range labels {
		if y < 0 {
			continue
		}
		Softmax(q, scores[i*classes:(i+1)*classes])
		for k, p := range q {
			target := smoothing / float64(classes)
			if k == int(y) {
				target += 1 - smoothing
			}
			if grad != nil {
				grad[i*classes+k] += float32((p - target) * scale / float64(known))
			}
			if target > 0 {
				total -= target * math.Log(max(p, tiny))
			}
		}
	}
	return total / float64(max(known, 1))
}

// tiny is what probabilities count as at least.
const tiny = 1e-30

// Divergence is that of rows of scores from a teacher's, as probabilities: the mean over all rows of Kullback and Leibler's, or, where alpha says so,
// of the adaptive one.
//
// The adaptive divergence (AlphaNet, Wang et al. 2021) is the larger of two of the family sum q f(p/q), f(t) = (t^a - 1)/(a(a - 1)):
// a = 1, which punishes what the student misses, and a = -1, which punishes what it makes up, whose ratios are clipped at clipRatio.
func Divergence(scores, teacher []float32, classes int, alpha bool, scale float64, grad []float32) float64 {
	rows := len(scores) / classes
	total, p, q := 0.0, make([]float64, classes), make([]float64, classes)
	for i := range rows {
		Softmax(q, scores[i*classes:(i+1)*classes])
		Softmax(p, teacher[i*classes:(i+1)*classes])
		kl := 0.0
		for k, t := range p {
			if t > 0 {
				kl += t * (math.Log(t) - math.Log(max(q[k], tiny)))
			}
		}
		row, factor := grad[i*classes:], scale/float64(rows)
		if alpha {
			if other, rho := reverse(p, q); other > kl {
				mean := 0.0
				for k, r := range rho {
					mean += q[k] * r
				}
				for k, r := range rho {
					row[k] -= float32(factor * q[k] * (r - mean))
				}
				total += other
				continue
			}
		}
		for k, t := range p {
			row[k] += float32(factor * (q[k] - t))
		}
		total += kl
	}
	return total / float64(max(rows, 1))
}

const clipRatio = 5

// reverse is the divergence for a = -1: its value, and minus its derivative with respect to each of q with the clipped ratios held fixed.
func reverse(p, q []float64) (value float64, rho []float64) {
	rho = make([]float64, len(q))
	for k := range q {
		ratio := min(q[k]/max(p[k], tiny), clipRatio) // (p/q)^-1
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

// Best returns the class with the highest score in each row, the first of equal ones; -1 where a score is no number: such a row is never right.
func Best(scores []float32, classes int) []int {
	out := make([]int, len(scores)/classes)
	for i := range out {
		row := scores[i*classes : (i+1)*classes]
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

// Among tells whether a class is one of the k with the highest scores of a row; of equal scores the first ones count as higher. It is not where
// a score is no number.
func Among(row []float32, class int64, k int) bool {
	if class < 0 || class >= int64(len(row)) {
		return false
	}
	before := 0
	for i, x := range row {
		if x != x {
			return false
		}
		if x > row[class] || x == row[class] && i < int(class) {
			before++
		}
	}
	return before < k
}

// Right is the share of rows whose best class is the label, of those whose label is known; 1 where none is.
func Right(scores []float32, classes int, labels []int64) float64 {
	known, right := 0, 0
	for i, class := range Best(scores[:len(labels)*classes], classes) {
		if labels[i] < 0 {
			continue
		}
		if known++; class == int(labels[i]) {
			right++
		}
	}
	if known == 0 {
		return 1
	}
	return float64(right) / float64(known)
}

// IoU is the mean over classes of what prediction and labels have in common, as a share of what either has: of classes that one of them has, where
// the label is known. It is 1 where no label is.
func IoU(predicted []int, labels []int64, classes int) float64 {
	both, either := make([]int, classes), make([]int, classes)
	for i, y := range labels {
		if y < 0 {
			continue
		}
		p := predicted[i]
		either[y]++
		switch {
		case p == int(y):
			both[y]++
		case p >= 0:
			either[p]++
		}
	}
	sum, n := 0.0, 0
	for c, all := range either {
		if all > 0 {
			sum += float64(both[c]) / float64(all)
			n++
		}
	}
	if n == 0 {
		return 1
	}
	return sum / float64(n)
}
