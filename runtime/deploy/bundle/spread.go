package bundle

import (
	"slices"

	"github.com/autotailor/autotailor/internal/farthest"
)

// Spread picks k positions of a sequence of points, each a latency and an accuracy, so that they lie far apart: both ends, then
// always the point that is farthest from all picked ones, with both measures scaled to their range (the first of several).
func Spread(points [][2]float64, k int) []int {
	n := len(points)
	if n <= k {
		k = n
	}
	if k < 1 {
		return nil
	}
	var scale [2]float64
	for m := range scale {
		lo, hi := points[0][m], points[0][m]
		for _, p := range points {
			lo, hi = min(lo, p[m]), max(hi, p[m])
		}
		if hi > lo {
			scale[m] = 1 / (hi - lo)
		}
	}
	picked := []int{n - 1}
	if k > 1 {
		picked = append(picked, 0)
	}
	picked = append(picked, farthest.Points(n, k-len(picked), picked, func(i, j int) float64 {
		a, b := (points[i][0]-points[j][0])*scale[0], (points[i][1]-points[j][1])*scale[1]
		return a*a + b*b
	})...)
	slices.Sort(picked)
	return picked
}
