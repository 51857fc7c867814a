package embedded_test

import (
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestAhead: weights that follow from others by operators of their own are computed once, and are weights like any other: of a convolution behind a
// Transpose, as TensorFlow's exporters leave them, and behind a sum.
func TestAhead(t *testing.T) {
	build := func(behind bool) func(b nn.Builder) {
		return func(b nn.Builder) {
			x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 3, 5, 5})
			w := b.Param(nn.Param{Name: "w", Shape: nn.Shape{4, 3, 2, 2}})
			if behind {
				w = b.Transpose(b.Param(nn.Param{Name: "stored", Shape: nn.Shape{2, 2, 3, 4}}), 3, 2, 0, 1)
				w = b.Add(w, b.Mul(b.Param(nn.Param{Name: "zero", Shape: nn.Shape{1}}), b.Float(2)))
			}
			b.Output("y", b.Op(nn.Op{Type: "Conv"}.Yields(nn.Shape{nn.Batch, 4, 4, 4}), x, w)[0])
		}
	}
	w := nn.MapWeights{"w": nn.FromFloat32s(nn.Shape{4, 3, 2, 2}, nil), "zero": nn.FromFloat32s(nn.Shape{1}, []float32{0})}
	plain, stored := make([]float32, 48), make([]float32, 48)
	for i := range stored {
		stored[i] = float32(i*7%48) / 48
		o, c, k := i%4, i/4%3, i/12 // [k, c, o]
		plain[(o*3+c)*4+k] = stored[i]
	}
	w["w"], w["stored"] = nn.FromFloat32s(nn.Shape{4, 3, 2, 2}, plain), nn.FromFloat32s(nn.Shape{2, 2, 3, 4}, stored)
	var want []float32
	for _, behind := range []bool{false, true} {
		g, err := nn.Record(build(behind))
		if err != nil {
			t.Fatal(err)
		}
		s, err := embedded.New(embedded.Options{Threads: 1}).Compile(g, w)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Run(nn.Feed{}.Inputs(g.Bind(2))...)
		if err != nil {
			t.Fatal(err)
		}
		got := slices.Clone(out[0].Float32s())
		if want != nil && !slices.Equal(got, want) {
			t.Errorf("behind operators %v\nwant %v", got[:4], want[:4])
		}
		want = got
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
