package kernel

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// rowFuncs has the functions of the operators of class Rows that have their axis as an attribute, -1 by default.
var rowFuncs = map[string]func(n *nn.Node) RowFunc{
	"LogSoftmax": func(*nn.Node) RowFunc { return LogSoftmax() },
	"Hardmax":    func(*nn.Node) RowFunc { return Hardmax() },

	"LpNormalization": func(n *nn.Node) RowFunc { return Unit(n.Int("p", 2) == 1) },
}

// HasRowFunc tells whether RowFuncOf has an operator.
func HasRowFunc(op string) bool { return rowFuncs[op] != nil }

// RowFuncOf is what an operator makes of each row along its axis.
func RowFuncOf(n *nn.Node) RowFunc { return rowFuncs[n.Type](n) }

// Normal is a normalisation with parameters. In the operand, seen in another shape, all elements from an axis on are one row; rows are
// normalised one by one, then scaled and shifted by parameters that broadcast.
type Normal struct {
	View  nn.Shape
	Axis  int
	Of    RowFunc
	Scale nn.Shape // that of the parameters, with as many axes as View
}

// normals has the operators of class Normalisation that are a Normal: x is the shape of the operand, scale that of the first parameter.
var normals = map[string]func(n *nn.Node, x, scale nn.Shape) (Normal, error){
	"GroupNormalization": func(n *nn.Node, x, scale nn.Shape) (Normal, error) {
		groups := int(n.Int("num_groups", 1))
		if len(x) < 3 || groups < 1 || x[1]%groups != 0 || len(scale) != 1 {
			return Normal{}, fmt.Errorf("%d groups of an operand of shape %v, with a scale of shape %v", groups, x, scale)
		}
		view, under := nn.Shape{x[0], groups, x[1] / groups, x[2:].Count()}, nn.Shape{1, groups, 1, 1}
		if scale[0] == x[1] {
			under[2] = view[2]
		}
		return Normal{View: view, Axis: 2, Of: Standardise(true, float64(n.Float("epsilon", 1e-5))), Scale: under}, nil
	},
	"RMSNormalization": func(n *nn.Node, x, scale nn.Shape) (Normal, error) {
		axis := int(n.Int("axis", -1))
		if axis < 0 {
			axis += len(x)
		}
		if axis < 0 || axis >= len(x) || len(scale) > len(x) {
			return Normal{}, fmt.Errorf("axis %d of %d axes, with a scale of %d", axis, len(x), len(scale))
		}
		under := append(slices.Repeat(nn.Shape{1}, len(x)-len(scale)), scale...)
		return Normal{View: x, Axis: axis, Of: Standardise(false, float64(n.Float("epsilon", 1e-5))), Scale: under}, nil
	},
}

// HasNormal tells whether NormalOf has an operator.
func HasNormal(op string) bool { return normals[op] != nil }

// NormalOf describes a normalisation at the shapes of its operand and its first parameter, which are without open axes.
func NormalOf(n *nn.Node, x, scale nn.Shape) (Normal, error) {
	m, err := normals[n.Type](n, x, scale)
	if err == nil && (len(m.Scale) != len(m.View) || m.View.Count() != x.Count() || m.Scale.Count() != scale.Count()) {
		err = fmt.Errorf("a parameter of shape %v does not fit an operand of shape %v", scale, x)
	}
	return m, err
}
