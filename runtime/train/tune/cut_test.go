package tune

import (
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestCut: a node is taken out of a network; what reads it, and what it reads, are inputs and outputs then. What reads its integers goes with it.
func TestCut(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 4, 4})
		y := b.Act(x, nn.Act{Type: "Relu"})
		z := b.Act(y, nn.Act{Type: "Gelu"})
		i := b.Op(nn.Op{Type: "ArgMax", Shapes: []nn.Shape{{nn.Batch, 1, 4}}, Types: []nn.DType{nn.Int64}}, y)[0]
		b.Output("sum", b.Add(z, y))
		b.Output("chosen", b.Op(nn.Op{Type: "GatherElements", Shapes: []nn.Shape{{nn.Batch, 1, 4}}}, z, i)[0])
	})
	if err != nil {
		t.Fatal(err)
	}
	lacks := map[int]string{1: "no Erf", 2: "no ArgMax"}
	c := cut(g, lacks)
	var types []string
	for _, n := range c.Nodes {
		types = append(types, n.Type)
	}
	if !slices.Equal(types, []string{"Relu", "Add"}) {
		t.Errorf("nodes %v are left", types)
	}
	relu, gelu := g.Nodes[0].Out[0], g.Nodes[1].Out[0]
	if want := []nn.Value{g.Inputs[0], gelu}; !slices.Equal(c.Inputs, want) {
		t.Errorf("inputs %v, want %v", c.Inputs, want)
	}
	if want := []nn.Value{g.Outputs[0], relu}; !slices.Equal(c.Outputs, want) {
		t.Errorf("outputs %v, want %v", c.Outputs, want)
	}
	if why := lacks[4]; why == "" {
		t.Error("GatherElements reads integers that nobody computes, and stays")
	}
}
