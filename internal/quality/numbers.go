package quality

import "math"

// Binary is the cross entropy of logits, which the logistic function makes probabilities, and targets from 0 to 1: the mean over those that are known,
// which are no less than 0. It is 0 where none is.
func Binary(logits, targets []float32, scale float64, grad []float32) float64 {
	known := 0
	for _, t := range targets {
		if t >= 0 {
			known++
		}
	}
	total := 0.0
	for i, t := range targets {
		if !(t >= 0) {
			continue
		}
		x, t := float64(logits[i]), float64(t)
		total += max(x, 0) - x*t + math.Log1p(math.Exp(-math.Abs(x)))
		grad[i] += float32((Logistic(x) - t) * scale / float64(known))
	}
	return total / float64(max(known, 1))
}

// BinaryDivergence is the mean of Kullback and Leibler's divergence of the probabilities of logits from those of a teacher's.
func BinaryDivergence(logits, teacher []float32, scale float64, grad []float32) float64 {
	total, n := 0.0, float64(max(len(logits), 1))
	for i, l := range logits {
		q, p := Logistic(float64(l)), Logistic(float64(teacher[i]))
		for _, pair := range [][2]float64{{p, q}, {1 - p, 1 - q}} {
			if pair[0] > 0 {
				total += pair[0] * (math.Log(pair[0]) - math.Log(max(pair[1], tiny)))
			}
		}
		grad[i] += float32((q - p) * scale / n)
	}
	return total / n
}

// Logistic is 1/(1+exp(-x)).
func Logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// F1 is the harmonic mean of precision and recall of one sample: labels whose logit is above 0 are predicted, those whose target is at least a half
// are right. Labels whose target is below 0 are not known. It is 1 where there are none, neither predicted nor right, and 0 where a logit is no number.
func F1(logits, targets []float32) float64 {
	both, all := 0, 0
	for i, t := range targets {
		if !(t >= 0) {
			continue
		}
		x := logits[i]
		if x != x {
			return 0
		}
		if x > 0 {
			all++
		}
		if t >= 0.5 {
			all++
		}
		if x > 0 && t >= 0.5 {
			both++
		}
	}
	if all == 0 {
		return 1
	}
	return 2 * float64(both) / float64(all)
}

// Absolute is the mean absolute difference of values from targets, of those that are numbers; 0 where none is.
func Absolute(values, targets []float32) float64 {
	sum, n := 0.0, 0
	for i, t := range targets {
		if t == t {
			sum, n = sum+math.Abs(float64(values[i])-float64(t)), n+1
		}
	}
	return sum / float64(max(n, 1))
}

// Squared is the mean squared difference of values from targets, of those that are numbers; 0 where none is.
func Squared(values, targets []float32, scale float64, grad []float32) float64 {
	n := 0
	for _, t := range targets {
		if t == t {
			n++
		}
	}
	sum := 0.0
	for i, t := range targets {
		if t == t {
			d := float64(values[i]) - float64(t)
			sum += d * d
			grad[i] += float32(2 * d * scale / float64(n))
		}
	}
	return sum / float64(max(n, 1))
}

// short is what a length counts as at least where it is divided by.
const short = 1e-8

// Cosine is the cosine of the angle between two vectors, 0 where one is zero.
func Cosine(x, y []float32) float64 {
	dot, xx, yy := products(x, y)
	return dot / max(math.Sqrt(xx)*math.Sqrt(yy), short)
}

func products(x, y []float32) (dot, xx, yy float64) {
	for i, v := range x {
		a, b := float64(v), float64(y[i])
		dot, xx, yy = dot+a*b, xx+a*a, yy+b*b
	}
	return dot, xx, yy
}

// Angle is 1 less the cosine of the angle between values and targets.
func Angle(values, targets []float32, scale float64, grad []float32) float64 {
	dot, xx, yy := products(values, targets)
	length := max(math.Sqrt(xx)*math.Sqrt(yy), short)
	c := dot / length
	for i, v := range values {
		grad[i] -= float32(scale * (float64(targets[i])/length - c*float64(v)/max(xx, short*short)))
	}
	return 1 - c
}

// Near is 1 less the distance of values from those of an original, relative to the length of these, but at least 0. Elements that are equal, infinite
// ones, too, or no numbers in both, do not differ.
func Near(values, original []float64) float64 {
	diff, norm := 0.0, 0.0
	for i, want := range original {
		got := values[i]
		switch {
		case got == want || got != got && want != want:
		case math.IsInf(got, 0) || math.IsInf(want, 0) || got != got || want != want:
			return 0
		default:
			diff += (got - want) * (got - want)
		}
		if !math.IsInf(want, 0) && want == want {
			norm += want * want
		}
	}
	if diff == 0 {
		return 1
	}
	return max(0, 1-math.Sqrt(diff)/max(math.Sqrt(norm), short))
}

// relativeFloor is the mean square that an original's values count as at least: a value that is all but zero is no measure.
const relativeFloor = 1e-6

// Relative is the squared distance of values from those of a teacher, relative to the squared length of these. Elements that are not finite in one of
// them do not count.
func Relative(values, teacher []float32, scale float64, grad []float32) float64 {
	norm := relativeFloor * float64(len(teacher))
	for i, t := range teacher {
		if finite(t) && finite(values[i]) {
			norm += float64(t) * float64(t)
		}
	}
	sum := 0.0
	for i, t := range teacher {
		if finite(t) && finite(values[i]) {
			d := float64(values[i]) - float64(t)
			sum += d * d
			grad[i] += float32(2 * d * scale / norm)
		}
	}
	return sum / norm
}

func finite(v float32) bool { return v-v == 0 }
