package embedded

import (
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// waves are cosines and sines at each of n steps around the circle, backwards for a forward transform.
func waves(n int, sign float64) (re, im []float64) {
	re, im = make([]float64, n), make([]float64, n)
	for k := range n {
		im[k], re[k] = math.Sincos(sign * 2 * math.Pi * float64(k) / float64(n))
	}
	return re, im
}

// transform adds up n positions by their waves: at gives a position's parts.
func transform(out []float32, bin, n int, re, im []float64, scale float64, at func(i int) (a, b float64)) {
	var x, y float64
	for i := range n {
		a, b := at(i)
		k := bin * i % n
		x += a*re[k] - b*im[k]
		y += a*im[k] + b*re[k]
	}
	out[0], out[1] = float32(scale*x), float32(scale*y)
}

// stft is the spectrum of each frame of a signal.
func stft(_ node, in, out []nn.Shape) (loop, error) {
	x, y := in[0], out[0]
	windowed, parts := len(in) > 2 && in[2] != nil, 1
	if len(x) == 3 {
		parts = x[2]
	}
	if len(x) < 2 || len(y) != 4 || !windowed && (len(in) < 4 || in[3] == nil) {
		return nil, fmt.Errorf("operands of shapes %v; want a signal, and a window or the length of frames", in)
	}
	return func(data, to [][]float32) {
		step, n := int(data[1][0]), 0
		if windowed {
			n = in[2].Count()
		} else {
			n = int(data[3][0])
		}
		if n < 1 || step < 1 || (y[1]-1)*step+n > x[1] || y[2] > n {
			notNumbers(to...)
			return
		}
		re, im := waves(n, -1)
		for f := range y[0] * y[1] {
			from := (f/y[1]*x[1] + f%y[1]*step) * parts
			at := func(i int) (a, b float64) {
				w := 1.0
				if windowed {
					w = float64(data[2][i])
				}
				a = w * float64(data[0][from+i*parts])
				if parts == 2 {
					b = w * float64(data[0][from+i*parts+1])
				}
				return a, b
			}
			for k := range y[2] {
				transform(to[0][2*(f*y[2]+k):], k, n, re, im, 1, at)
			}
		}
	}, nil
}

// dft is the spectrum along one axis, or what has a spectrum. Positions that the length has beyond the operand's are zero.
func dft(n node, in, out []nn.Shape) (loop, error) {
	x, y := in[0], out[0]
	inverse, half := n.Int("inverse", 0) != 0, n.Int("onesided", 0) != 0
	if len(x) < 2 || len(y) != len(x) || inverse && half {
		return nil, fmt.Errorf("operands of shapes %v, inverse %v, of one side %v", in, inverse, half)
	}
	parts, sign := x[len(x)-1], -1.0
	if inverse {
		sign = 1
	}
	return func(data, to [][]float32) {
		axis := n.Int("axis", 1)
		if len(in) > 2 && in[2] != nil {
			axis = int64(data[2][0])
		}
		if axis < 0 {
			axis += int64(len(x))
		}
		if axis < 0 || axis > int64(len(x)-2) || !slices.Equal(x[:axis], y[:axis]) {
			notNumbers(to...)
			return
		}
		length := x[axis]
		if len(in) > 1 && in[1] != nil {
			length = int(data[1][0])
		}
		bins, inner, scale := y[axis], x[axis+1:len(x)-1].Count(), 1.0
		if length < 1 || bins > length {
			notNumbers(to...)
			return
		}
		if inverse {
			scale = 1 / float64(length)
		}
		re, im := waves(length, sign)
		for o := range x[:axis].Count() * inner {
			lead, rest := o/inner, o%inner
			at := func(i int) (a, b float64) {
				if i >= x[axis] {
					return 0, 0
				}
				p := ((lead*x[axis]+i)*inner + rest) * parts
				if a = float64(data[0][p]); parts == 2 {
					b = float64(data[0][p+1])
				}
				return a, b
			}
			for k := range bins {
				transform(to[0][2*((lead*bins+k)*inner+rest):], k, length, re, im, scale, at)
			}
		}
	}, nil
}
