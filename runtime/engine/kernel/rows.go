package kernel

import "math"

// RowFunc computes a row from another row with as many elements. Slope sets g to the gradient with respect to the elements of row, given the gradient with
// respect to the result z. It is nil if small changes of the elements do not change the result.
type RowFunc struct {
	Value func(z, row []float32)
	Slope func(g, dz, row, z []float32)
}

// LogSoftmax is the logarithm of a softmax.
func LogSoftmax() RowFunc {
	return RowFunc{func(z, row []float32) {
		top, rest := logSum(row)
		for i, v := range row {
			z[i] = float32(float64(v) - top - rest)
		}
	}, func(g, dz, _, z []float32) {
		sum := 0.0
		for _, d := range dz {
			sum += float64(d)
		}
		for i, d := range dz {
			g[i] = float32(float64(d) - math.Exp(float64(z[i]))*sum)
		}
	}}
}

// Hardmax is 1 at the first of the largest elements, else 0.
func Hardmax() RowFunc {
	return RowFunc{Value: func(z, row []float32) {
		best := 0
		for i, v := range row {
			z[i] = 0
			if v > row[best] {
				best = i
			}
		}
		z[best] = 1
	}}
}

// CumSum adds up from the first element on, or from the last; exclusive leaves out the element itself.
func CumSum(reverse, exclusive bool) RowFunc {
	sum := func(reverse bool, z, row []float32) {
		total := 0.0
		for i := range row {
			if reverse {
				i = len(row) - 1 - i
			}
			before := total
			if total += float64(row[i]); exclusive {
				z[i] = float32(before)
				continue
			}
			z[i] = float32(total)
		}
	}
	return RowFunc{
		func(z, row []float32) { sum(reverse, z, row) },
		func(g, dz, _, _ []float32) { sum(!reverse, g, dz) },
	}
}

// LocalResponse divides each element by (bias + alpha/size * the sum of squares of size neighbours) to the power of beta, as LRN does along channels
// ("ImageNet Classification with Deep Convolutional Neural Networks", Krizhevsky et al. 2012, section 3.3).
func LocalResponse(size int, alpha, beta, bias float64) RowFunc {
	alpha /= float64(size)
	window := func(i, n int) (lo, hi int) { return max(0, i-(size-1)/2), min(n, i+size/2+1) }
	divisor := func(row []float32, i int) float64 {
		s := bias
		lo, hi := window(i, len(row))
		for _, v := range row[lo:hi] {
			s += alpha * float64(v) * float64(v)
		}
		return s
	}
	return RowFunc{func(z, row []float32) {
		for i, v := range row {
			z[i] = float32(float64(v) * math.Pow(divisor(row, i), -beta))
		}
	}, func(g, dz, row, _ []float32) {
		clear(g)
		for i, v := range row {
			s, d := divisor(row, i), float64(dz[i])
			by := math.Pow(s, -beta)
			g[i] += float32(d * by)
			common := -2 * alpha * beta * d * float64(v) * by / s
			lo, hi := window(i, len(row))
			for j, w := range row[lo:hi] {
				g[lo+j] += float32(common * float64(w))
			}
		}
	}}
}

// Unit divides by the norm, the root of the sum of squares, or the sum of absolute values if taxicab. A row of zeros stays.
func Unit(taxicab bool) RowFunc {
	norm := func(row []float32) float64 {
		sum := 0.0
		for _, v := range row {
			if taxicab {
				sum += math.Abs(float64(v))
			} else {
				sum += float64(v) * float64(v)
			}
		}
		switch {
		case sum == 0:
			return 1
		case taxicab:
			return sum
		}
		return math.Sqrt(sum)
	}
	return RowFunc{func(z, row []float32) {
		by := norm(row)
		for i, v := range row {
			z[i] = float32(float64(v) / by)
		}
	}, func(g, dz, row, z []float32) {
		by, along := norm(row), 0.0
		for i, d := range dz {
			along += float64(d) * float64(z[i])
		}
		for i, d := range dz {
			way := float64(z[i]) // the gradient of the norm
			if taxicab {
				way = float64(truth(row[i] > 0) - truth(row[i] < 0))
			}
			g[i] = float32((float64(d) - along*way) / by)
		}
	}}
}

// Standardise divides by the root of the mean square and epsilon; centred takes the mean away first, so that it divides by the deviation.
func Standardise(centred bool, epsilon float64) RowFunc {
	moments := func(row []float32) (mean, inverse float64) {
		n, square := float64(len(row)), 0.0
		if centred {
			for _, v := range row {
				mean += float64(v) / n
			}
		}
		for _, v := range row {
			square += (float64(v) - mean) * (float64(v) - mean) / n
		}
		return mean, 1 / math.Sqrt(square+epsilon)
	}
	return RowFunc{func(z, row []float32) {
		mean, by := moments(row)
		for i, v := range row {
			z[i] = float32((float64(v) - mean) * by)
		}
	}, func(g, dz, row, z []float32) {
		_, by := moments(row)
		n, all, along := float64(len(row)), 0.0, 0.0
		for i, d := range dz {
			all += float64(d) / n
			along += float64(d) * float64(z[i]) / n
		}
		if !centred {
			all = 0
		}
		for i, d := range dz {
			g[i] = float32((float64(d) - all - float64(z[i])*along) * by)
		}
	}}
}
