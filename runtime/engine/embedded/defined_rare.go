package embedded

import (
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/infer"
	"github.com/autotailor/autotailor/runtime/nn"
)

// isInf tells which elements are infinite.
func isInf(n node, _, _ []nn.Shape) (loop, error) {
	positive, negative := n.Integer("detect_positive", 1) != 0, n.Integer("detect_negative", 1) != 0
	return func(in, out [][]float32) {
		for i, v := range in[0] {
			out[0][i] = 0
			if positive && math.IsInf(float64(v), 1) || negative && math.IsInf(float64(v), -1) {
				out[0][i] = 1
			}
		}
	}, nil
}

// meanOf adds up operands, which are repeated to the result's shape, and divides.
func meanOf(_ node, in, out []nn.Shape) (loop, error) {
	for _, s := range in {
		if !spreads(s, out[0]) {
			return nil, fmt.Errorf("operands of shapes %v do not fit each other", in)
		}
	}
	rank := len(out[0])
	return func(data, result [][]float32) {
		y := result[0]
		clear(y)
		for k, s := range in {
			whole := append(nn.Shape(slices.Repeat([]int{1}, rank-len(s))), s...)
			repeated(out[0], whole, func(i, at int) { y[i] += data[k][at] })
		}
		for i := range y {
			y[i] /= float32(len(in))
		}
	}, nil
}

// repeated calls f with each position of s and that of the element of a tensor, of which axes of extent 1 are repeated.
func repeated(s, small nn.Shape, f func(i, at int)) {
	for i := range s.Count() {
		at, rest, step := 0, i, 1
		for a := len(s) - 1; a >= 0; a-- {
			at += min(rest%s[a], small[a]-1) * step
			rest, step = rest/s[a], step*small[a]
		}
		f(i, at)
	}
}

// standardised subtracts means and divides by deviations.
func standardised(n node, in, _ []nn.Shape) (loop, error) {
	axes := n.Ints("axes")
	if axes == nil {
		axes = []int64{0, 2, 3}
	}
	small := slices.Clone(in[0])
	for _, a := range axes {
		if a < 0 {
			a += int64(len(small))
		}
		if a < 0 || a >= int64(len(small)) {
			return nil, fmt.Errorf("axis %d of %d axes", a, len(small))
		}
		small[a] = 1
	}
	count := float64(in[0].Count()) / float64(max(1, small.Count()))
	return func(data, out [][]float32) {
		mean, square := make([]float64, small.Count()), make([]float64, small.Count())
		repeated(in[0], small, func(i, at int) {
			v := float64(data[0][i])
			mean[at], square[at] = mean[at]+v/count, square[at]+v*v/count
		})
		repeated(in[0], small, func(i, at int) {
			out[0][i] = float32((float64(data[0][i]) - mean[at]) / (math.Sqrt(max(0, square[at]-mean[at]*mean[at])) + 1e-9))
		})
	}, nil
}

// dynamicQuantize finds the scale and zero point of 8 bits that its elements, and zero, need.
func dynamicQuantize(_ node, _, _ []nn.Shape) (loop, error) {
	return func(in, out [][]float32) {
		low, high := float32(0), float32(0)
		for _, v := range in[0] {
			low, high = min(low, v), max(high, v)
		}
		scale := (high - low) / math.MaxUint8
		zero := float32(0)
		if scale > 0 {
			zero = float32(math.RoundToEven(float64(max(0, min(math.MaxUint8, -low/scale)))))
		}
		put := func(k int, f func(to []float32)) {
			if k < len(out) && out[k] != nil {
				f(out[k])
			}
		}
		put(0, func(to []float32) {
			for i, v := range in[0] {
				if to[i] = zero; scale > 0 {
					to[i] = max(0, min(math.MaxUint8, float32(math.RoundToEven(float64(v/scale)))+zero))
				}
			}
		})
		put(1, func(to []float32) { to[0] = scale })
		put(2, func(to []float32) { to[0] = zero })
	}, nil
}

// einsum adds up products over the letters of its equation that the result does not have. Products of weights are taken apart before; this is for
// what is left, such as diagonals.
func einsum(n node, in, out []nn.Shape) (loop, error) {
	ranks := make([]int, len(in))
	for k, s := range in {
		ranks[k] = len(s)
	}
	terms, result, err := infer.Equation(n.Text("equation", ""), ranks)
	if err != nil {
		return nil, err
	}
	extents := map[rune]int{}
	for k, t := range append(slices.Clone(terms), result) {
		s := append(slices.Clone(in), out[0])[k]
		for a, l := range t {
			if e, ok := extents[l]; ok && e != s[a] && e != 1 && s[a] != 1 {
				return nil, fmt.Errorf("its operands %v have several extents for an axis of %q", in, n.Text("equation", ""))
			}
			extents[l] = max(extents[l], s[a])
		}
	}
	letters := slices.Clone(result)
	for _, t := range terms {
		for _, l := range t {
			if !slices.Contains(letters, l) {
				letters = append(letters, l)
			}
		}
	}
	var all nn.Shape
	for _, l := range letters {
		all = append(all, extents[l])
	}
	inner := all[len(result):].Count()
	steps := make([][]int, len(terms)) // of each operand, by letter
	for k, t := range terms {
		steps[k] = make([]int, len(letters))
		step := 1
		for a := len(t) - 1; a >= 0; a-- {
			if in[k][a] > 1 {
				steps[k][slices.Index(letters, t[a])] += step
			}
			step *= in[k][a]
		}
	}
	return func(data, out [][]float32) {
		place := make([]int, len(letters))
		for i := range out[0] {
			sum := 0.0
			for j := range inner {
				rest := i*inner + j
				for a := len(all) - 1; a >= 0; a-- {
					place[a], rest = rest%all[a], rest/all[a]
				}
				product := 1.0
				for k := range terms {
					at := 0
					for a, p := range place {
						at += p * steps[k][a]
					}
					product *= float64(data[k][at])
				}
				sum += product
			}
			out[0][i] = float32(sum)
		}
	}, nil
}
