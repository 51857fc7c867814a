// Package operators is the table of the ONNX operators that this module knows: one row each, in the file of its class.
//
// The table holds facts only. What an operator does to shapes, axes and data stands in the packages that do it: they take its class from
// here, and register what they have beside it under its name. gen/doc/operators.md shows which package can do what.
//
// A new operator whose class exists is one row here and one entry where its class is computed. See Operator for the columns.
package operators

import (
	"slices"
	"strconv"
	"strings"
)

// Operator is one row of the table. It holds texts and numbers only, so nobody can change the table through it.
type Operator struct {
	Domain string // "" is ONNX's own, which models also call ai.onnx
	Name   string
	Class  Class

	// Opsets are the versions of the operator set that define the operator anew, the oldest first: "1 6 13".
	Opsets string

	// Sig lists the operands, then the results: "X W B? -> Y". See Operand for the marks.
	Sig string

	// Attrs lists the attributes, with defaults as ONNX has them: "axis=-1 epsilon=1e-05 kernel_shape". See Attr for the marks.
	Attrs string

	// Changes says which opset changed the meaning, and how, where readers of older models must know: "13: along one axis, not all after it".
	Changes string

	Like bool // its results have the shape of the first operand, where its class does not say so
	Norm Norm // of a normalisation: which elements it takes mean and deviation of

	Zeros Zeros  // where its results are zero, where that is not as in its class
	Range string // what its results lie between, whatever the operands are. See Bounds for the marks.

	Logit Logit // which logarithm undoes it, where it makes probabilities of logits

	Activation bool   // belongs to the layer before it: a function without parameters that networks put after layers
	MACs       bool   // multiplies and accumulates, so that it has a cost of its own
	Builder    string // the method of nn.Builder, then the function of package nn that makes its argument, where there is one: "Act Relu"

	// Torch is the PyTorch form where one expression says it: a function of the operand ("F.relu"), a format of the operands, with
	// attributes in braces ("%s.log_softmax({axis})"), of a reduction with the place of its axes ("%s.sum(%s)"). A form before " | "
	// holds where every attribute has its default, the one after it elsewhere. Other forms are in gen/pytorch.
	Torch string

	// NCNN is the layer of NCNN that a function or reduction is, with its parameters: "HardSigmoid 0={alpha} 1={beta}". Numbers with a point are
	// floats. An attribute that the parameters leave out has its default there. "swapped" is parameter 0 where the first of two operands is a constant.
	NCNN string
}

// Class says how an operator treats its operands. Packages have one rule for each class, and exceptions by name.
type Class uint8

// The classes.
const (
	Unary         Class = iota + 1 // element-wise: each element of the result is a function of one element
	Broadcast                      // element-wise with several operands, which broadcast
	Rows                           // a function of each row along one axis
	Reduction                      // some axes become one element, or vanish
	Window                         // a function of windows that move over space
	Product                        // sums of products with weights or another operand
	Normalisation                  // to mean and deviation, with parameters
	Layout                         // the elements stay; their shape or places change
	Access                         // picks or puts elements at places that are computed
	Sampling                       // reads an operand between its elements, at places that another one has
	Spectrum                       // a Fourier transform of a signal
	Source                         // makes a tensor of nothing but sizes and numbers
	Composite                      // stands for several operators of other classes
	Control                        // runs subgraphs
)

var classNames = [...]string{
	Unary: "element-wise", Broadcast: "element-wise, broadcasting", Rows: "rows", Reduction: "reduction", Window: "window", Product: "product",
	Normalisation: "normalisation", Layout: "layout", Access: "random access", Sampling: "sampling", Spectrum: "spectrum", Source: "source", Composite: "composite", Control: "control",
}

// Norm says which elements a normalisation takes mean and deviation of, and with that what its parameters follow.
type Norm uint8

// The kinds of normalisations.
const (
	FromAxis   Norm = iota + 1 // all from the attribute axis on; parameters broadcast to the operand
	LastAxis                   // the last axis; parameters have its extent
	OfChannels                 // each channel, over images and space, or known statistics of it; parameters have an element for each channel
	OfSpace                    // each channel of each image; parameters have an element for each channel
	OfGroups                   // groups of channels of each image; parameters have an element for each channel, or for each group
	OfAxes                     // the axes that the attribute axes lists; no parameters
)

// ByChannel tells whether the channels are in axis 1, and have parameters each.
func (n Norm) ByChannel() bool { return n == OfChannels || n == OfSpace || n == OfGroups }

// String is the class's name.
func (c Class) String() string {
	if c == 0 || int(c) >= len(classNames) {
		return "Class(" + strconv.Itoa(int(c)) + ")"
	}
	return classNames[c]
}

var (
	all = slices.Concat(unary, scales, broadcast, rows, reductions, windows, products, quantised, normalisations, layouts, accesses, samplings, spectra, sources, composites,
		controls, microsoft)
	byName = index(all)
)

type key struct{ domain, name string }

func index(list []Operator) map[key]Operator {
	out := make(map[key]Operator, len(list))
	for _, o := range list {
		out[key{o.Domain, o.Name}] = o
	}
	return out
}

// Lookup returns the row of an operator.
func Lookup(domain, name string) (Operator, bool) {
	if domain == "ai.onnx" {
		domain = ""
	}
	o, ok := byName[key{domain, name}]
	return o, ok
}

// All returns the rows, class by class.
func All() []Operator { return slices.Clone(all) }

// Of returns the rows of a class.
func Of(c Class) []Operator {
	return slices.DeleteFunc(All(), func(o Operator) bool { return o.Class != c })
}

// of gives rows their class.
func of(c Class, rows ...Operator) []Operator {
	for i := range rows {
		rows[i].Class = c
	}
	return rows
}

// Qualified is the operator's name, with its domain where that is not ONNX's own.
func (o Operator) Qualified() string { return Qualified(o.Domain, o.Name) }

// Qualified is an operator's name, with its domain where that is not ONNX's own.
func Qualified(domain, name string) string {
	if domain == "" || domain == "ai.onnx" {
		return name
	}
	return domain + "." + name
}

// Split is the inverse of Qualified.
func Split(qualified string) (domain, name string) {
	at := strings.LastIndexByte(qualified, '.')
	return qualified[:max(at, 0)], qualified[at+1:]
}

// Versions returns the opsets that define the operator anew, the oldest first.
func (o Operator) Versions() []int {
	var out []int
	for _, f := range strings.Fields(o.Opsets) {
		n, _ := strconv.Atoi(f) // a test reads every row
		out = append(out, n)
	}
	return out
}

// Since is the first opset that has the operator.
func (o Operator) Since() int { return o.Versions()[0] }

// Method is the method of nn.Builder that makes the operator, "" for none.
func (o Operator) Method() string {
	method, _, _ := strings.Cut(o.Builder, " ")
	return method
}

// Function is the function of package nn that makes the method's argument, "" where the argument is written out.
func (o Operator) Function() string {
	_, function, _ := strings.Cut(o.Builder, " ")
	return function
}
