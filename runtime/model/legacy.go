package model

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/infer"
	"github.com/autotailor/autotailor/runtime/nn"
)

// old is a form that an operator had before an opset, with its translation to today's form.
type old struct {
	before int // 0 for any opset
	fix    func(o *operation) error
}

// olds are the operators whose meaning has changed, or that have a form which engines do not support.
var olds = map[string]old{
	"Softmax":    {13, flattened},
	"LogSoftmax": {13, flattened},
	"Hardmax":    {13, flattened},
	"Resize":     {11, scaled},
	"Upsample":   {0, scaled},
	"Scatter":    {0, func(o *operation) error { o.node.Type = "ScatterElements"; return nil }},
	"Pad":        {0, wholePads},
	"GridSample": {20, modes},
	"Add":        {7, fromAxis}, "Sub": {7, fromAxis}, "Mul": {7, fromAxis}, "Div": {7, fromAxis},
}

// modern translates an operator of an older opset to today's form.
func (o *operation) modern(opset int) error {
	if f, ok := olds[o.node.Type]; ok && (f.before == 0 || opset < f.before) {
		return f.fix(o)
	}
	return nil
}

// modes are the interpolations of a GridSample by their names of today.
func modes(o *operation) error {
	if to, ok := map[string]string{"": "linear", "bilinear": "linear", "bicubic": "cubic"}[o.node.Text("mode", "")]; ok {
		o.set(nn.Attr{Name: "mode", Kind: nn.AttrString, String: to})
	}
	return nil
}

// fromAxis refuses broadcasting from an axis on, which opset 7 dropped.
func fromAxis(o *operation) error {
	if _, ok := o.node.Attr("axis"); ok {
		return fmt.Errorf("it broadcasts from an axis on, as before opset 7")
	}
	o.drop("broadcast")
	return nil
}

// flattened joins all axes from the attribute's axis on: before opset 13 these operators worked over all of them.
func flattened(o *operation) error {
	s := o.in[0].Shape
	axis := int(o.node.Int("axis", 1))
	if axis < 0 {
		axis += len(s)
	}
	if axis < 0 || axis > len(s) {
		return fmt.Errorf("there is no axis %d", o.node.Int("axis", 1))
	}
	flat := *o.in[0]
	flat.Shape = nn.Shape{s[:axis].Count(), s[axis:].Count()}
	o.in, o.shape = []*value{&flat}, s
	o.set(nn.Attr{Name: "axis", Kind: nn.AttrInt, Int: -1})
	return nil
}

// scaled translates an Upsample, or a Resize of opset 10, to a Resize of today.
func scaled(o *operation) error {
	scales, _ := o.node.Attr("scales")
	list := scales.Floats
	if len(o.in) > 1 {
		list = infer.Of(o.in[1].Tensor).Floats
	}
	if len(list) == 0 {
		return fmt.Errorf("its scales are not known")
	}
	rounding := "floor"
	if slices.Min(list) < 1 {
		if slices.Max(list) > 1 {
			return fmt.Errorf("it enlarges and reduces at once, which no Resize of today does alike")
		}
		rounding = "ceil"
	}
	o.node.Type = "Resize"
	o.drop("scales")
	o.in = []*value{o.in[0], nil, {Tensor: nn.FromFloat32s(nn.Shape{len(list)}, list), fixed: true}}
	o.set(nn.Attr{Name: "coordinate_transformation_mode", Kind: nn.AttrString, String: "asymmetric"})
	o.set(nn.Attr{Name: "nearest_mode", Kind: nn.AttrString, String: rounding})
	return nil
}

// wholePads gives a Pad the pads of all axes.
func wholePads(o *operation) error {
	if len(o.in) < 4 || o.in[3] == nil {
		return nil
	}
	axes, pads, rank := infer.Of(o.in[3].Tensor).Ints, infer.Of(o.in[1].Tensor).Ints, len(o.in[0].Shape)
	if len(pads) != 2*len(axes) {
		return fmt.Errorf("it has %d pads for %d axes", len(pads), len(axes))
	}
	whole := make([]int64, 2*rank)
	for k, a := range axes {
		if a < 0 {
			a += int64(rank)
		}
		if a < 0 || a >= int64(rank) {
			return fmt.Errorf("there is no axis %d", axes[k])
		}
		whole[a], whole[int(a)+rank] = pads[k], pads[k+len(axes)]
	}
	o.in = []*value{o.in[0], {Tensor: nn.FromInt64s(nn.Shape{2 * rank}, whole), fixed: true}, o.in[2]}
	return nil
}
