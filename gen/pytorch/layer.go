package pytorch

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// layer writes the constructor of a record's layer, "" for records that have none. Windows are the sides of a convolution's smaller ones.
func layer(r view.Rec, windows []int) (string, error) {
	switch {
	case r.Conv != nil:
		return conv(*r.Conv, windows)
	case r.Linear != nil:
		return linear(*r.Linear)
	case r.BatchNorm != nil:
		return batchNorm(*r.BatchNorm)
	case r.LayerNorm != nil:
		n := r.LayerNorm
		a := args{}
		a.tensor(n.Scale)
		a.name("bias", n.Bias)
		a.other("axis", n.Axis, -1)
		a.other("eps", n.Epsilon, 1e-5)
		return a.call("LayerNorm")
	case r.Param != nil:
		return param(*r.Param)
	case r.Pool != nil && r.Pool.Kind != nn.GlobalAverage && r.Pool.Kind != nn.GlobalMax:
		return pool(*r.Pool)
	}
	return "", nil
}

// args collects the arguments of a constructor.
type args struct {
	list []string
	err  error
}

func (a *args) add(format string, v ...any) { a.list = append(a.list, fmt.Sprintf(format, v...)) }

// other adds an argument that is not its default.
func (a *args) other(name string, v, def any) {
	if fmt.Sprint(v) != fmt.Sprint(def) {
		a.add("%s=%v", name, v)
	}
}

// numbers adds a list of numbers unless it is the default.
func (a *args) numbers(name string, list []int) {
	if list != nil {
		a.add("%s=%s", name, each(list))
	}
}

func (a *args) text(name, v string) {
	if v != "" {
		a.add("%s=%s", name, quote(v))
	}
}

func (a *args) check(p nn.Param) {
	if p.Type != 0 && p.Type != nn.Float32 && a.err == nil {
		a.err = fmt.Errorf("tensor %s has element type %d: only float32 weights can be tuned", p.Name, p.Type)
	}
}

// tensor adds a parameter's name and its shape as the file stores it.
func (a *args) tensor(p nn.Param) {
	a.check(p)
	a.add("%s", quote(p.Source()))
	for _, n := range stored(p) {
		a.add("%d", n)
	}
}

func (a *args) name(key string, p nn.Param) {
	if p.Name != "" {
		a.check(p)
		a.text(key, p.Source())
	}
}

func (a *args) call(name string) (string, error) {
	return name + "(" + strings.Join(a.list, ", ") + ")", a.err
}

// stored is the shape of a parameter's initializer.
func stored(p nn.Param) nn.Shape {
	if p.Transposed && len(p.Shape) == 2 {
		return nn.Shape{p.Shape[1], p.Shape[0]}
	}
	return p.Shape
}

// windows lists the sides of the smaller windows that SubNets may have of the convolution of call k, in an instance of the layout's body.
func windows(l *view.Layout, c *view.Call, k, instance int) []int {
	if c.Rec.Conv == nil {
		return nil
	}
	full := c.Rec.Conv.Kernel[0]
	var out []int
	slots := l.Slots(c, k)
	for _, cut := range c.Cuts {
		s, n := slots[0], 1
		if cut.Pick != nil {
			n = cut.Pick.Slots()
		}
		slots = slots[n:]
		if cut.Verb != "Crop" || s.LeftOut || s.Extent < 0 {
			continue
		}
		for _, side := range l.Extent[s.Extent].Tables[instance] {
			if side < full && !slices.Contains(out, side) {
				out = append(out, side)
			}
		}
	}
	return out
}

func conv(c nn.Conv, windows []int) (string, error) {
	a := args{}
	if c.Weight.Transposed {
		return "", fmt.Errorf("convolution %s has a weight that is stored the other way round", c.Name)
	}
	a.tensor(c.Weight)
	a.name("bias", c.Bias)
	a.numbers("stride", c.Strides)
	a.numbers("padding", c.Pads)
	a.numbers("dilation", c.Dilations)
	a.other("groups", max(c.Groups, 1), 1)
	a.text("auto_pad", c.AutoPad)
	if len(windows) > 0 {
		a.add("windows=%s", tuple(numbers(windows)))
	}
	return a.call("Conv")
}

func linear(l nn.Linear) (string, error) {
	a := args{}
	a.tensor(l.Weight)
	a.name("bias", l.Bias)
	if l.TransB == l.Weight.Transposed { // [in, out] in the file
		a.add("out_axis=1")
	}
	a.other("alpha", orOne(l.Alpha), 1)
	a.other("beta", orOne(l.Beta), 1)
	return a.call("Linear")
}

func orOne(v float32) float32 {
	if v == 0 {
		return 1
	}
	return v
}

func batchNorm(n nn.BatchNorm) (string, error) {
	a := args{}
	names := make([]string, 4)
	for k, p := range []nn.Param{n.Scale, n.Bias, n.Mean, n.Var} {
		a.check(p)
		names[k] = p.Source()
	}
	prefix, ok := strings.CutSuffix(names[0], ".weight")
	ok = ok && names[1] == prefix+".bias" && names[2] == prefix+".running_mean" && names[3] == prefix+".running_var"
	if !ok {
		prefix = ""
	}
	a.add("%s", quote(prefix))
	a.add("%d", n.Scale.Shape[0])
	a.other("eps", n.Epsilon, 1e-5)
	if !ok {
		a.add("names=%s", tuple(quoted(names)))
	}
	if n.Mean.From != "" {
		a.text("own", n.Mean.Name)
	}
	return a.call("BatchNorm")
}

