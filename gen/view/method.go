package view

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Method is the method of nn.Builder that a Call calls.
type Method uint8

// The methods of nn.Builder that take operators.
const (
	Param Method = iota + 1
	Conv
	Linear
	MatMul
	BatchNorm
	LayerNorm
	Act
	Softmax
	Pool
	Mean
	Add
	Sub
	Mul
	Div
	Flatten
	Reshape
	Transpose
	Concat
	Split
	Pow
	Max
	Min
	Where
	Cast
	Slice
	Gather
	Expand
	Resize
	Int
	Ints
	Float
	Floats
	Op
)

// Methods lists all of them.
func Methods() []Method {
	var out []Method
	for m := Param; int(m) < len(signatures); m++ {
		out = append(out, m)
	}
	return out
}

// methodNamed returns the method of a name, 0 where there is none.
func methodNamed(name string) Method {
	return Method(max(0, slices.IndexFunc(signatures[:], func(s signature) bool { return s.name == name })))
}

// String is the method's name.
func (m Method) String() string { return signatures[m].name }

// Several tells whether the method returns a list of values.
func (m Method) Several() bool { return signatures[m].several }

// part is a part of a method's argument list.
type part uint8

const (
	operands part = iota // all operands, one after the other
	record               // the record, less what its cuts take away
	numbers              // fixed numbers: axes, a permutation
	flag                 // Call.Keep
	sizes                // Call.Dims, an argument each
	shape                // Call.Dims as one nn.Shape
	ranges               // Call.Ranges, an argument each
	dtype                // Call.Type
	literal              // Call.Const
	yields               // Call.Dims as the shapes of the results, which an nn.Op's record takes
)

// signature has the parameters of a method, in order, and the function that calls it.
type signature struct {
	name    string
	takes   []part
	several bool
	call    func(b nn.Builder, a *arguments) []nn.Value
}

// The argument lists that many methods have.
var (
	plain  = []part{operands}
	layer  = []part{operands, record}
	number = []part{literal}
)

// signatures has a row for each method. It is the only place that knows the order of a method's parameters.
var signatures = [...]signature{
	Param:     {"Param", []part{record}, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Param(*a.rec.Param) })},
	Conv:      {"Conv", layer, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Conv(a.in[0], *a.rec.Conv) })},
	Linear:    {"Linear", layer, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Linear(a.in[0], *a.rec.Linear) })},
	BatchNorm: {"BatchNorm", layer, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.BatchNorm(a.in[0], *a.rec.BatchNorm) })},
	LayerNorm: {"LayerNorm", layer, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.LayerNorm(a.in[0], *a.rec.LayerNorm) })},
	Act:       {"Act", layer, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Act(a.in[0], *a.rec.Act) })},
	Pool:      {"Pool", layer, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Pool(a.in[0], *a.rec.Pool) })},

	MatMul: binary("MatMul", nn.Builder.MatMul),
	Add:    binary("Add", nn.Builder.Add),
	Sub:    binary("Sub", nn.Builder.Sub),
	Mul:    binary("Mul", nn.Builder.Mul),
	Div:    binary("Div", nn.Builder.Div),

	Softmax: {"Softmax", []part{operands, numbers}, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Softmax(a.in[0], a.ints[0]) })},
	Mean: {"Mean", []part{operands, flag, numbers}, false, one(func(b nn.Builder, a *arguments) nn.Value {
		return b.Mean(a.in[0], a.keep, a.ints...)
	})},
	Flatten:   {"Flatten", []part{operands, numbers}, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Flatten(a.in[0], a.ints[0]) })},
	Reshape:   {"Reshape", []part{operands, shape}, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Reshape(a.in[0], a.extents) })},
	Transpose: {"Transpose", []part{operands, numbers}, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Transpose(a.in[0], a.ints...) })},
	Concat:    {"Concat", []part{numbers, operands}, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Concat(a.ints[0], a.in...) })},
	Split: {"Split", []part{operands, numbers, sizes}, true, func(b nn.Builder, a *arguments) []nn.Value {
		return b.Split(a.in[0], a.ints[0], a.extents...)
	}},
	Pow:    binary("Pow", nn.Builder.Pow),
	Max:    {"Max", plain, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Max(a.in...) })},
	Min:    {"Min", plain, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Min(a.in...) })},
	Where:  {"Where", plain, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Where(a.in[0], a.in[1], a.in[2]) })},
	Cast:   {"Cast", []part{operands, dtype}, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Cast(a.in[0], a.dtype) })},
	Slice:  {"Slice", []part{operands, ranges}, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Slice(a.in[0], a.ranges...) })},
	Gather: {"Gather", []part{operands, numbers}, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Gather(a.in[0], a.in[1], a.ints[0]) })},
	Expand: {"Expand", []part{operands, shape}, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Expand(a.in[0], a.extents) })},
	Resize: {"Resize", layer, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Resize(a.in[0], *a.rec.Resize) })},

	Int:    {"Int", number, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Int(a.constant.Int) })},
	Ints:   {"Ints", number, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Ints(a.constant.Ints...) })},
	Float:  {"Float", number, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Float(a.constant.Float) })},
	Floats: {"Floats", number, false, one(func(b nn.Builder, a *arguments) nn.Value { return b.Floats(a.constant.Floats...) })},

	Op: {"Op", []part{record, yields, operands}, true, func(b nn.Builder, a *arguments) []nn.Value { return b.Op(*a.rec.Op, a.in...) }},
}

// one wraps a method with one result as a function that returns a list.
func one(call func(b nn.Builder, a *arguments) nn.Value) func(nn.Builder, *arguments) []nn.Value {
	return func(b nn.Builder, a *arguments) []nn.Value { return []nn.Value{call(b, a)} }
}

// binary is the signature of a method that takes two operands and nothing else.
func binary(name string, call func(b nn.Builder, x, y nn.Value) nn.Value) signature {
	return signature{name, plain, false, one(func(b nn.Builder, a *arguments) nn.Value { return call(b, a.in[0], a.in[1]) })}
}
