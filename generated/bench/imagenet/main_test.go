package main

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/torch"
)

// TestSmall is the drill with few small pictures and a committed package.
func TestSmall(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	t.Parallel()
	dir, python := t.TempDir(), torch.Python(t, "torch", "numpy", "PIL")
	absolute := func(path string) string {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	d := drill{
		set:    set{classes: 10, train: 610, test: 200, shard: 100, onDisk: 2, pictures: 8, w: 40, h: 36, quality: 90},
		source: absolute("."), dir: dir, python: python, name: "mobilenetv2", torch: absolute("../../mobilenetv2/pytorch"), program: filepath.Join(dir, "program"),
		model: absolute("../../models/mobilenetv2.onnx"), steps: 12, kill: 2, batch: 8, subset: 40, calibrate: 20, evalBatch: 16, throughput: 64, limit: 1.5e9,
		poll: 20 * time.Millisecond, out: t.Output(),
	}
	if _, err := d.command(t.Context(), d.source, nil, "go", "build", "-o", d.program, "../../mobilenetv2/cmd/mobilenetv2"); err != nil {
		t.Fatal(err)
	}
	if err := d.run(t.Context()); err != nil {
		t.Fatal(err)
	}
}
