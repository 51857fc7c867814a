package view

import (
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Visitor takes the arguments of a call.
type Visitor interface {
	Operands(ids []ir.ValueID)
	Record(c *Call)                     // Rec, less its Cuts
	Numbers(list []int)                 // an argument each
	Flag(on bool)                       // a boolean argument
	Sizes(dims []dim.Dim)               // extents, an argument each
	Shape(dims []dim.Dim)               // extents that are one nn.Shape
	Ranges(list []nn.Range)             // an argument each
	Type(t nn.DType)                    // an element type
	Constant(a nn.Attr)                 // what a constant is made of
	Yields(dims []dim.Dim, ranks []int) // extents of results, which the record takes
}

// Visit gives v the arguments of c in the order in which the method takes them.
func (c *Call) Visit(v Visitor) {
	for _, p := range signatures[c.Method].takes {
		switch p {
		case operands:
			v.Operands(c.In)
		case record:
			v.Record(c)
		case numbers:
			v.Numbers(c.Ints)
		case flag:
			v.Flag(c.Keep)
		case sizes:
			v.Sizes(c.Dims)
		case shape:
			v.Shape(c.Dims)
		case ranges:
			v.Ranges(c.Ranges)
		case dtype:
			v.Type(c.Type)
		case literal:
			v.Constant(c.Const)
		case yields:
			if c.Ranks != nil {
				v.Yields(c.Dims, c.Ranks)
			}
		}
	}
}
