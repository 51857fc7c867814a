package conform

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/deploy/ncnn"
	"github.com/autotailor/autotailor/runtime/space"
)

// TestFixedBatch: a detector that was exported with a batch of 1 is an NCNN model that computes the same.
func TestFixedBatch(t *testing.T) {
	needs.Clone(t)
	file := filepath.Join("testdata", "strangers", "yolov5.onnx")
	c, p, w := opened(t, file)
	g, in := described(t, p, make(space.Genes, len(choicesOf(c))))
	m, err := ncnn.Export(g, w, ncnn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Run(in[0].Float32s())
	if err != nil {
		t.Fatal(err)
	}
	if d := distance(evaluate(t, runtimeEngine(t), file, in...), slices.Concat(got...)); !(d < 1e-5) {
		t.Errorf("%g from the model", d)
	}
}
