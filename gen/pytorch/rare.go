package pytorch

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/runtime/nn"
)

// attr returns an attribute of a carried operator.
func attr(c *view.Call, name string) (nn.Attr, bool) {
	k := slices.IndexFunc(c.Rec.Op.Attrs, func(a nn.Attr) bool { return a.Name == name })
	if k < 0 {
		return nn.Attr{}, false
	}
	return c.Rec.Op.Attrs[k], true
}

func intAttr(c *view.Call, name string, def int) int {
	if a, ok := attr(c, name); ok {
		return int(a.Int)
	}
	return def
}

func floatAttr(c *view.Call, name string, def float32) string {
	if a, ok := attr(c, name); ok {
		return float(a.Float)
	}
	return float(def)
}

func textAttr(c *view.Call, name, def string) string {
	if a, _ := attr(c, name); a.String != "" {
		return a.String
	}
	return def
}

// listAttr is an integer list that is an attribute in some opsets and a constant operand in others; nil where it is absent.
func listAttr(f *frame, c *view.Call, name string, operand int) ([]int64, error) {
	if a, ok := attr(c, name); ok {
		return a.Ints, nil
	}
	if operand >= len(c.In) || c.In[operand] == 0 {
		return nil, nil
	}
	list, known := integers(f.constants[c.In[operand]])
	if !known {
		return nil, fmt.Errorf("%s whose %s are computed has no PyTorch form", c.Rec.Op.Type, name)
	}
	return list, nil
}

// folded is a fold of all operands from the left.
func folded(format string) carriedOp {
	return func(_ *frame, _ *view.Call, in, _ []string) (string, error) {
		x := in[0]
		for _, y := range in[1:] {
			x = fmt.Sprintf(format, x, y)
		}
		return x, nil
	}
}

// reduction is an expression of an operand, and of the axes and keepdim.
func reduction(format string) carriedOp {
	return func(f *frame, c *view.Call, in, _ []string) (string, error) {
		axes, err := listAttr(f, c, "axes", 1)
		if err != nil {
			return "", err
		}
		dims := tuple(numbers(axes))
		switch {
		case len(axes) == 0:
			return "", fmt.Errorf("%s over all axes has no PyTorch form", c.Rec.Op.Type)
		case c.Rec.Op.Type == "ReduceProd" && len(axes) > 1:
			return "", fmt.Errorf("%s over several axes has no PyTorch form", c.Rec.Op.Type)
		case c.Rec.Op.Type == "ReduceProd":
			dims = fmt.Sprint(axes[0])
		}
		return fmt.Sprintf(format, in[0], fmt.Sprintf("%s, keepdim=%s", dims, python(intAttr(c, "keepdims", 1) != 0))), nil
	}
}

// position is the index of an extreme along an axis.
func position(method string) carriedOp {
	return func(_ *frame, c *view.Call, in, _ []string) (string, error) {
		if intAttr(c, "select_last_index", 0) != 0 {
			return "", fmt.Errorf("%s of the last of several has no PyTorch form", c.Rec.Op.Type)
		}
		return fmt.Sprintf("%s.%s(%d, keepdim=%s)", in[0], method, intAttr(c, "axis", 0), python(intAttr(c, "keepdims", 1) != 0)), nil
	}
}

// gridSample interpolates; three spatial axes, too, are called bilinear.
func gridSample(_ *frame, c *view.Call, in, _ []string) (string, error) {
	mode := textAttr(c, "mode", "linear")
	if mode == "linear" || mode == "cubic" { // the names since opset 20
		mode = "bi" + mode
	}
	align := python(intAttr(c, "align_corners", 0) != 0)
	return fmt.Sprintf("F.grid_sample(%s, %s, mode=%s, padding_mode=%s, align_corners=%s)", in[0], in[1], quote(mode), quote(textAttr(c, "padding_mode", "zeros")), align), nil
}

