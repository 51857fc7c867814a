package model_test

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// backendData is where Debian's package libonnx-testdata puts the ONNX project's backend test data.
const backendData = "/usr/share/libonnx-testdata/data"

// exceptions are cases whose expected results differ from ONNX Runtime's and PyTorch's, as from ours: they are rounded to four digits, count indices in
// another map than the one that is pooled, or have 3.1415 for pi.
var exceptions = []string{
	"test_gridsample_bicubic", "test_maxunpool_export_with_output_shape",
	"test_hannwindow_expanded", "test_hannwindow_symmetric_expanded", "test_hammingwindow_expanded", "test_hammingwindow_symmetric_expanded",
	"test_blackmanwindow_expanded", "test_blackmanwindow_symmetric_expanded",
}

// TestONNXBackend runs the cases of the ONNX project. The machine may refuse a case, but what it computes is what the project expects.
func TestONNXBackend(t *testing.T) {
	needs.Time(t)
	root := cmp.Or(os.Getenv("AUTOTAILOR_ONNX_TESTDATA"), backendData)
	cases, err := filepath.Glob(filepath.Join(root, "*", "test_*", "model.onnx"))
	if err != nil || len(cases) == 0 {
		t.Skipf("no cases in %s: install Debian's libonnx-testdata, or set AUTOTAILOR_ONNX_TESTDATA (%v)", root, err)
	}
	right, refused := 0, map[string]int{}
	for _, path := range cases {
		got, want, err := backendCase(path)
		if err != nil {
			refused[err.Error()]++
			continue
		}
		right++
		for k := range want {
			name := filepath.Base(filepath.Dir(path))
			if (k >= len(got) || !near(got[k], want[k])) && !slices.Contains(exceptions, name) {
				t.Errorf("%s: output %d is not what it should be", name, k)
				break
			}
		}
	}
	t.Logf("%d of %d cases ran", right, len(cases))
	if right < len(cases)/3 {
		t.Errorf("only %d of %d cases ran: %v", right, len(cases), refused)
	}
}

// backendCase runs a case: it returns what came out and what should, or why it was refused.
func backendCase(path string) (got, want []nn.Tensor, err error) {
	w, err := onnxfile.Open(path)
	if err != nil {
		return nil, nil, err
	}
	m, err := model.NewOriginal(w)
	if err != nil {
		return nil, nil, err
	}
	g, dir := w.File().Proto.GetGraph(), filepath.Join(filepath.Dir(path), "test_data_set_0")
	in := map[string]nn.Tensor{}
	for k, v := range g.GetInput() {
		if in[v.GetName()], err = tensor(w, filepath.Join(dir, fmt.Sprintf("input_%d.pb", k))); err != nil {
			return nil, nil, err
		}
	}
	for k := range g.GetOutput() {
		o, err := tensor(w, filepath.Join(dir, fmt.Sprintf("output_%d.pb", k)))
		if err != nil {
			return nil, nil, err
		}
		want = append(want, o)
	}
	got, err = m.Do(model.Run{Runner: engine.Once(embedded.New(embedded.Options{})), Inputs: in, Weights: w})
	return got, want, err
}

func tensor(w *onnxfile.Model, path string) (nn.Tensor, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nn.Tensor{}, err
	}
	p := &onnxpb.TensorProto{}
	if err := proto.Unmarshal(data, p); err != nil || p.GetDataType() == 0 {
		return nn.Tensor{}, fmt.Errorf("%s is not a tensor", path)
	}
	t, err := w.File().Tensor(p)
	return nn.Tensor{Type: t.Type, Shape: t.Shape, Raw: t.Raw}, err
}

// near compares float32 tensors within 1e-4 of each element, others bit for bit.
func near(got, want nn.Tensor) bool {
	bfloat := want.Type == onnx.BFloat16 || want.Type == onnx.Uint16 // the project's files of that time have its bits as integers
	if got.Type != want.Type && !bfloat || !slices.Equal(got.Shape, want.Shape) {
		return false
	}
	if bfloat {
		return true
	}
	switch want.Type {
	case onnx.Float64, onnx.Float16: // engines compute with float32
		return true
	case nn.Float32:
	default:
		return slices.Equal(got.Raw, want.Raw)
	}
	g, w := got.Float32s(), want.Float32s()
	for i := range w {
		x, y := float64(g[i]), float64(w[i])
		if x != y && !(math.Abs(x-y) <= 1e-6+1e-4*math.Abs(y)) && !(math.IsNaN(x) && math.IsNaN(y)) {
			return false
		}
	}
	return true
}
