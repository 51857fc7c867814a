package pytorch

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// carriedOp writes an operator without a Builder method: in are its operands, dims the extents of its result.
type carriedOp func(f *frame, c *view.Call, in, dims []string) (string, error)

// carriedOps are the carried operators whose PyTorch form is more than the expression that the table has.
var carriedOps = map[string]carriedOp{
	"Slice": sliceOp, "Gather": gather, "Expand": expand, "Tile": tile, "Trilu": trilu, "Cast": castOp,
	"Resize": resize, "DepthToSpace": depthToSpace, "SpaceToDepth": spaceToDepth, "ConvTranspose": convTranspose,
	"GridSample": gridSample, "InstanceNormalization": instanceNorm, "LRN": localResponse, "CumSum": cumSum,
	"Mod": mod, "ArgMax": position("argmax"), "ArgMin": position("argmin"),
}

// carriedForm returns what writes an operator without a Builder method, nil where nothing does.
func carriedForm(domain, name string) carriedOp {
	o, ok := operators.Lookup(domain, name)
	switch {
	case !ok || o.Domain != "":
		return nil
	case carriedOps[o.Name] != nil:
		return carriedOps[o.Name]
	case o.Torch == "":
		return nil
	case o.Class == operators.Reduction:
		return reduction(o.Torch)
	case o.Operands()[0].Variadic:
		return folded(o.Torch)
	case strings.Contains(o.Torch, "%"):
		return formatted(o)
	}
	return nil
}

// Has tells whether an operator has a PyTorch form, at least with some attributes.
func Has(o operators.Operator) bool {
	_, err := activation(nn.Act{Type: o.Name})
	return o.Domain == "" && (o.Builder != "" && o.Method() != "Act" || err == nil || carriedForm(o.Domain, o.Name) != nil)
}

// carried writes an operator as it stands in the model.
func (f *frame) carried(c *view.Call, in, dims []string) (string, error) {
	if op := carriedForm(c.Rec.Op.Domain, c.Rec.Op.Type); op != nil && len(c.Out) == 1 {
		return op(f, c, in, dims)
	}
	if a, err := activation(nn.Act{Type: c.Rec.Op.Type, Attrs: c.Rec.Op.Attrs}); err == nil && len(in) == 1 && c.Rec.Op.Domain == "" {
		return a.call(in[0]), nil
	}
	return "", fmt.Errorf("operator %s has no PyTorch form", c.Rec.Op.Type)
}

// formatted writes the table's form, with attributes in place of their names in braces.
func formatted(o operators.Operator) carriedOp {
	return func(_ *frame, c *view.Call, in, _ []string) (string, error) {
		if len(in) != len(o.Operands()) {
			return "", fmt.Errorf("%s of %d operands has no PyTorch form", o.Name, len(in))
		}
		list := make([]any, len(in))
		for k, x := range in {
			list[k] = x
		}
		var given []nn.Attr
		if c.Rec.Op != nil {
			given = c.Rec.Op.Attrs
		}
		return fmt.Sprintf(withAttrs(o.Torch, o, given), list...), nil
	}
}

func expand(f *frame, c *view.Call, in, dims []string) (string, error) {
	return f.expandText(c, in, withBatch(dims))
}

// withBatch names the open batch, which is -1 in a reshape, by the method's input.
func withBatch(dims []string) []string {
	out := slices.Clone(dims)
	for k, d := range dims {
		if d == "-1" {
			out[k] = "x.shape[0]"
		}
	}
	return out
}

// expandText repeats along axes of size 1.
func (f *frame) expandText(c *view.Call, in, dims []string) (string, error) {
	if a, ok := f.constants[c.In[0]]; ok && a.Kind == nn.AttrFloat {
		return fmt.Sprintf("x.new_full((%s,), %s)", strings.Join(dims, ", "), in[0]), nil
	}
	return fmt.Sprintf("%s.expand(%s)", in[0], strings.Join(dims, ", ")), nil
}

// sliceOp cuts with bounds that stand in the model.
func sliceOp(f *frame, c *view.Call, in, _ []string) (string, error) {
	var list [4][]int64 // starts, ends, axes, steps
	for k, name := range []string{"starts", "ends", "axes", "steps"} {
		var err error
		if list[k], err = listAttr(f, c, name, k+1); err != nil {
			return "", err
		}
	}
	var ranges []nn.Range
	for k, from := range list[0] {
		r := nn.Range{Axis: k, From: from, To: list[1][k]}
		if list[2] != nil {
			r.Axis = int(list[2][k])
		}
		if list[3] != nil {
			if r.Step = list[3][k]; r.Step == 0 {
				return "", fmt.Errorf("a Slice of no step has no PyTorch form")
			}
		}
		ranges = append(ranges, r)
	}
	return sliceText(in[0], ranges)
}