// dtypes are the element types that tables of indices have.
var dtypes = map[nn.DType]string{nn.Int64: "torch.int64", nn.Int32: "torch.int32", nn.Uint8: "torch.uint8", nn.Int8: "torch.int8", nn.Bool: "torch.bool"}

func param(p nn.Param) (string, error) {
	a := args{}
	if p.Transposed {
		return "", fmt.Errorf("tensor %s is stored the other way round", p.Name)
	}
	t, other := dtypes[p.Type]
	q := p
	if other {
		q.Type = 0
	}
	a.tensor(q)
	if other {
		a.add("dtype=%s", t)
	}
	return a.call("Param")
}

func pool(p nn.Pool) (string, error) {
	a := args{}
	kind := "max"
	if p.Kind == nn.Average {
		kind = "average"
	}
	a.add("%s, %s", quote(kind), tuple(numbers(p.Kernel)))
	a.numbers("stride", p.Strides)
	a.numbers("padding", p.Pads)
	a.numbers("dilation", p.Dilations)
	a.other("ceil_mode", python(p.CeilMode), "False")
	a.other("count_pad", python(p.CountIncludePad), "False")
	a.text("auto_pad", p.AutoPad)
	return a.call("Pool")
}

func python(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

// act is an element-wise function: what is called, with the arguments after the operand.
type act struct{ fn, rest string }

func activation(a nn.Act) (act, error) {
	o, _ := operators.Lookup("", a.Type)
	switch {
	case a.Type == "Clip":
		return clip(a.Attrs), nil
	case o.Class != operators.Unary:
		return act{}, fmt.Errorf("%s has no PyTorch form as a function of one operand", a.Type)
	}
	form, other, two := strings.Cut(o.Torch, " | ")
	changed := slices.ContainsFunc(o.Attributes(), func(x operators.Attr) bool { return !isDefault(a.Attrs, x) })
	if two && changed {
		form = other
	}
	fn, rest, takes := strings.Cut(form, "(%s")
	switch {
	case fn == "" || strings.Contains(fn, "%"):
		return act{}, fmt.Errorf("function %s has no PyTorch form", a.Type)
	case changed && !takes:
		return act{}, fmt.Errorf("function %s has no PyTorch form with its attributes", a.Type)
	}
	known := act{fn, strings.TrimSuffix(withAttrs(rest, o, a.Attrs), ")")}
	if short, ok := shorter[known]; ok {
		return short, nil
	}
	return known, nil
}

// shorter are calls that PyTorch has a function of its own for.
var shorter = map[act]act{
	{"hard_sigmoid", ", alpha=" + float(float32(1)/6) + ", beta=0.5"}: {"F.hardsigmoid", ""},
}

// withAttrs writes attributes in place of their names in braces.
func withAttrs(form string, o operators.Operator, given []nn.Attr) string {
	for _, a := range o.Attributes() {
		form = strings.ReplaceAll(form, "{"+a.Name+"}", attrText(given, a))
	}
	return form
}

// isDefault tells whether an attribute is absent or says what its default says.
func isDefault(given []nn.Attr, a operators.Attr) bool {
	k := slices.IndexFunc(given, func(x nn.Attr) bool { return x.Name == a.Name })
	if k < 0 {
		return true
	}
	if x := given[k]; x.Kind == nn.AttrFloat {
		v, err := strconv.ParseFloat(a.Default, 32)
		return err == nil && float32(v) == x.Float
	} else if x.Kind == nn.AttrString {
		return x.String == a.Default
	}
	return fmt.Sprint(given[k].Int) == a.Default
}

// attrText is an attribute's value in Python, or its default.
func attrText(given []nn.Attr, a operators.Attr) string {
	k := slices.IndexFunc(given, func(x nn.Attr) bool { return x.Name == a.Name })
	switch {
	case k < 0:
		return a.Default
	case given[k].Kind == nn.AttrFloat:
		return float(given[k].Float)
	case given[k].Kind == nn.AttrString:
		return strconv.Quote(given[k].String)
	}
	return fmt.Sprint(given[k].Int)
}

func clip(given []nn.Attr) act {
	attr := map[string]nn.Attr{}
	for _, x := range given {
		attr[x.Name] = x
	}
	low, okLow := attr["min"]
	high, okHigh := attr["max"]
	switch {
	case okLow && okHigh && low.Float == 0 && high.Float == 6:
		return act{"F.relu6", ""}
	case okLow && okHigh:
		return act{"torch.clamp", fmt.Sprintf(", min=%s, max=%s", float(low.Float), float(high.Float))}
	case okLow:
		return act{"torch.clamp", ", min=" + float(low.Float)}
	}
	return act{"torch.clamp", ", max=" + float(high.Float)}
}

// call applies the function.
func (a act) call(x string) string { return a.fn + "(" + x + a.rest + ")" }

// value is the function as a value.
func (a act) value() string {
	if a.rest == "" {
		return a.fn
	}
	return "partial(" + a.fn + a.rest + ")"
}

func float(v float32) string {
	s := strconv.FormatFloat(float64(v), 'g', -1, 32)
	if w := float64(v); math.IsInf(w, 0) || math.IsNaN(w) {
		return "float(\"" + strings.ToLower(s) + "\")" // masks add infinities
	}
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}
