package supernet_test

import (
	"strings"
	"testing"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/onnx"
	"github.com/autotailor/autotailor/ir/pass"
	"github.com/autotailor/autotailor/ir/supernet"
)

// TestUnpool: a MaxUnpool that states the extents of its result (SegNet) keeps the resolution, and is named.
func TestUnpool(t *testing.T) {
	g, err := compiledGraph("testdata/segnet.onnx")
	if err != nil {
		t.Fatal(err)
	}
	net, err := supernet.Compile(g, supernet.Config{Divisor: 8, DepthKeep: 1, Resolution: supernet.Values{List: []float64{16, 12}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(net.Warnings, "\n")
	if want := `resolution 12 is left out: node "n9" (MaxUnpool): it states that its result has extents of [1 32 8 8]`; !strings.Contains(text, want) {
		t.Errorf("%q is not in\n%s", want, text)
	}
}

func compiledGraph(path string) (*ir.Graph, error) {
	g, _, err := onnx.Read(path)
	if err != nil {
		return nil, err
	}
	return g, pass.Canonicalise(g, pass.Options{})
}
