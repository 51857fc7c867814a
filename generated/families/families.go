// Package families lists the SuperNets that are generated in this repository, for tests of what is to work with every family of networks.
package families

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/generated/convnext"
	"github.com/autotailor/autotailor/generated/levit"
	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/mobilenetv3"
	"github.com/autotailor/autotailor/generated/proxyless"
	"github.com/autotailor/autotailor/generated/resnet50"
	"github.com/autotailor/autotailor/generated/vit"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// All returns the SuperNets by name of their packages.
func All() []*supernet.Net {
	return []*supernet.Net{
		convnext.Definition(), levit.Definition(), mobilenetv2.Definition(), mobilenetv3.Definition(), proxyless.Definition(),
		resnet50.Definition(), vit.Definition(),
	}
}

// Path returns the file of the trained model that a SuperNet was generated from.
func Path(t testing.TB, net *supernet.Net) string {
	t.Helper()
	dir := ""
	for range 8 {
		path := filepath.Join(dir, "generated", "models", net.Source.File)
		if _, err := os.Stat(path); err == nil {
			return path
		}
		dir = filepath.Join(dir, "..")
	}
	t.Fatalf("%s is in the folder generated/models of none of the folders above", net.Source.File)
	return ""
}

// Model opens it.
func Model(t testing.TB, net *supernet.Net) *onnxfile.Model {
	t.Helper()
	m, err := onnxfile.Open(Path(t, net))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Trainables takes all tensors that g needs from w.
func Trainables(t testing.TB, g *nn.Graph, w nn.Weights) engine.Params {
	t.Helper()
	params := engine.Params{}
	for _, i := range g.Values {
		if i.Param == nil || params[i.Param.Source()] != nil {
			continue
		}
		x, err := w.Tensor(i.Param.Source())
		if err != nil {
			t.Fatal(err)
		}
		p := &engine.Trainable{Shape: x.Shape}
		if x.Type == nn.Float32 {
			p.Value, p.Grad = slices.Clone(x.Float32s()), make([]float32, x.Shape.Count())
		}
		for _, v := range x.Int64s() {
			p.Value = append(p.Value, float32(v))
		}
		params[i.Param.Source()] = p
	}
	return params
}
