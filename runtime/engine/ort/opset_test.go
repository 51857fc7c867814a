//go:build cgo

package ort

import (
	"strings"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
)

// TestOpset: a network is written with the opset of its model, so that operators are found which came after the oldest one; a library that does
// not know that opset is named as the cause.
func TestOpset(t *testing.T) {
	lib, err := Find()
	if err != nil {
		t.Skip(err)
	}
	e, err := New(lib, Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	build := func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{2, 3})
		b.Output("y", b.Op(nn.Op{Type: "StringlessOperator", Domain: ""}.Yields(nn.Shape{2, 3}), x)[0])
	}
	mish := func(b nn.Builder) { // of opset 18, carried
		b.Output("y", b.Op(nn.Op{Type: "Mish"}, b.Input("x", nn.Float32, nn.Shape{2, 3}))[0])
	}
	for name, c := range map[string]struct {
		build func(nn.Builder)
		opset int
		want  string
	}{
		"its own opset":        {mish, 18, ""},
		"an unknown operator":  {build, 18, "opset 18, which ONNX Runtime"},
		"an opset of tomorrow": {mish, 99, "opset 99, which ONNX Runtime"},
	} {
		g, err := nn.Record(c.build)
		if err != nil {
			t.Fatal(err)
		}
		g.Opset = c.opset
		s, err := e.Compile(g, nn.MapWeights{})
		switch {
		case err == nil && c.want == "":
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		case err == nil || c.want == "" || !strings.Contains(err.Error(), c.want):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}
