package main

import (
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// TestRunners: everything that is timed runs, PyTorch and ONNX Runtime where they are installed.
func TestRunners(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	o := options{batch: 2, threads: 2, models: filepath.Join("..", "..", "..", "generated", "models"), python: "/usr/bin/python3"}
	for _, net := range nets() {
		g, w, err := load(o, net)
		if err != nil {
			t.Fatal(err)
		}
		ours, err := openOurs(o, g, w)
		if err != nil {
			t.Fatal(err)
		}
		torch, err := openTorch(o, g, w)
		if err != nil {
			t.Log("not timed: ", err)
		}
		ort, err := openORT(o, g, w)
		if err != nil {
			t.Log("not timed: ", err)
		}
		for _, r := range append(append(ours, torch...), ort...) {
			if d, err := r.run(1); err != nil || d <= 0 {
				t.Errorf("%s: %s took %v: %v", net.Package, r.field, d, err)
			}
			if r.close == nil {
				continue
			}
			if err := r.close(); err != nil {
				t.Error(err)
			}
		}
	}
}
