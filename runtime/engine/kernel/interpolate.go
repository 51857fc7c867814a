package kernel

import "github.com/autotailor/autotailor/runtime/nn"

// Interpolate sums the taps of a resized axis, of the given length, whose neighbours are inner elements apart.
func Interpolate(t *Team, taps [][]nn.Tap, out, in []float32, length, inner int) {
	t.Split(len(out)/inner, 4*len(out), func(lo, hi int) {
		for r := lo; r < hi; r++ {
			from := r / len(taps) * length * inner
			for i := range inner {
				sum := 0.0
				for _, p := range taps[r%len(taps)] {
					sum += p.Weight * float64(in[from+p.At*inner+i])
				}
				out[r*inner+i] = float32(sum)
			}
		}
	})
}

// InterpolateBack sets dx to the gradient with respect to the operand, given the gradient with respect to the result.
func InterpolateBack(t *Team, taps [][]nn.Tap, dx, dz []float32, length, inner int) {
	t.Split(len(dx)/(length*inner), 4*len(dz), func(lo, hi int) {
		clear(dx[lo*length*inner : hi*length*inner])
		for r := lo * len(taps); r < hi*len(taps); r++ {
			to := r / len(taps) * length * inner
			for _, p := range taps[r%len(taps)] {
				w := float32(p.Weight)
				for i, d := range dz[r*inner : (r+1)*inner] {
					dx[to+p.At*inner+i] += w * d
				}
			}
		}
	})
}
