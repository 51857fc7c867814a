package profile

import (
	"math"
	"slices"
)

// Agreement says how well predictions fit measurements.
type Agreement struct {
	N        int     `json:"n"`
	Within10 float64 `json:"within10"` // share of predictions at most 10 % off
	Within5  float64 `json:"within5"`
	Tau      float64 `json:"tau"`     // Kendall's rank correlation (tau-b)
	Small10  float64 `json:"small10"` // Within10 among the tenth with the least latency
	Large10  float64 `json:"large10"` // and the tenth with the greatest
	Small5   float64 `json:"small5"`  // Within5 among these
	Large5   float64 `json:"large5"`
	Bias     float64 `json:"bias"`  // median of predicted/measured - 1
	Worst    float64 `json:"worst"` // largest |predicted/measured - 1|
}

// Agree compares predictions with measurements of the same networks, in any unit.
func Agree(predicted, measured []float64) Agreement {
	a := Agreement{N: len(measured)}
	if a.N == 0 {
		return a
	}
	off := make([]float64, a.N)
	order := make([]int, a.N)
	for i := range off {
		off[i], order[i] = predicted[i]/measured[i]-1, i
	}
	slices.SortFunc(order, func(i, j int) int { return cmpFloat(measured[i], measured[j]) })
	within := func(list []int, bound float64) float64 {
		n := 0
		for _, i := range list {
			if math.Abs(off[i]) <= bound {
				n++
			}
		}
		return float64(n) / float64(len(list))
	}
	tenth := (a.N + 9) / 10
	a.Within10, a.Within5 = within(order, 0.1), within(order, 0.05)
	small, large := order[:tenth], order[a.N-tenth:]
	a.Small10, a.Large10 = within(small, 0.1), within(large, 0.1)
	a.Small5, a.Large5 = within(small, 0.05), within(large, 0.05)
	a.Bias, a.Tau = median(off), kendall(predicted, measured)
	for _, o := range off {
		a.Worst = max(a.Worst, math.Abs(o))
	}
	return a
}

func cmpFloat(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// kendall is tau-b, which allows for ties.
func kendall(x, y []float64) float64 {
	var sum, nx, ny float64
	for i := range x {
		for j := range i {
			a, b := cmpFloat(x[i], x[j]), cmpFloat(y[i], y[j])
			sum += float64(a * b)
			nx += float64(a * a)
			ny += float64(b * b)
		}
	}
	if nx == 0 || ny == 0 {
		return 0
	}
	return sum / math.Sqrt(nx*ny)
}
