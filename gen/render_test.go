package gen

import (
	"fmt"
	"math"
	"testing"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestNumbersOfModels: what a model may hold is written as Go that compiles.
func TestNumbersOfModels(t *testing.T) {
	inf := float32(math.Inf(1))
	for want, a := range map[string]nn.Attr{
		"float32(math.Inf(-1))":           {Kind: nn.AttrFloat, Float: -inf},
		"float32(math.Inf(1)), 1e-05":     {Kind: nn.AttrFloats, Floats: []float32{inf, 1e-5}},
		"float32(math.NaN())":             {Kind: nn.AttrFloat, Float: float32(math.NaN())},
		"math.MaxInt64, math.MinInt64, 0": {Kind: nn.AttrInts, Ints: []int64{math.MaxInt64, math.MinInt64, 0}},
		"-1":                              {Kind: nn.AttrInt, Int: -1},
	} {
		if got := fmt.Sprintf("%#v", jen.Id("b").Dot("Const").Call(literal(a)...)); got != "b.Const("+want+")" {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
