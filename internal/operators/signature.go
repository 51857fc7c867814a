package operators

import (
	"slices"
	"strconv"
	"strings"
)

// Kind is the element type of an operand or result: a fixed one, or a variable such as T or T1. Operands and results of one operator with the
// same variable have the same type.
type Kind string

// The kinds that are no variable.
const (
	T     Kind = "T"     // the usual variable, which signatures leave out
	Bool  Kind = "bool"  //
	Int64 Kind = "int64" //
	Float Kind = "float" // float32
	Int32 Kind = "int32" //
	Uint8 Kind = "uint8" //
	Int   Kind = "int"   // int32 or int64
	List  Kind = "list"  // integers that must be known; older opsets have an attribute of the same name
	Size  Kind = "size"  // a List that says no more than which shape the result has
	Any   Kind = "any"   // what attributes, or the model, say
)

// Variable tells whether the kind stands for one type at each use.
func (k Kind) Variable() bool { return k != "" && k[0] >= 'A' && k[0] <= 'Z' }

// Operand is an operand or a result. A signature writes "name:kind@18?":
//   - the kind is left out where it is T,
//   - "@18" says that it is an attribute of that name before opset 18,
//   - "?" says that it may be missing, and "..." that there may be any number of them from one on.
type Operand struct {
	Name     string
	Kind     Kind
	Since    int  // the opset that made an operand of the attribute, 0 where it always was one
	Optional bool // may be missing in some opset
	Variadic bool
}

// Operands returns the operands in order.
func (o Operator) Operands() []Operand {
	in, _, _ := strings.Cut(o.Sig, "->")
	return operands(in)
}

// Results returns the results in order.
func (o Operator) Results() []Operand {
	_, out, _ := strings.Cut(o.Sig, "->")
	return operands(out)
}

func operands(text string) []Operand {
	var out []Operand
	for _, f := range strings.Fields(text) {
		var p Operand
		f, p.Variadic = strings.CutSuffix(f, "...")
		f, p.Optional = strings.CutSuffix(f, "?")
		f, since, moved := strings.Cut(f, "@")
		if moved {
			p.Since, _ = strconv.Atoi(since) // a test reads every row
			p.Optional = true
		}
		name, kind, given := strings.Cut(f, ":")
		if p.Name, p.Kind = name, T; given {
			p.Kind = Kind(kind)
		}
		out = append(out, p)
	}
	return out
}

// Required is the number of first operands that no opset does without.
func (o Operator) Required() int {
	n := 0
	for _, p := range o.Operands() {
		if p.Optional {
			break
		}
		n++
	}
	return n
}

// Attr is an attribute. A row writes "name", "name=default", or "name:=default" where the keys of lookup tables leave the attribute out
// when it has its default; "*" stands for any value, and "1..." for a list of as many ones as there are axes.
type Attr struct {
	Name, Default string
	Silent        bool // the keys of lookup tables leave it out at its default
}

// Attributes returns the attributes that have a place in the row, in its order.
func (o Operator) Attributes() []Attr {
	var out []Attr
	for _, f := range strings.Fields(o.Attrs) {
		name, value, _ := strings.Cut(f, "=")
		name, silent := strings.CutSuffix(name, ":")
		out = append(out, Attr{name, value, silent})
	}
	return out
}

// Has tells whether the row lists an attribute.
func (o Operator) Has(attribute string) bool {
	return slices.ContainsFunc(o.Attributes(), func(a Attr) bool { return a.Name == attribute })
}

// Default is the default of an attribute that is a whole number, 0 where it has none.
func (o Operator) Default(attribute string) int64 {
	for _, a := range o.Attributes() {
		if a.Name == attribute {
			n, _ := strconv.ParseInt(a.Default, 10, 64)
			return n
		}
	}
	return 0
}