func castOp(_ *frame, c *view.Call, in, _ []string) (string, error) {
	return castText(in[0], nn.DType(intAttr(c, "to", 0)))
}

func castText(x string, as nn.DType) (string, error) {
	to, ok := dtypes[as]
	if as == nn.Float32 {
		to, ok = "torch.float32", true
	}
	if !ok {
		return "", fmt.Errorf("a Cast to element type %d has no PyTorch form", as)
	}
	return fmt.Sprintf("%s.to(%s)", x, to), nil
}

func mod(_ *frame, c *view.Call, in, _ []string) (string, error) {
	if intAttr(c, "fmod", 0) != 0 {
		return fmt.Sprintf("torch.fmod(%s, %s)", in[0], in[1]), nil
	}
	return fmt.Sprintf("torch.remainder(%s, %s)", in[0], in[1]), nil
}

func cumSum(f *frame, c *view.Call, in, _ []string) (string, error) {
	axis, err := listAttr(f, c, "axis", 1)
	if err != nil || len(axis) != 1 {
		return "", fmt.Errorf("a CumSum whose axis is computed has no PyTorch form: %w", err)
	}
	text := fmt.Sprintf("cumulative_sum(%s, %d", in[0], axis[0])
	for _, name := range []string{"exclusive", "reverse"} {
		if intAttr(c, name, 0) != 0 {
			text += fmt.Sprintf(", %s=True", name)
		}
	}
	return text + ")", nil
}

func trilu(f *frame, c *view.Call, in, _ []string) (string, error) {
	k, err := listAttr(f, c, "", 1)
	if err != nil {
		return "", err
	}
	diagonal := int64(0)
	if len(k) > 0 {
		diagonal = k[0]
	}
	name := "tril"
	if intAttr(c, "upper", 1) != 0 {
		name = "triu"
	}
	return fmt.Sprintf("%s.%s(%d)", in[0], name, diagonal), nil
}

func tile(f *frame, c *view.Call, in, _ []string) (string, error) {
	repeats, err := listAttr(f, c, "repeats", 1)
	return fmt.Sprintf("%s.repeat(%s)", in[0], strings.Join(numbers(repeats), ", ")), err
}

func depthToSpace(_ *frame, c *view.Call, in, _ []string) (string, error) {
	name := "depth_to_space"
	if textAttr(c, "mode", "DCR") == "CRD" {
		name = "F.pixel_shuffle"
	}
	return fmt.Sprintf("%s(%s, %d)", name, in[0], intAttr(c, "blocksize", 1)), nil
}

func spaceToDepth(_ *frame, c *view.Call, in, _ []string) (string, error) {
	return fmt.Sprintf("space_to_depth(%s, %d)", in[0], intAttr(c, "blocksize", 1)), nil
}

func instanceNorm(_ *frame, c *view.Call, in, _ []string) (string, error) {
	return fmt.Sprintf("F.instance_norm(%s, weight=%s, bias=%s, eps=%s)", in[0], in[1], in[2], floatAttr(c, "epsilon", 1e-5)), nil
}

func localResponse(_ *frame, c *view.Call, in, _ []string) (string, error) {
	return fmt.Sprintf("local_response(%s, %d, alpha=%s, beta=%s, bias=%s)",
		in[0], intAttr(c, "size", 1), floatAttr(c, "alpha", 1e-4), floatAttr(c, "beta", 0.75), floatAttr(c, "bias", 1)), nil
}

