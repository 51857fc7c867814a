package profile

import (
	"fmt"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestSliceOperands: a Slice whose operands are not known runs alone, and its result has the shape that it has in its network.
func TestSliceOperands(t *testing.T) {
	for _, c := range []struct {
		in, out nn.Shape
		n       int // operands are of so many axes
	}{
		{nn.Shape{1, 13, 13, 8}, nn.Shape{1, 7, 13, 8}, 1}, {nn.Shape{1, 13, 13, 8}, nn.Shape{1, 13, 4, 8}, 1}, {nn.Shape{4, 6}, nn.Shape{2, 3}, 2},
		{nn.Shape{5, 5}, nn.Shape{4, 5}, 2}, {nn.Shape{3, 10}, nn.Shape{3, 10}, 1}, {nn.Shape{9}, nn.Shape{1}, 1},
	} {
		g := &nn.Graph{Values: make([]nn.Info, 1)}
		value := func(i nn.Info) nn.Value {
			g.Values = append(g.Values, i)
			return nn.Value(len(g.Values) - 1)
		}
		x := value(nn.Info{Name: "x", Type: nn.Float32, Shape: c.in})
		in := []nn.Value{x}
		for k := range 4 {
			name := fmt.Sprint("p", k)
			in = append(in, value(nn.Info{Name: name, Type: nn.Int64, Shape: nn.Shape{c.n}, Param: &nn.Param{Name: name, Shape: nn.Shape{c.n}}}))
		}
		y := value(nn.Info{Name: "y", Type: nn.Float32, Shape: c.out})
		g.Nodes, g.Inputs, g.Outputs = []nn.Node{{Type: "Slice", Name: "s", In: in, Out: []nn.Value{y}}}, []nn.Value{x}, []nn.Value{y}
		w, err := standIns(g, nil)
		if err != nil {
			t.Fatal(err)
		}
		s, err := embedded.New(embedded.Options{Threads: 1}).Compile(g, w)
		if err != nil {
			t.Errorf("%v to %v: %v", c.in, c.out, err)
			continue
		}
		got, err := s.Run(nn.Feed{}.Inputs(g)...)
		if err != nil || !slices.Equal(got[0].Shape, c.out) {
			t.Errorf("%v to %v: %v, %v", c.in, c.out, got, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
