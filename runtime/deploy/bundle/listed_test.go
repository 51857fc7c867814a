package bundle_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// made are made-up statistics of a SubNet: number k of a parameter is from plus k.
func made(t testing.TB, g space.Genes, from float32) map[string]nn.Tensor {
	t.Helper()
	graph, err := mobilenetv2.Definition().Record(g)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]nn.Tensor{}
	for _, p := range supernet.Statistics(graph) {
		v := make([]float32, p.Picked().Count())
		for k := range v {
			v[k] = from + float32(k)
		}
		out[p.Name] = nn.FromFloat32s(p.Picked(), v)
	}
	return out
}

// TestListed: a list is read as it was written, SubNets share tensors, and each gets its own statistics where it picks them.
func TestListed(t *testing.T) {
	needs.Clone(t)
	net := mobilenetv2.Definition()
	w, err := onnxfile.Open(model)
	if err != nil {
		t.Fatal(err)
	}
	l := bundle.NewListed(bundle.Circumstances{Package: net.Package, Digest: net.Digest, Weights: w.SHA256, Model: "m.onnx"})
	parse := func(text string) space.Genes {
		g, err := net.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	const smallText = "resolution=16,stage1.0.expand=3"
	small := parse(smallText)
	l.Add(smallText, made(t, small, 5))
	l.Add("resolution=16", made(t, parse("resolution=16"), 3))
	l.Add(smallText, made(t, small, 7))
	path := filepath.Join(t.TempDir(), "a.stats")
	if err := l.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	if l, err = bundle.ReadListed(path); err != nil || l.Len() != 2 {
		t.Fatalf("%d SubNets, %v", l.Len(), err)
	}
	own, ok, err := l.Weights(net, smallText, w)
	if err != nil || !ok || net.CheckStatistics(small, own) != nil {
		t.Fatalf("%t %v", ok, err)
	}
	graph, err := net.Record(small)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range supernet.Statistics(graph) {
		got, err := nn.Fetch(own, p)
		if want := made(t, small, 7)[p.Name]; err != nil || !slices.Equal(got.Float32s(), want.Float32s()) {
			t.Fatalf("%s: %v, want %v; %v", p.Name, got.Float32s(), want.Float32s(), err)
		}
	}
	if _, ok, err := l.Weights(net, "stage2.depth=2", w); ok || err != nil {
		t.Errorf("a SubNet that is not listed: %t %v", ok, err)
	}
	for what, of := range map[string]bundle.Circumstances{
		"another package": {Package: "vit"}, "another configuration": {Digest: "0"}, "another file of weights (m.onnx": {Weights: "0", Model: "n.onnx"},
		"another set of images": {Data: "0"}, "another way": {Input: "0"},
	} {
		if err := l.Match(of); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := l.Match(bundle.Circumstances{Package: net.Package, Weights: w.SHA256}); err != nil {
		t.Error(err)
	}
}

// TestListedIsBounded: the oldest SubNets go where there is no room for all.
func TestListedIsBounded(t *testing.T) {
	needs.Time(t)
	l := bundle.NewListed(bundle.Circumstances{})
	for k := range 40 {
		l.Add(fmt.Sprint(k), map[string]nn.Tensor{"x": nn.FromFloat32s(nn.Shape{1 << 19}, slices.Repeat([]float32{float32(k)}, 1<<19))}) // 2 MiB
	}
	path := filepath.Join(t.TempDir(), "a.stats")
	if err := l.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > bundle.MaxListed+1<<20 || l.Dropped() != 8 {
		t.Errorf("%d bytes, %d dropped, %v", info.Size(), l.Dropped(), err)
	}
	kept, err := bundle.ReadListed(path)
	if err != nil || kept.Len() != 32 {
		t.Errorf("%d SubNets, %v", kept.Len(), err)
	}
}
