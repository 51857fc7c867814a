package gen

import (
	"fmt"
	"math"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestNumbersOfModels: what a model may hold is written as Go that compiles.
func TestNumbersOfModels(t *testing.T) {
	inf := float32(math.Inf(1))
	for want, o := range map[string]nn.Op{
		"nn.Float(float32(math.Inf(-1)))":          nn.Float(-inf),
		"nn.Floats(float32(math.Inf(1)), 1e-05)":   nn.Floats(inf, 1e-5),
		"nn.Float(float32(math.NaN()))":            nn.Float(float32(math.NaN())),
		"nn.Ints(math.MaxInt64, math.MinInt64, 0)": nn.Ints(math.MaxInt64, math.MinInt64, 0),
		"nn.Int(-1)": nn.Int(-1),
	} {
		if got := fmt.Sprintf("%#v", op(o)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
