package kernel

import (
	"math"
	"slices"
)

// Fold computes one number z from a row. Slope sets g to the gradient with respect to the row's elements, given z and the derivative dz with respect to z. It is
// nil if small changes of the elements do not change z.
type Fold struct {
	Value func(row []float32) float32
	Slope func(g, row []float32, z, dz float32)
}

// folds lists reductions by ONNX operator type.
var folds = map[string]Fold{
	"ReduceMax": {best(math.Inf(-1), func(a, b float32) float32 { return max(a, b) }), oneOf},
	"ReduceMin": {best(math.Inf(1), func(a, b float32) float32 { return min(a, b) }), oneOf},
	"ReduceProd": {
		func(row []float32) float32 {
			p := 1.0
			for _, v := range row {
				p *= float64(v)
			}
			return float32(p)
		}, productSlope,
	},
	"ReduceL1":        {sumOf(math.Abs, itself), eachOf(func(v, _ float64) float64 { return float64(truth(v > 0) - truth(v < 0)) })},
	"ReduceL2":        {sumOf(squared, math.Sqrt), eachOf(func(v, z float64) float64 { return v / max(z, math.SmallestNonzeroFloat32) })},
	"ReduceSumSquare": {sumOf(squared, itself), eachOf(func(v, _ float64) float64 { return 2 * v })},
	"ReduceLogSum":    {sumOf(itself, math.Log), eachOf(func(_, z float64) float64 { return math.Exp(-z) })},
	"ReduceLogSumExp": {
		func(row []float32) float32 {
			top, rest := logSum(row)
			return float32(top + rest)
		}, eachOf(func(v, z float64) float64 { return math.Exp(v - z) }),
	},
}

// HasFold tells whether a reduction over several axes has a Fold.
func HasFold(op string) bool { return folds[op].Value != nil }

// FoldOf returns the reduction of an ONNX operator type. last is the attribute select_last_index of ArgMax and ArgMin.
func FoldOf(op string, last bool) (Fold, bool) {
	switch op {
	case "ArgMax":
		return Fold{Value: arg(func(a, b float32) bool { return a > b }, last)}, true
	case "ArgMin":
		return Fold{Value: arg(func(a, b float32) bool { return a < b }, last)}, true
	}
	f, ok := folds[op]
	return f, ok
}

// arg is the position that better prefers, of several the first or the last.
func arg(better func(a, b float32) bool, last bool) func(row []float32) float32 {
	return func(row []float32) float32 {
		best := 0
		for i, v := range row {
			if better(v, row[best]) || last && v == row[best] {
				best = i
			}
		}
		return float32(best)
	}
}

// best is what is left when of, of two elements, has seen all; of none it is otherwise.
func best(otherwise float64, of func(a, b float32) float32) func(row []float32) float32 {
	return func(row []float32) float32 {
		m := float32(otherwise)
		for _, v := range row {
			m = of(m, v)
		}
		return m
	}
}

// sumOf folds a row to after of the sum of each of its elements, in float64.
func sumOf(each, after func(v float64) float64) func(row []float32) float32 {
	return func(row []float32) float32 {
		total := 0.0
		for _, v := range row {
			total += each(float64(v))
		}
		return float32(after(total))
	}
}

func itself(v float64) float64 { return v }

func squared(v float64) float64 { return v * v }

// logSum returns the largest element and by how much the logarithm of the sum of exponentials is above it: so nothing overflows.
func logSum(row []float32) (top, rest float64) {
	top = math.Inf(-1)
	for _, v := range row {
		top = max(top, float64(v))
	}
	total := 0.0
	for _, v := range row {
		total += math.Exp(float64(v) - top)
	}
	return top, math.Log(total)
}

// oneOf is the slope of a fold to one of the elements, the first of several.
func oneOf(g, row []float32, z, dz float32) {
	clear(g)
	if i := slices.Index(row, z); i >= 0 {
		g[i] = dz
	}
}

// eachOf is a slope that depends on the element and the number.
func eachOf(f func(v, z float64) float64) func(g, row []float32, z, dz float32) {
	return func(g, row []float32, z, dz float32) {
		for i, v := range row {
			g[i] = float32(float64(dz) * f(float64(v), float64(z)))
		}
	}
}

// productSlope multiplies the elements before and behind each.
func productSlope(g, row []float32, _, dz float32) {
	before := float64(dz)
	for i, v := range row {
		g[i] = float32(before)
		before *= float64(v)
	}
	behind := 1.0
	for i := len(row) - 1; i >= 0; i-- {
		g[i] *= float32(behind)
		behind *= float64(row[i])
	}
}
