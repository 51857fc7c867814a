package quality_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/autotailor/autotailor/internal/quality"
)

// torchCase is what testdata/losses.py writes.
type torchCase struct {
	Name          string
	Values, Other []float64
	Classes       int
	Smoothing     float64
	Loss          float64
	Gradient      []float64
}

func floats(list []float64) []float32 {
	out := make([]float32, len(list))
	for i, v := range list {
		out[i] = float32(v)
	}
	return out
}

func whole(list []float64) []int64 {
	out := make([]int64, len(list))
	for i, v := range list {
		out[i] = int64(v)
	}
	return out
}

// loss is the function of a case; it is false for those without a gradient.
func (c torchCase) loss(values []float32, scale float64, grad []float32) (float64, bool) {
	other := floats(c.Other)
	switch c.Name {
	case "CrossEntropy":
		return quality.CrossEntropy(values, c.Classes, whole(c.Other), c.Smoothing, scale, grad), true
	case "Divergence":
		return quality.Divergence(values, other, c.Classes, false, scale, grad), true
	case "Binary":
		return quality.Binary(values, other, scale, grad), true
	case "BinaryDivergence":
		return quality.BinaryDivergence(values, other, scale, grad), true
	case "Squared":
		return quality.Squared(values, other, scale, grad), true
	case "Angle":
		return quality.Angle(values, other, scale, grad), true
	case "Relative":
		return quality.Relative(values, other, scale, grad), true
	case "Absolute":
		return quality.Absolute(values, other), false
	case "Near":
		own, want := make([]float64, len(values)), make([]float64, len(other))
		for i := range own {
			own[i], want[i] = float64(values[i]), float64(other[i])
		}
		return quality.Near(own, want), false
	}
	return math.NaN(), false
}

// TestTorch: values and gradients are PyTorch's, and gradients add up.
func TestTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/losses.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []torchCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		values, grad := floats(c.Values), make([]float32, len(c.Values))
		for i := range grad {
			grad[i] = 1
		}
		got, differentiable := c.loss(values, 2, grad)
		if !(math.Abs(got-c.Loss) < 1e-5*max(1, math.Abs(c.Loss))) {
			t.Errorf("%s of %d values: %g, PyTorch has %g", c.Name, len(values), got, c.Loss)
		}
		for i, g := range c.Gradient {
			if d := math.Abs(float64(grad[i]) - 1 - 2*g); differentiable && !(d < 1e-5*max(1, math.Abs(g))) {
				t.Errorf("%s: gradient %d is %g, PyTorch has %g", c.Name, i, (grad[i]-1)/2, g)
			}
		}
	}
}

// TestDifferences: gradients are those of finite differences, where PyTorch has no such loss, too.
func TestDifferences(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	draw := func(n int) []float32 {
		out := make([]float32, n)
		for i := range out {
			out[i] = float32(2 * rng.NormFloat64())
		}
		return out
	}
	other := draw(12)
	for name, loss := range map[string]func(x, grad []float32) float64{
		"teacher":  func(x, grad []float32) float64 { return quality.Divergence(x, other, 4, false, 1, grad) },
		"relative": func(x, grad []float32) float64 { return quality.Relative(x, other, 1, grad) },
		"angle":    func(x, grad []float32) float64 { return quality.Angle(x, other, 1, grad) },
		"binary":   func(x, grad []float32) float64 { return quality.BinaryDivergence(x, other, 1, grad) },
		"unknown": func(x, grad []float32) float64 {
			return quality.CrossEntropy(x, 4, []int64{2, -1, 0}, 0.1, 1, grad)
		},
	} {
		x := draw(12)
		grad := make([]float32, len(x))
		loss(x, grad)
		for i := range x {
			const step = 1e-2
			was, none := x[i], make([]float32, len(x))
			x[i] = was + step
			up := loss(x, none)
			x[i] = was - step
			down := loss(x, none)
			x[i] = was
			if want := (up - down) / (2 * step); math.Abs(want-float64(grad[i])) > 1e-3 {
				t.Errorf("%s: gradient %d is %g, differences say %g", name, i, grad[i], want)
			}
		}
	}
}

// TestQualities are counted by hand.
func TestQualities(t *testing.T) {
	nan := float32(math.NaN())
	inf := math.Inf(-1)
	for name, c := range map[string]struct{ got, want float64 }{
		"F1":                     {quality.F1([]float32{1, 1, -1, -1}, []float32{1, 0, 1, 0}), 0.5},
		"F1, unknown":            {quality.F1([]float32{1, 1, -1}, []float32{1, -1, 0}), 1},
		"F1 of nothing":          {quality.F1([]float32{-1}, []float32{0}), 1},
		"F1 of no number":        {quality.F1([]float32{nan}, []float32{0}), 0},
		"IoU":                    {quality.IoU([]int{0, 0, 1, 1}, []int64{0, 1, 1, 1}, 3), (1./2 + 2./3) / 2},
		"IoU, unknown":           {quality.IoU([]int{0, 2}, []int64{0, -1}, 3), 1},
		"IoU of no number":       {quality.IoU([]int{-1, 0}, []int64{0, 0}, 2), 0.5},
		"right":                  {quality.Right([]float32{1, 2, 3, 1, 5, 5}, 2, []int64{1, 1, -1}), 0.5},
		"near":                   {quality.Near([]float64{3, 4}, []float64{3, 0}), 0},
		"near, masked":           {quality.Near([]float64{inf, 4}, []float64{inf, 5}), 0.8},
		"near zero":              {quality.Near([]float64{0}, []float64{0}), 1},
		"near, infinite":         {quality.Near([]float64{math.Inf(1), 1}, []float64{1, 1}), 0},
		"cosine of the opposite": {quality.Cosine([]float32{1, 0}, []float32{-2, 0}), -1},
	} {
		if math.Abs(c.got-c.want) > 1e-12 {
			t.Errorf("%s: %g, want %g", name, c.got, c.want)
		}
	}
	row := []float32{1, 3, 3, 2}
	for class, place := range []int{4, 1, 2, 3} {
		for k := 1; k <= 4; k++ {
			if got := quality.Among(row, int64(class), k); got != (place <= k) {
				t.Errorf("class %d among the first %d: %t", class, k, got)
			}
		}
	}
	if quality.Among([]float32{nan, 1}, 1, 2) || quality.Among(row, 4, 4) || quality.Among(row, -1, 4) {
		t.Error("what is not a number, or no class, is never among the best")
	}
}