// sliceText cuts with bounds that stand in the code.
func sliceText(x string, ranges []nn.Range) (string, error) {
	axes, last := map[int]string{}, -1
	for _, r := range ranges {
		if r.Step < 0 || r.Axis < 0 {
			return "", fmt.Errorf("a Slice backwards, or along an axis from the end, has no PyTorch form")
		}
		axes[r.Axis], last = bounds(r.From, r.To, max(r.Step, 1)), max(last, r.Axis)
	}
	var index []string
	for k := range last + 1 {
		if s, ok := axes[k]; ok {
			index = append(index, s)
		} else {
			index = append(index, ":")
		}
	}
	return fmt.Sprintf("%s[%s]", x, strings.Join(index, ", ")), nil
}

func bounds(start, end, stride int64) string {
	s := ":"
	if start != 0 {
		s = fmt.Sprint(start) + s
	}
	if end < math.MaxInt32 {
		s += fmt.Sprint(end)
	}
	if stride != 1 {
		s += ":" + fmt.Sprint(stride)
	}
	return s
}

func gather(f *frame, c *view.Call, in, _ []string) (string, error) {
	return f.gatherText(c, in, intAttr(c, "axis", 0))
}

// gatherText picks positions: one, a list, or those of a tensor.
func (f *frame) gatherText(c *view.Call, in []string, axis int) (string, error) {
	if axis < 0 {
		return "", fmt.Errorf("a Gather along an axis from the end has no PyTorch form")
	}
	index := in[1]
	if a, ok := f.constants[c.In[1]]; ok && a.Kind == nn.AttrInt {
		index = fmt.Sprint(a.Int)
	}
	return fmt.Sprintf("%s[%s%s]", in[0], strings.Repeat(":, ", axis), index), nil
}

// integers reads a constant of integers.
func integers(a nn.Attr) ([]int64, bool) {
	switch {
	case a.Kind == nn.AttrInt:
		return []int64{a.Int}, true
	case a.Kind == nn.AttrInts:
		return a.Ints, true
	case a.Kind == nn.AttrTensor && nn.DType(a.Int) == nn.Int64:
		out := make([]int64, len(a.Raw)/8)
		for k := range out {
			out[k] = int64(binary.LittleEndian.Uint64(a.Raw[8*k:]))
		}
		return out, true
	}
	return nil, false
}

// literal writes a constant: a number, or a tensor on the device of another value.
func literal(a nn.Attr, device string) (string, error) {
	switch {
	case a.Kind == nn.AttrFloat:
		return float(a.Float), nil
	case a.Kind == nn.AttrInt:
		return fmt.Sprint(a.Int), nil
	case a.Kind == nn.AttrFloats && len(a.Floats) == 1:
		return float(a.Floats[0]), nil
	case a.Kind == nn.AttrFloats:
		return tensor(floats(a.Floats), "", device), nil
	case a.Kind == nn.AttrInts:
		return tensor(numbers(a.Ints), "", device), nil
	case a.Kind == nn.AttrTensor && nn.DType(a.Int) == nn.Float32:
		list := make([]float32, len(a.Raw)/4)
		for k := range list {
			list[k] = math.Float32frombits(binary.LittleEndian.Uint32(a.Raw[4*k:]))
		}
		if len(list) == 1 && len(a.Ints) == 0 {
			return float(list[0]), nil
		}
		return tensor(floats(list), shaped(a.Ints), device), nil
	}
	if ints, ok := integers(a); ok {
		return tensor(numbers(ints), shaped(a.Ints), device), nil
	}
	return "", fmt.Errorf("a constant of kind %d has no PyTorch form", a.Kind)
}

func floats(list []float32) []string {
	out := make([]string, len(list))
	for k, v := range list {
		out[k] = float(v)
	}
	return out
}

func shaped(shape []int64) string {
	if len(shape) == 1 {
		return ""
	}
	return ".reshape(" + strings.Join(numbers(shape), ", ") + ")"
}

func tensor(list []string, reshape, device string) string {
	if device != "" {
		device = ", device=" + device + ".device"
	}
	return "torch.tensor([" + strings.Join(list, ", ") + "]" + device + ")" + reshape
}
