package op_test

import (
	"testing"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/op"
)

// TestOpenBatch: an open vector has the batch that other inputs have, or that all vectors have.
func TestOpenBatch(t *testing.T) {
	open := func(sym string, more ...int) ir.Shape {
		s := ir.Shape{{Size: -1, Sym: sym}}
		for _, n := range more {
			s = append(s, ir.Dim{Size: n})
		}
		return s
	}
	for _, c := range []struct {
		name   string
		inputs []ir.Shape
		want   []bool
	}{
		{"images", []ir.Shape{open("n", 3, 8, 8), {{Size: 1}, {Size: 4}}, {{Size: 2}, {Size: 4}}}, []bool{true, true, false}},
		{"ids beside a matrix", []ir.Shape{open("n", 13), open("n"), open("m")}, []bool{true, true, false}},
		{"a number beside images", []ir.Shape{open("n", 3, 8, 8), {{Size: 1}}, {}}, []bool{true, false, false}},
		{"ids alone", []ir.Shape{open("users"), open("items")}, []bool{true, true}},
		{"no names", []ir.Shape{open("", 13), open("")}, []bool{true, false}},
	} {
		g := &ir.Graph{Values: []*ir.Value{{}}}
		for _, s := range c.inputs {
			g.Inputs = append(g.Inputs, ir.ValueID(len(g.Values)))
			g.Values = append(g.Values, &ir.Value{Shape: s})
		}
		for k, id := range g.Inputs {
			if got := op.OpenBatch(g, id); got != c.want[k] {
				t.Errorf("%s: input %d: %t, want %t", c.name, k, got, c.want[k])
			}
		}
	}
}
