package nn

import (
	"fmt"
	"math"
)

// NotFinite names the parameters of g that have infinite or NaN elements, each with the number of these elements. Parameters that cannot be read are left out.
func NotFinite(g *Graph, w Weights) []string {
	return named(g, w, func(_ Value, nan, infinite int) int { return nan + infinite })
}

// multiplied are operators that multiply by their parameters and add them, so that no infinity makes sense among these.
var multiplied = map[string]bool{
	"Conv": true, "ConvTranspose": true, "Gemm": true, "MatMul": true, "BatchNormalization": true, "LayerNormalization": true, "InstanceNormalization": true,
	"GroupNormalization": true, "LSTM": true, "GRU": true, "RNN": true, "PRelu": true,
}

// Broken names the parameters of g with which no result can be right, likewise: those with NaN elements, and those with infinite ones that values are
// multiplied by. An infinity elsewhere may be a mask.
func Broken(g *Graph, w Weights) []string {
	weights := map[Value]bool{}
	for _, n := range g.Nodes {
		for _, v := range n.In {
			if multiplied[n.Type] {
				weights[v] = true
			}
		}
	}
	return named(g, w, func(v Value, nan, infinite int) int {
		if weights[v] {
			return nan + infinite
		}
		return nan
	})
}

// named names the parameters of which bad elements count, given how many are NaN and infinite.
func named(g *Graph, w Weights, bad func(v Value, nan, infinite int) int) []string {
	var out []string
	for v, i := range g.Values {
		if i.Param == nil || !i.Type.Fractional() {
			continue
		}
		t, err := Fetch(w, *i.Param)
		if err != nil {
			continue
		}
		nan, infinite := infinities(t)
		if n := bad(Value(v), nan, infinite); n > 0 {
			out = append(out, fmt.Sprintf("%q (%d of %d elements)", i.Param.Source(), n, t.Shape.Count()))
		}
	}
	return out
}

// infinities counts the elements that are NaN and those that are infinite.
func infinities(t Tensor) (nan, infinite int) {
	count := func(v float64) {
		switch {
		case math.IsNaN(v):
			nan++
		case math.IsInf(v, 0):
			infinite++
		}
	}
	if t.Type == Float32 { // most are, and large
		for _, v := range t.Float32s() {
			if v-v != 0 {
				count(float64(v))
			}
		}
		return nan, infinite
	}
	for _, v := range t.Numbers() {
		count(v)
	}
	return nan, infinite
}
