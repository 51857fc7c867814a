package ncnn_test

import (
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/deploy/ncnn"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestRefusals: everything that cannot be expressed is told at once, with the names of the nodes.
func TestRefusals(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 4, 8, 8})
		x = b.Op(nn.Op{Type: "Hardmax", Name: "peak"}, x)[0]
		x = b.Pool(x, nn.Pool{Name: "pool", Kind: nn.Max, Kernel: []int{3, 3}, Strides: []int{2, 2}, CeilMode: true})
		x = b.Op(nn.Op{Type: "Custom", Domain: "my.ops", Name: "mine"}, x)[0]
		x = resized(b, x, 4, 9, 9, "cubic", "half_pixel", "floor")
		x = b.Op(nn.Op{Type: "Pad", Name: "crop", Attrs: []nn.Attr{list("pads", 0, 0, -1, 0, 0, 0, 0, 0)}}.Yields(nn.Shape{nn.Batch, 4, 8, 9}), x)[0]
		b.Output("y", b.Concat(0, x, x))
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = ncnn.Export(g, nn.MapWeights{}, ncnn.Options{})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{`node "peak" (Hardmax)`, `node "pool" (MaxPool)`, "ceil_mode", `node "resize" (Resize)`, "mode cubic", `node "crop" (Pad)`, "use a Slice", `node "mine" (Custom)`, "along the batch axis", "export ONNX"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}
