package ort

import (
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestResults: results of half precision and scalars, which the library does not return to Go by itself.
func TestResults(t *testing.T) {
	lib, err := Find()
	if err != nil {
		t.Skip(err)
	}
	e, err := New(lib, Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	number := func(name string, v int64) []nn.Attr { return []nn.Attr{{Name: name, Kind: nn.AttrInt, Int: v}} }
	g := &nn.Graph{
		Values: []nn.Info{{}, {Name: "x", Type: nn.Float32, Shape: nn.Shape{nn.Batch, 3}}, {Name: "sum", Type: nn.Float32, Shape: nn.Shape{}},
			{Name: "half", Type: nn.Float16, Shape: nn.Shape{nn.Batch, 3}}},
		Nodes: []nn.Node{
			{Type: "ReduceSum", Name: "sum", In: []nn.Value{1}, Out: []nn.Value{2}, Attrs: number("keepdims", 0)},
			{Type: "Cast", Name: "half", In: []nn.Value{1}, Out: []nn.Value{3}, Attrs: number("to", int64(nn.Float16))},
		},
		Inputs: []nn.Value{1}, Outputs: []nn.Value{2, 3},
	}
	s, err := e.Compile(g, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, batch := range []int{2, 1} {
		values := []float32{1, 2, 3.5, 4, 5, 6}[:3*batch]
		out, err := s.Run(nn.FromFloat32s(nn.Shape{batch, 3}, values))
		if err != nil {
			t.Fatal(err)
		}
		sum, half := out[0], out[1]
		want := []float64{0}
		for _, v := range values {
			want[0] += float64(v)
		}
		if !slices.Equal(sum.Numbers(), want) || len(sum.Shape) != 0 {
			t.Errorf("the sum is %v of shape %v, want %v", sum.Numbers(), sum.Shape, want)
		}
		if got := half.Numbers(); len(got) != len(values) || got[2] != 3.5 || !slices.Equal(half.Shape, nn.Shape{batch, 3}) {
			t.Errorf("halves are %v of shape %v, want %v", got, half.Shape, values)
		}
	}
}
