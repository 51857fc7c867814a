package onnxfile_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/generated/convnext"
	"github.com/autotailor/autotailor/generated/mobilenetv3"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// TestFloat16: models with float16 weights are about half as large and give nearly the same in ONNX Runtime.
func TestFloat16(t *testing.T) {
	lib, err := ort.Find()
	if err != nil {
		t.Skip("ONNX Runtime is the oracle of this test: ", err)
	}
	e, err := ort.New(lib, ort.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, net := range map[string]*supernet.Net{"convnext": convnext.Definition(), "mobilenetv3": mobilenetv3.Definition()} {
		w, err := onnxfile.Open("../../generated/models/" + name + ".onnx")
		if err != nil {
			t.Fatal(err)
		}
		g, err := net.Record(make([]uint8, len(net.Choices)))
		if err != nil {
			t.Fatal(err)
		}
		var results [2][]float32
		var sizes [2]int
		for k, half := range []bool{false, true} {
			var file bytes.Buffer
			if err := onnxfile.Write(&file, g, w, onnxfile.WriteOptions{Float16: half}); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "net.onnx")
			if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := e.OpenModel(path)
			if err != nil {
				t.Fatal(err)
			}
			in := make([]float32, 32*32)
			for i := range in {
				in[i] = float32(math.Sin(float64(i * i)))
			}
			out, err := s.Run(nn.FromFloat32s(nn.Shape{1, 1, 32, 32}, in))
			if err != nil {
				t.Fatal(err)
			}
			results[k], sizes[k] = out[0].Float32s(), file.Len()
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
		var diff, norm float64
		for i, v := range results[0] {
			diff += math.Pow(float64(v-results[1][i]), 2)
			norm += float64(v) * float64(v)
		}
		if d := math.Sqrt(diff / norm); !(d < 1e-2) || d == 0 {
			t.Errorf("%s: results differ by %g", name, d)
		}
		if 10*sizes[1] > 6*sizes[0] {
			t.Errorf("%s: %d bytes with float16 weights, %d without", name, sizes[1], sizes[0])
		}
	}
}
