package onnxfile_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// linear is a layer of n by n weights, with a bias.
func linear(t *testing.T, n int) *nn.Graph {
	t.Helper()
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, n})
		b.Output("y", b.Linear(x, nn.Linear{Name: "fc", Weight: nn.Param{Name: "w", Shape: nn.Shape{n, n}}, Bias: nn.Param{Name: "b", Shape: nn.Shape{n}}}))
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestBeside: large weights go into a second file, from which they are read again; a failure of that is the failure of all.
func TestBeside(t *testing.T) {
	const n = 50
	g, dir := linear(t, n), t.TempDir()
	w := nn.MapWeights{"w": nn.FromFloat32s(nn.Shape{n, n}, slices.Repeat([]float32{1.5}, n*n)), "b": nn.FromFloat32s(nn.Shape{n}, slices.Repeat([]float32{-1}, n))}
	var model, data bytes.Buffer
	beside := &onnxfile.Beside{Name: "m.data", Data: &data}
	if err := onnxfile.Write(&model, g, w, onnxfile.WriteOptions{Beside: beside}); err != nil {
		t.Fatal(err)
	}
	if data.Len() != 4*n*n || beside.Bytes != 4*n*n || model.Len() > 2000 {
		t.Errorf("%d bytes beside a model of %d", data.Len(), model.Len())
	}
	path := filepath.Join(dir, "m.onnx")
	if err := errors.Join(os.WriteFile(path, model.Bytes(), 0o600), os.WriteFile(filepath.Join(dir, "m.data"), data.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	m, err := onnxfile.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range w {
		got, err := m.Tensor(name)
		if err != nil || !slices.Equal(got.Shape, want.Shape) || !bytes.Equal(got.Raw, want.Raw) {
			t.Errorf("%s: %v, %v", name, got.Shape, err)
		}
		if s, err := m.Shape(name); err != nil || !slices.Equal(s, want.Shape) {
			t.Errorf("%s has the shape %v, %v", name, s, err)
		}
	}
	full := errors.New("no space")
	beside = &onnxfile.Beside{Name: "m.data", Data: failing{full}}
	if err := onnxfile.Write(&model, g, w, onnxfile.WriteOptions{Beside: beside}); !errors.Is(err, full) {
		t.Errorf("a full disk: %v", err)
	}
}

type failing struct{ error }

func (f failing) Write([]byte) (int, error) { return 0, f.error }

// TestLarge: a network whose weights an ONNX file of 2 GiB cannot take needs two files.
func TestLarge(t *testing.T) {
	if strconv.IntSize < 64 {
		t.Skip("no int of this machine counts that much")
	}
	if onnxfile.Large(linear(t, 15_000)) || !onnxfile.Large(linear(t, 23_200)) {
		t.Error("0.9 GB are large, or 2.15 GB are not")
	}
}
