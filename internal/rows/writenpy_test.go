package rows_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/rows"
)

// TestAppendNPY: what is written is read again, and begins at a multiple of 64 bytes, as NumPy's files do.
func TestAppendNPY(t *testing.T) {
	want := onnx.FromFloat32s([]int{2, 3}, []float32{1, 2, 3, 4, 5, 6})
	b, err := rows.AppendNPY(nil, want)
	if err != nil {
		t.Fatal(err)
	}
	if at := len(b) - len(want.Raw); at%64 != 0 {
		t.Errorf("elements begin at %d", at)
	}
	path := filepath.Join(t.TempDir(), "x.npy")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := rows.OpenArrays([]string{path}, nil, func(string) string { return "x" })
	if err != nil {
		t.Fatal(err)
	}
	if fields := f.Fields(); f.Len() != 2 || len(fields) != 1 || fields[0].Type != onnx.Float32 || !slices.Equal(fields[0].Shape, []int{3}) {
		t.Errorf("%d rows of %+v", f.Len(), fields)
	}
}
