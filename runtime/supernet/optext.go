package supernet

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Key identifies the operator in files: it is all of it but the multiply-accumulates.
func (o Op) Key() string {
	k := o.Steps + " (" + o.In
	if o.Params != "" {
		k += "; " + o.Params
	}
	return k + ") -> " + o.Out
}

// Kind names the operator for statistics: the types of its steps, such as "Conv", "DepthwiseConv" or "Conv+Add+Relu".
func (o Op) Kind() string {
	var kinds []string
	for k, s := range strings.Split(o.Steps, " | ") {
		kind, attrs, _ := strings.Cut(s, " ")
		if k == 0 && kind == "Conv" && o.depthwise(attrs) {
			kind = "DepthwiseConv"
		}
		kinds = append(kinds, kind)
	}
	return strings.Join(kinds, "+")
}

// depthwise tells whether a convolution has as many groups as input channels.
func (o Op) depthwise(attrs string) bool {
	in, _, err := parseShapes(o.In)
	if err != nil || len(in) == 0 || len(in[0]) < 2 {
		return false
	}
	for _, a := range strings.Fields(attrs) {
		if g, ok := strings.CutPrefix(a, "group="); ok {
			return g == strconv.Itoa(in[0][1]) && g != "1"
		}
	}
	return false
}

// ParamCount is the number of parameters, those of the Params at the positions in but left out.
func (o Op) ParamCount(but ...int) int64 {
	shapes, _, err := parseShapes(o.Params)
	if err != nil {
		return 0
	}
	var total int64
	for k, s := range shapes {
		if !slices.Contains(but, k) {
			total += s.Elements()
		}
	}
	return total
}

// typeNames are the element types in the text of shapes; float32 is not written.
var typeNames = map[nn.DType]string{
	nn.Uint8: "u8", nn.Int8: "i8", nn.Int32: "i32", nn.Int64: "i64", nn.Bool: "bool", nn.Float16: "f16", nn.Float64: "f64", nn.BFloat16: "bf16",
}

func typeName(t nn.DType) string {
	if n, ok := typeNames[t]; ok {
		return n
	}
	return "t" + strconv.Itoa(int(t))
}

func typeOf(name string) (nn.DType, error) {
	for t, n := range typeNames {
		if n == name {
			return t, nil
		}
	}
	n, err := strconv.ParseUint(strings.TrimPrefix(name, "t"), 10, 8)
	if err != nil {
		return 0, fmt.Errorf("unknown element type %q", name)
	}
	return nn.DType(n), nil
}

// shapeText writes a shape; a scalar is "()".
func shapeText(t nn.DType, s nn.Shape) string {
	var b strings.Builder
	if t != nn.Float32 && t != 0 {
		b.WriteString(typeName(t) + ":")
	}
	for i, n := range s {
		if i > 0 {
			b.WriteByte('x')
		}
		b.WriteString(strconv.Itoa(n))
	}
	if len(s) == 0 {
		b.WriteString("()")
	}
	return b.String()
}

// parseShapes is the inverse of shapes joined by spaces.
func parseShapes(text string) (shapes []nn.Shape, types []nn.DType, err error) {
	for _, f := range strings.Fields(text) {
		t := nn.Float32
		if name, dims, typed := strings.Cut(f, ":"); typed {
			if t, err = typeOf(name); err != nil {
				return nil, nil, err
			}
			f = dims
		}
		s := nn.Shape{}
		if f != "()" {
			for _, d := range strings.Split(f, "x") {
				n, err := strconv.Atoi(d)
				if err != nil || n < 1 || n > math.MaxInt32 {
					return nil, nil, fmt.Errorf("shape %q: bad extent %q", f, d)
				}
				s = append(s, n)
			}
		}
		shapes, types = append(shapes, s), append(types, t)
	}
	return shapes, types, nil
}

// attrText writes an attribute so that its kind can be told again: a list ends with a comma when it has one element,
// a float has a point or an exponent, text is quoted, and raw bytes are hexadecimal after an 'x'.
func attrText(a nn.Attr) string {
	value := ""
	switch a.Kind {
	case nn.AttrInt:
		value = strconv.FormatInt(a.Int, 10)
	case nn.AttrInts:
		value = list(a.Ints, func(v int64) string { return strconv.FormatInt(v, 10) })
	case nn.AttrFloat:
		value = floatText(a.Float)
	case nn.AttrFloats:
		value = list(a.Floats, floatText)
	case nn.AttrString:
		value = quote(a.String)
	case nn.AttrStrings:
		value = list(a.Strings, quote)
	default:
		value = fmt.Sprintf("x%d:%x", a.Kind, a.Raw)
	}
	return a.Name + "=" + value
}

func list[T any](vs []T, text func(T) string) string {
	var parts []string
	for _, v := range vs {
		parts = append(parts, text(v))
	}
	if len(parts) == 1 {
		return parts[0] + ","
	}
	return strings.Join(parts, ",")
}

func floatText(v float32) string {
	s := strconv.FormatFloat(float64(v), 'g', -1, 32)
	if !strings.ContainsAny(s, ".eIN") {
		s += ".0"
	}
	return s
}

// quote writes text without spaces, commas and what separates steps and operands.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"\|(),=`, c) >= 0 {
			fmt.Fprintf(&b, `\x%02x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Elements returns the number of elements of each of the operator's data inputs and results.
func (o Op) Elements() (in, out []int64, err error) {
	for _, side := range []struct {
		text string
		to   *[]int64
	}{{o.In, &in}, {o.Out, &out}} {
		shapes, _, err := parseShapes(side.text)
		if err != nil {
			return nil, nil, err
		}
		for _, s := range shapes {
			*side.to = append(*side.to, s.Elements())
		}
	}
	return in, out, nil
}
