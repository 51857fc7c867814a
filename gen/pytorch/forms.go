package pytorch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/runtime/nn"
)

// arguments is the visitor that writes a call's arguments, each in Python.
type arguments struct {
	*frame
	call    *view.Call
	index   int         // of the call in the layout
	slots   []view.Slot // that are still to be written
	in      []string    // operands
	keeps   string      // what a layer keeps
	numbers []string
	keep    bool
	extents []string
}

func (a *arguments) Operands(ids []ir.ValueID) {
	device := a.device(ids)
	for k, name := range a.Take(ids) {
		if c, ok := a.constants[ids[k]]; ok {
			text, err := literal(c, device)
			a.fail(a.call, err)
			name = text
		}
		a.in = append(a.in, name)
	}
}

// device is an operand whose device a constant has to be on.
func (a *arguments) device(ids []ir.ValueID) string {
	for _, id := range ids {
		if n := a.Name(id); n != "" {
			return n
		}
	}
	return ""
}

func (a *arguments) Record(c *view.Call) {
	a.keeps, a.slots = a.frame.keeps(c, a.slots)
}

func (a *arguments) Numbers(list []int)             { a.numbers = numbers(list) }
func (a *arguments) Flag(on bool)                   { a.keep = on }
func (a *arguments) Ranges([]nn.Range)              {} // forms read these three from the call
func (a *arguments) Type(nn.DType)                  {}
func (a *arguments) Constant(nn.Attr)               {}
func (a *arguments) Sizes([]dim.Dim)                { a.extents = a.frame.extents(a.slots) }
func (a *arguments) Shape(dims []dim.Dim)           { a.Sizes(dims) }
func (a *arguments) Yields(dims []dim.Dim, _ []int) { a.Sizes(dims) }

// attribute is the attribute that holds the call's record.
func (a *arguments) attribute() string { return "self." + a.attr[a.layout.Recs[a.index]] }

// form writes a call as an expression.
type form func(a *arguments) (string, error)

// forms has the expression of each method.
var forms = map[view.Method]form{
	view.Param: layerCall, view.Conv: layerCall, view.Linear: layerCall, view.BatchNorm: layerCall, view.LayerNorm: layerCall,
	view.Act: actCall, view.Pool: poolCall,
	view.Add: ofTable, view.Sub: ofTable, view.Mul: ofTable, view.Div: ofTable, view.MatMul: ofTable,

	view.Softmax: func(a *arguments) (string, error) { return fmt.Sprintf("%s.softmax(%s)", a.in[0], a.numbers[0]), nil },
	view.Mean: func(a *arguments) (string, error) {
		return fmt.Sprintf("%s.mean(%s, keepdim=%s)", a.in[0], tuple(a.numbers), python(a.keep)), nil
	},
	view.Flatten: func(a *arguments) (string, error) {
		if a.numbers[0] == "1" {
			return a.in[0] + ".flatten(1)", nil
		}
		return fmt.Sprintf("flatten(%s, %s)", a.in[0], a.numbers[0]), nil
	},
	view.Reshape: func(a *arguments) (string, error) {
		return fmt.Sprintf("%s.reshape(%s)", a.in[0], strings.Join(a.extents, ", ")), nil
	},
	view.Transpose: func(a *arguments) (string, error) {
		return fmt.Sprintf("%s.permute(%s)", a.in[0], strings.Join(a.numbers, ", ")), nil
	},
	view.Concat: func(a *arguments) (string, error) {
		return fmt.Sprintf("torch.cat(%s, %s)", tuple(a.in), a.numbers[0]), nil
	},
	view.Split: func(a *arguments) (string, error) {
		return fmt.Sprintf("%s.split([%s], %s)", a.in[0], strings.Join(a.extents, ", "), a.numbers[0]), nil
	},
	view.Pow: ofTable, view.Where: ofTable, view.Max: ofTable, view.Min: ofTable,
	view.Cast:   func(a *arguments) (string, error) { return castText(a.in[0], a.call.Type) },
	view.Slice:  func(a *arguments) (string, error) { return sliceText(a.in[0], a.call.Ranges) },
	view.Gather: func(a *arguments) (string, error) { return a.gatherText(a.call, a.in, a.call.Ints[0]) },
	view.Expand: func(a *arguments) (string, error) {
		dims := withBatch(a.extents)
		for k, d := range dims {
			if d == "1" {
				dims[k] = "-1" // as large as it is
			}
		}
		return a.expandText(a.call, a.in, dims)
	},
	view.Resize: func(a *arguments) (string, error) {
		r := a.call.Rec.Resize
		return resizeText(a.in[0], *r, len(r.Scales), "scale_factor="+tuple(floats(r.Scales[min(2, len(r.Scales)):])))
	},
	view.Int: unwritten, view.Ints: unwritten, view.Float: unwritten, view.Floats: unwritten,
	view.Op: func(a *arguments) (string, error) { return a.carried(a.call, a.in, a.extents) },
}

// unwritten is the form of constants, which stand where they are read.
func unwritten(*arguments) (string, error) { return "", nil }

// ofTable is the form that the operator table has; the method is called like the operator.
func ofTable(a *arguments) (string, error) {
	form := carriedForm("", a.call.Method.String())
	if form == nil {
		return "", fmt.Errorf("%s has no PyTorch form", a.call.Method)
	}
	return form(a.frame, a.call, a.in, a.extents)
}

// layerCall calls an object that holds the parameters.
func layerCall(a *arguments) (string, error) {
	args := slices.Clone(a.in)
	if a.keeps != "" {
		args = append(args, a.keeps)
	}
	return fmt.Sprintf("%s(%s)", a.attribute(), strings.Join(args, ", ")), nil
}

func actCall(a *arguments) (string, error) {
	if !a.inline[a.index] {
		return fmt.Sprintf("%s(%s)", a.attribute(), a.in[0]), nil
	}
	act, err := activation(*a.call.Rec.Act)
	return act.call(a.in[0]), err
}

func poolCall(a *arguments) (string, error) {
	switch a.call.Rec.Pool.Kind {
	case nn.GlobalAverage:
		return "global_average(" + a.in[0] + ")", nil
	case nn.GlobalMax:
		return "global_max(" + a.in[0] + ")", nil
	}
	return fmt.Sprintf("%s(%s)", a.attribute(), a.in[0]), nil
}
