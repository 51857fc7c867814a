// Package families lists the SuperNets that are generated in this repository, for tests of what is to work with every family of networks.
package families

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/generated/convnext"
	"github.com/autotailor/autotailor/generated/levit"
	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/mobilenetv3"
	"github.com/autotailor/autotailor/generated/proxyless"
	"github.com/autotailor/autotailor/generated/resnet50"
	"github.com/autotailor/autotailor/generated/vit"
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
