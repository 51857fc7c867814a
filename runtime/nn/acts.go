package nn

// Relu is max(x, 0).
func Relu() Act { return Act{Type: "Relu"} }

// Clip bounds x by min and max; ReLU6 is Clip(0, 6).
func Clip(min, max float32) Act {
	return Act{Type: "Clip", Attrs: []Attr{{Name: "min", Kind: AttrFloat, Float: min}, {Name: "max", Kind: AttrFloat, Float: max}}}
}

// Sigmoid is 1/(1+exp(-x)).
func Sigmoid() Act { return Act{Type: "Sigmoid"} }

// Tanh is the hyperbolic tangent.
func Tanh() Act { return Act{Type: "Tanh"} }

// Erf is the error function.
func Erf() Act { return Act{Type: "Erf"} }

// Gelu is x times the normal distribution function.
func Gelu() Act { return Act{Type: "Gelu"} }

// HardSwish is x*max(0, min(1, x/6+1/2)).
func HardSwish() Act { return Act{Type: "HardSwish"} }