// interpolations are the ways in which both ONNX and PyTorch resize images: mode, coordinates and rounding.
var interpolations = map[[3]string]string{
	{"nearest", "asymmetric", "floor"}:              `mode="nearest"`,
	{"nearest", "half_pixel", "round_prefer_floor"}: `mode="nearest-exact"`,
	{"nearest", "half_pixel", "round_prefer_ceil"}:  `mode="nearest-exact"`,
	{"linear", "half_pixel", ""}:                    `mode="bilinear"`,
	{"linear", "pytorch_half_pixel", ""}:            `mode="bilinear"`,
	{"linear", "align_corners", ""}:                 `mode="bilinear", align_corners=True`,
	{"cubic", "half_pixel", ""}:                     `mode="bicubic"`,
	{"cubic", "pytorch_half_pixel", ""}:             `mode="bicubic"`,
	{"cubic", "align_corners", ""}:                  `mode="bicubic", align_corners=True`,
}

// resize is by factors where the model has them, as those decide where positions lie, else to a size.
func resize(f *frame, c *view.Call, in, dims []string) (string, error) {
	if intAttr(c, "antialias", 0)+intAttr(c, "exclude_outside", 0) != 0 {
		return "", fmt.Errorf("a Resize that filters, or leaves out what is outside, has no PyTorch form")
	}
	r := nn.Resize{Mode: textAttr(c, "mode", ""), Coordinates: textAttr(c, "coordinate_transformation_mode", ""), Nearest: textAttr(c, "nearest_mode", "")}
	if a, ok := attr(c, "cubic_coeff_a"); ok {
		r.CubicA = a.Float
	}
	to := ""
	if len(dims) == 4 {
		to = fmt.Sprintf("size=(%s, %s)", dims[2], dims[3])
	}
	if len(c.In) > 2 && c.In[2] != 0 {
		scales := f.constants[c.In[2]]
		if scales.Kind != nn.AttrFloats || len(scales.Floats) != 4 {
			return "", fmt.Errorf("a Resize whose scales are computed has no PyTorch form")
		}
		to = "scale_factor=" + tuple(floats(scales.Floats[2:]))
	}
	return resizeText(in[0], r, len(dims), to)
}

// resizeText interpolates an operand of so many axes to a size or by factors.
func resizeText(x string, r nn.Resize, axes int, to string) (string, error) {
	way := [3]string{cmp.Or(r.Mode, "nearest"), cmp.Or(r.Coordinates, "half_pixel")}
	if way[0] == "nearest" {
		way[2] = cmp.Or(r.Nearest, "round_prefer_floor")
	}
	text, ok := interpolations[way]
	if !ok || axes != 4 || r.CubicA != 0 && r.CubicA != -0.75 {
		return "", fmt.Errorf("a Resize by %s of %d axes has no PyTorch form", strings.Join(way[:], " "), axes)
	}
	return fmt.Sprintf("F.interpolate(%s, %s, %s)", x, to, text), nil
}

func convTranspose(_ *frame, c *view.Call, in, dims []string) (string, error) {
	rank := len(dims) - 2
	_, shaped := attr(c, "output_shape")
	if shaped || textAttr(c, "auto_pad", "NOTSET") != "NOTSET" || rank < 1 || rank > 2 {
		return "", fmt.Errorf("a ConvTranspose with output_shape or auto_pad, or with %d spatial axes, has no PyTorch form", rank)
	}
	var args []string
	for _, name := range []string{"strides", "dilations", "output_padding"} {
		if a, ok := attr(c, name); ok {
			args = append(args, fmt.Sprintf("%s=%s", strings.TrimSuffix(name, "s"), tuple(numbers(a.Ints))))
		}
	}
	if a, ok := attr(c, "pads"); ok {
		if len(a.Ints) != 2*rank || !slices.Equal(a.Ints[:rank], a.Ints[rank:]) {
			return "", fmt.Errorf("a ConvTranspose with pads %v has no PyTorch form", a.Ints)
		}
		args = append(args, "padding="+tuple(numbers(a.Ints[:rank])))
	}
	if g := intAttr(c, "group", 1); g > 1 {
		args = append(args, fmt.Sprintf("groups=%d", g))
	}
	return fmt.Sprintf("F.conv_transpose%dd(%s)", rank, strings.Join(slices.Concat(in, args), ", ")), nil
}
