// Package farthest spreads picks over points.
package farthest

import "math"

// Points returns k of n points, or as many as there are besides those taken already: one after the other that whose nearest taken one is farthest, the
// first of several (farthest-point sampling, Gonzalez 1985). Where none is taken, the first point is. apart is how far two are from each other, or
// anything that grows with it.
func Points(n, k int, taken []int, apart func(i, j int) float64) []int {
	far := make([]float64, n) // from the nearest one that is taken, negative for these
	for i := range far {
		far[i] = math.Inf(1)
	}
	take := func(j int) {
		for i := range far {
			if far[i] >= 0 {
				far[i] = min(far[i], apart(i, j))
			}
		}
		far[j] = -1
	}
	for _, j := range taken {
		take(j)
	}
	var out []int
	for len(out) < k {
		best := -1
		for i, d := range far {
			if d >= 0 && (best < 0 || d > far[best]) {
				best = i
			}
		}
		if best < 0 {
			break
		}
		out = append(out, best)
		take(best)
	}
	return out
}
