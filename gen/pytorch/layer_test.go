package pytorch

import (
	"math"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestNumbersOfModels: what a model may hold is written as Python.
func TestNumbersOfModels(t *testing.T) {
	for want, v := range map[string]float64{`float("-inf")`: math.Inf(-1), `float("+inf")`: math.Inf(1), `float("nan")`: math.NaN(), "1.0": 1, "1e-05": 1e-5, "0.5": 0.5} {
		if got := float(float32(v)); got != want {
			t.Errorf("%v: got %s, want %s", v, got, want)
		}
	}
}

// TestFunctionsWithAttributes: an element-wise function is written with the attributes that differ from its defaults, and one that PyTorch's
// function cannot take is refused.
func TestFunctionsWithAttributes(t *testing.T) {
	number := func(name string, v float32) nn.Attr { return nn.Attr{Name: name, Kind: nn.AttrFloat, Float: v} }
	tanh := nn.Attr{Name: "approximate", Kind: nn.AttrString, String: "tanh"}
	for want, a := range map[string]nn.Act{
		"F.relu(x)":                                {Type: "Relu"},
		"F.elu(x)":                                 {Type: "Elu", Attrs: []nn.Attr{number("alpha", 1)}},
		"F.celu(x, alpha=0.5)":                     {Type: "Celu", Attrs: []nn.Attr{number("alpha", 0.5)}},
		"F.leaky_relu(x, negative_slope=0.2)":      {Type: "LeakyRelu", Attrs: []nn.Attr{number("alpha", 0.2)}},
		"F.leaky_relu(x, negative_slope=0.01)":     {Type: "LeakyRelu"},
		"F.threshold(x, threshold=2.0, value=0.0)": {Type: "ThresholdedRelu", Attrs: []nn.Attr{number("alpha", 2)}},
		"F.gelu(x)":                                {Type: "Gelu"},
		`F.gelu(x, approximate="tanh")`:            {Type: "Gelu", Attrs: []nn.Attr{tanh}},
		"F.silu(x)":                                {Type: "Swish"},
		"swish(x, alpha=1.5)":                      {Type: "Swish", Attrs: []nn.Attr{number("alpha", 1.5)}},
		"F.hardsigmoid(x)":                         {Type: "HardSigmoid", Attrs: []nn.Attr{number("alpha", float32(1)/6), number("beta", 0.5)}},
		"hard_sigmoid(x, alpha=0.2, beta=0.5)":     {Type: "HardSigmoid"},
		"F.selu(x)":                                {Type: "Selu", Attrs: []nn.Attr{number("alpha", 1.6732632)}},
		"":                                         {Type: "Selu", Attrs: []nn.Attr{number("alpha", 2)}},
	} {
		got, err := activation(a)
		switch {
		case want == "" && err == nil:
			t.Errorf("%v: written as %s, want an error", a, got.call("x"))
		case want != "" && (err != nil || got.call("x") != want):
			t.Errorf("%v: got %s, %v; want %s", a, got.call("x"), err, want)
		}
	}
}
