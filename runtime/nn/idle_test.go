package nn_test

import (
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestIdle: nodes from which only sizes follow are idle, those whose numbers are used are not, and neither is a size that is a result.
func TestIdle(t *testing.T) {
	for out, want := range map[string][]string{"": {"Shape", "Neg"}, "sizes": {"Neg"}} {
		g, err := nn.Record(func(b nn.Builder) {
			x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 4, 4})
			whole := func(kind string, x nn.Value) nn.Value {
				return b.Op(nn.Op{Type: kind, Types: []nn.DType{nn.Int64}, Shapes: []nn.Shape{{4}}}, x)[0]
			}
			sizes := whole("Shape", x)
			whole("Neg", sizes) // nobody reads it
			y := b.Op(nn.Op{Type: "Resize", Shapes: []nn.Shape{{nn.Batch, 3, 8, 8}}}, x, nn.None, nn.None, sizes)[0]
			b.Output("y", y)
			if out != "" {
				b.Output(out, sizes)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, idle := range g.Idle() {
			if idle {
				got = append(got, g.Nodes[i].Type)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("with the output %q %v are idle, want %v", out, got, want)
		}
	}
}
