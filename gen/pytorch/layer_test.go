package pytorch

import (
	"math"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// TestNumbersOfModels: what a model may hold is written as Python.
func TestNumbersOfModels(t *testing.T) {
	needs.Time(t)
	for want, v := range map[string]float64{`float("-inf")`: math.Inf(-1), `float("+inf")`: math.Inf(1), `float("nan")`: math.NaN(), "1.0": 1, "1e-05": 1e-5, "0.5": 0.5} {
		if got := float(float32(v)); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}
