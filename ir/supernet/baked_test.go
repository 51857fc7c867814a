package supernet_test

import (
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/onnx"
	"github.com/autotailor/autotailor/ir/pass"
	"github.com/autotailor/autotailor/ir/supernet"
)

// TestUnpool: a MaxUnpool (SegNet) follows the resolution where its window leaves nothing over, also where it states the extents of its result; it is
// named where a resolution is left out.
func TestUnpool(t *testing.T) {
	needs.Clone(t)
	g, err := compiledGraph("../../internal/conform/testdata/cases/segnet.onnx")
	if err != nil {
		t.Fatal(err)
	}
	net, err := supernet.Compile(g, supernet.Config{Divisor: 8, DepthKeep: 1, Resolution: supernet.Values{List: []float64{16, 14, 12}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(net.Warnings, "\n")
	if want := `resolution 14 is left out: node "n9" (MaxUnpool): it puts maxima back to a map of 8 positions, and may not to one of 7`; !strings.Contains(text, want) {
		t.Errorf("%q is not in\n%s", want, text)
	}
	if strings.Contains(text, "resolution 12") {
		t.Errorf("resolution 12 is left out: %s", text)
	}
}

func compiledGraph(path string) (*ir.Graph, error) {
	g, _, err := onnx.Read(path)
	if err != nil {
		return nil, err
	}
	return g, pass.Canonicalise(g, pass.Options{})
}
