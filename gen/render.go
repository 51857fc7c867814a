package gen

import (
	"math"
	"strconv"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

const root = "github.com/autotailor/autotailor/"

// imports has the packages that emitted files may use, with their names.
var imports = map[string]string{
	root + "runtime/nn":                  "nn",
	root + "runtime/space":               "space",
	root + "runtime/supernet":            "supernet",
	root + "runtime/search":              "search",
	root + "runtime/model":               "model",
	root + "runtime/version":             "version",
	root + "runtime/command/cli":         "cli",
	root + "runtime/train/data":          "data",
	root + "runtime/command/report/plot": "plot",
	root + "runtime/engine":              "engine",
	root + "runtime/engine/embedded":     "embedded",
	root + "runtime/engine/gorgonia":     "gorgonia",
	root + "runtime/engine/ort":          "ort",
}

func qual(pkg, name string) *jen.Statement { return jen.Qual(root+"runtime/"+pkg, name) }

func nnType(name string) *jen.Statement { return qual("nn", name) }

// number is a numeric literal as written.
func number[T int | int64 | uint8 | uint32](v T) *jen.Statement {
	return jen.Id(strconv.FormatInt(int64(v), 10))
}

// float writes v as an expression of type float32: masks add infinities, which Go has no literal for.
func float(v float32) *jen.Statement {
	switch w := float64(v); {
	case math.IsNaN(w):
		return jen.Float32().Call(jen.Qual("math", "NaN").Call())
	case math.IsInf(w, 0):
		return jen.Float32().Call(jen.Qual("math", "Inf").Call(jen.Lit(int(math.Copysign(1, w)))))
	default:
		return jen.Id(strconv.FormatFloat(w, 'g', -1, 32))
	}
}

func float64Lit(v float64) *jen.Statement { return jen.Id(strconv.FormatFloat(v, 'g', -1, 64)) }

// fields builds the elements of a struct literal, in order; fields with a nil value are left out.
type fields []jen.Code

func (f *fields) add(name string, value *jen.Statement) {
	if value != nil {
		*f = append(*f, jen.Id(name).Op(":").Add(value))
	}
}

// lines is a composite literal's body with one element on each line.
func lines(items ...jen.Code) *jen.Statement {
	return jen.Custom(jen.Options{Open: "{", Close: "}", Separator: ",", Multi: true}, items...)
}

func str(s string) *jen.Statement {
	if s == "" {
		return nil
	}
	return jen.Lit(s)
}

func flag(b bool) *jen.Statement {
	if !b {
		return nil
	}
	return jen.True()
}

func nonzero[T int | int64](n T) *jen.Statement {
	if n == 0 {
		return nil
	}
	return wide(int64(n))
}

func nonzeroFloat(v float32) *jen.Statement {
	if v == 0 {
		return nil
	}
	return float(v)
}

func numbers[T int | int64 | uint8 | uint32](list []T) []jen.Code {
	out := make([]jen.Code, len(list))
	for i, v := range list {
		out[i] = number(v)
	}
	return out
}

func ints(list []int) *jen.Statement {
	if list == nil {
		return nil
	}
	return jen.Index().Int().Values(numbers(list)...)
}

func texts(list []string) *jen.Statement {
	out := make([]jen.Code, len(list))
	for i, v := range list {
		out[i] = jen.Lit(v)
	}
	return jen.Index().String().Values(out...)
}

func shape(s nn.Shape) *jen.Statement { return nnType("Shape").Values(numbers([]int(s))...) }

// param is a tensor: the short form for the usual case.
func param(p nn.Param) *jen.Statement {
	if p.Name == "" {
		return nil
	}
	if p.From == "" && p.Type == 0 {
		args := append([]jen.Code{jen.Lit(p.Name)}, numbers([]int(p.Shape))...)
		if p.Transposed {
			return jen.Id("transposed").Call(args...)
		}
		return jen.Id("param").Call(args...)
	}
	var f fields
	f.add("Name", jen.Lit(p.Name))
	f.add("From", str(p.From))
	var readers []jen.Code
	for _, r := range p.Readers {
		readers = append(readers, jen.Values(jen.Id("Node").Op(":").Lit(r.Node), jen.Id("Operand").Op(":").Add(number(r.Operand))))
	}
	if readers != nil {
		f.add("Readers", jen.Index().Add(nnType("Reader")).Values(readers...))
	}
	if p.Type != 0 {
		f.add("Type", dtype(p.Type))
	}
	f.add("Shape", shape(p.Shape))
	f.add("Transposed", flag(p.Transposed))
	return nnType("Param").Values(f...)
}

// record renders the record argument of a call.
func record(r view.Rec) *jen.Statement {
	switch {
	case r.Conv != nil:
		return conv(*r.Conv)
	case r.Linear != nil:
		return linear(*r.Linear)
	case r.BatchNorm != nil:
		return batchNorm(*r.BatchNorm)
	case r.LayerNorm != nil:
		n := *r.LayerNorm
		var f fields
		f.add("Name", str(n.Name))
		f.add("Scale", param(n.Scale))
		f.add("Bias", param(n.Bias))
		f.add("Axis", number(n.Axis))
		f.add("Epsilon", float(n.Epsilon))
		return nnType("LayerNorm").Values(f...)
	case r.Param != nil:
		return param(*r.Param)
	case r.Pool != nil:
		return pool(*r.Pool)
	case r.Act != nil:
		return act(*r.Act)
	case r.Resize != nil:
		return resize(*r.Resize)
	}
	return op(*r.Op)
}

func conv(c nn.Conv) *jen.Statement {
	var f fields
	f.add("Name", str(c.Name))
	f.add("Weight", param(c.Weight))
	f.add("Bias", param(c.Bias))
	f.add("Kernel", ints(c.Kernel))
	f.add("Strides", ints(c.Strides))
	f.add("Pads", ints(c.Pads))
	f.add("Dilations", ints(c.Dilations))
	f.add("Groups", nonzero(c.Groups))
	f.add("AutoPad", str(c.AutoPad))
	return nnType("Conv").Values(f...)
}

func linear(l nn.Linear) *jen.Statement {
	var f fields
	f.add("Name", str(l.Name))
	f.add("Weight", param(l.Weight))
	f.add("Bias", param(l.Bias))
	f.add("TransB", flag(l.TransB))
	f.add("Alpha", nonzeroFloat(l.Alpha))
	f.add("Beta", nonzeroFloat(l.Beta))
	f.add("BiasName", str(l.BiasName))
	return nnType("Linear").Values(f...)
}

// batchNorm uses the short form when the tensors have PyTorch's names.
func batchNorm(n nn.BatchNorm) *jen.Statement {
	if prefix, ok := torchNorm(n); ok {
		return jen.Id("batchNorm").Call(jen.Lit(n.Name), jen.Lit(prefix), number(n.Scale.Shape[0]), float(n.Epsilon))
	}
	var f fields
	f.add("Name", str(n.Name))
	f.add("Scale", param(n.Scale))
	f.add("Bias", param(n.Bias))
	f.add("Mean", param(n.Mean))
	f.add("Var", param(n.Var))
	f.add("Epsilon", float(n.Epsilon))
	return nnType("BatchNorm").Values(f...)
}

// torchNorm returns what the names of a normalisation's tensors start with, when they end as PyTorch's do.
func torchNorm(n nn.BatchNorm) (prefix string, ok bool) {
	prefix, ok = strings.CutSuffix(n.Scale.Name, ".weight")
	if !ok || n.Bias.Name != prefix+".bias" || n.Mean.Name != prefix+".running_mean" || n.Var.Name != prefix+".running_var" {
		return "", false
	}
	return prefix, n.Scale.From+n.Bias.From+n.Mean.From+n.Var.From == ""
}

func pool(p nn.Pool) *jen.Statement {
	kind := [...]string{nn.Max: "Max", nn.Average: "Average", nn.GlobalMax: "GlobalMax", nn.GlobalAverage: "GlobalAverage"}[p.Kind]
	var f fields
	f.add("Name", str(p.Name))
	f.add("Kind", nnType(kind))
	f.add("Kernel", ints(p.Kernel))
	f.add("Strides", ints(p.Strides))
	f.add("Pads", ints(p.Pads))
	f.add("Dilations", ints(p.Dilations))
	f.add("CeilMode", flag(p.CeilMode))
	f.add("CountIncludePad", flag(p.CountIncludePad))
	f.add("AutoPad", str(p.AutoPad))
	return nnType("Pool").Values(f...)
}

func act(a nn.Act) *jen.Statement {
	o, _ := operators.Lookup("", a.Type)
	switch {
	case len(a.Attrs) == 0 && o.Function() != "":
		return nnType(o.Function()).Call()
	case a.Type == "Clip" && len(a.Attrs) == 2 && a.Attrs[0].Name == "min" && a.Attrs[1].Name == "max":
		return nnType("Clip").Call(float(a.Attrs[0].Float), float(a.Attrs[1].Float))
	}
	var f fields
	f.add("Type", jen.Lit(a.Type))
	f.add("Attrs", attrs(a.Attrs))
	return nnType("Act").Values(f...)
}

func resize(r nn.Resize) *jen.Statement {
	var f fields
	f.add("Mode", str(r.Mode))
	f.add("Coordinates", str(r.Coordinates))
	f.add("Nearest", str(r.Nearest))
	f.add("CubicA", nonzeroFloat(r.CubicA))
	f.add("Scales", jen.Index().Float32().Values(floats(r.Scales)...))
	return nnType("Resize").Values(f...)
}

func op(o nn.Op) *jen.Statement {
	var f fields
	f.add("Type", jen.Lit(o.Type))
	f.add("Domain", str(o.Domain))
	f.add("Name", str(o.Name))
	f.add("Attrs", attrs(o.Attrs))
	f.add("Outputs", nonzero(o.Outputs))
	if o.Types != nil {
		var types []jen.Code
		for _, t := range o.Types {
			types = append(types, dtype(t))
		}
		f.add("Types", jen.Index().Add(nnType("DType")).Values(types...))
	}
	if o.MACs != 0 {
		f.add("MACs", number(o.MACs))
	}
	return nnType("Op").Values(f...)
}

// literal is what a constant of a number or a list is made of.
func literal(a nn.Attr) []jen.Code {
	switch a.Kind {
	case nn.AttrInt:
		return []jen.Code{wide(a.Int)}
	case nn.AttrFloat:
		return []jen.Code{float(a.Float)}
	case nn.AttrFloats:
		return floats(a.Floats)
	}
	items := make([]jen.Code, len(a.Ints))
	for k, v := range a.Ints {
		items[k] = wide(v)
	}
	return items
}

// wide writes an integer of a model, where the largest means "to the end".
func wide(v int64) *jen.Statement {
	switch v {
	case math.MaxInt64:
		return jen.Qual("math", "MaxInt64")
	case math.MinInt64:
		return jen.Qual("math", "MinInt64")
	}
	return number(v)
}

func floats(list []float32) []jen.Code {
	items := make([]jen.Code, len(list))
	for k, v := range list {
		items[k] = float(v)
	}
	return items
}

func attrs(list []nn.Attr) *jen.Statement {
	if len(list) == 0 {
		return nil
	}
	var items []jen.Code
	for _, a := range list {
		items = append(items, attr(a))
	}
	return jen.Index().Add(nnType("Attr")).Values(items...)
}

func attr(a nn.Attr) *jen.Statement {
	var f fields
	f.add("Name", jen.Lit(a.Name))
	switch a.Kind {
	case nn.AttrInt:
		f.add("Kind", nnType("AttrInt"))
		f.add("Int", number(a.Int))
	case nn.AttrFloat:
		f.add("Kind", nnType("AttrFloat"))
		f.add("Float", float(a.Float))
	case nn.AttrString:
		f.add("Kind", nnType("AttrString"))
		f.add("String", jen.Lit(a.String))
	case nn.AttrInts:
		f.add("Kind", nnType("AttrInts"))
		f.add("Ints", jen.Index().Int64().Values(numbers(a.Ints)...))
	case nn.AttrFloats:
		f.add("Kind", nnType("AttrFloats"))
		f.add("Floats", jen.Index().Float32().Values(floats(a.Floats)...))
	case nn.AttrStrings:
		f.add("Kind", nnType("AttrStrings"))
		f.add("Strings", texts(a.Strings))
	case nn.AttrTensor:
		f.add("Kind", nnType("AttrTensor"))
		f.add("Int", number(int(a.Int)))
		f.add("Ints", jen.Index().Int64().Values(numbers(a.Ints)...))
		f.add("Raw", jen.Index().Byte().Call(jen.Lit(string(a.Raw))))
	default:
		f.add("Kind", nnType("AttrKind").Call(number(int(a.Kind))))
		f.add("Raw", jen.Index().Byte().Call(jen.Lit(string(a.Raw))))
	}
	return jen.Values(f...)
}

var dtypeNames = map[nn.DType]string{
	nn.Float32: "Float32", nn.Uint8: "Uint8", nn.Int8: "Int8", nn.Int32: "Int32", nn.Int64: "Int64", nn.Bool: "Bool",
	nn.Float16: "Float16", nn.Float64: "Float64", nn.BFloat16: "BFloat16",
}

func dtype(t nn.DType) *jen.Statement {
	if n, ok := dtypeNames[t]; ok {
		return nnType(n)
	}
	return nnType("DType").Call(number(int(t)))
}
