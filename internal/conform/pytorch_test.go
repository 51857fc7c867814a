package conform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen/pytorch"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/torch"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/space"
)

// withoutPyTorch are architectures that the PyTorch package is not made for, with part of the reason.
var withoutPyTorch = map[string]string{
	"two inputs":                             "one input",
	"BERT-like":                              "one input",
	"infinite mask":                          "one input",
	"transformer in pieces":                  "one input",
	"signals (one-dimensional convolutions)": "one input",
	"feature pyramid":                        "one output",
	"fully convolutional, two outputs":       "one output",
}

// torchCase is a SubNet and what it is run on.
type torchCase struct {
	SubNet string    `json:"subnet"`
	Shape  []int     `json:"shape"`
	Input  []float32 `json:"input"`
	want   []float32
}

// TestZooInPyTorch: the PyTorch package of every architecture of the zoo computes what the embedded engine does.
func TestZooInPyTorch(t *testing.T) {
	needs.Time(t)
	var names, dirs []string
	cases := map[string][]torchCase{}
	for name, build := range allArchitectures() {
		dir := filepath.Join(t.TempDir(), fmt.Sprint(len(dirs)))
		list, err := emitted(t, dir, zooModel(t, build))
		if why, ok := withoutPyTorch[name]; ok || err != nil {
			if err == nil || why == "" || !strings.Contains(err.Error(), why) {
				t.Errorf("%s: want an error with %q, got %v", name, why, err)
			}
			continue
		}
		names, dirs, cases[name] = append(names, name), append(dirs, dir), list
	}
	for k, line := range forward(t, dirs) {
		var got struct {
			Outputs [][]float64
			Error   string
		}
		if err := json.Unmarshal(line, &got); err != nil || got.Error != "" {
			t.Errorf("%s: %v %s", names[k], err, got.Error)
			continue
		}
		for i, c := range cases[names[k]] {
			if d := apart(c.want, got.Outputs[i]); !(d < 1e-4) {
				t.Errorf("%s, %s: outputs are %g apart", names[k], c.SubNet, d)
			}
		}
	}
}

// emitted writes the PyTorch package of a model, the model and its cases to a folder.
func emitted(t *testing.T, dir, model string) ([]torchCase, error) {
	t.Helper()
	c, p, w := opened(t, model)
	files, err := pytorch.Files(p)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, f.Data, 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	var list []torchCase
	choices, rng := choicesOf(c), rand.New(rand.NewPCG(23, 23))
	for k := range 4 {
		genes := make(space.Genes, len(choices))
		if k > 0 {
			genes = space.Random(choices, rng)
		}
		g, in := described(t, p, genes)
		s, err := embedded.New(embedded.Options{}).Compile(g, w)
		if err != nil {
			t.Fatal(err)
		}
		out, err := s.Run(in...)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, torchCase{space.Format(choices, genes), in[0].Shape, in[0].Float32s(), slices.Clone(out[0].Float32s())})
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	text, err := json.Marshal(list)
	data, err2 := os.ReadFile(model)
	if err := errors.Join(err, err2, os.WriteFile(filepath.Join(dir, "cases.json"), text, 0o666), os.WriteFile(filepath.Join(dir, "model.onnx"), data, 0o666)); err != nil {
		t.Fatal(err)
	}
	return list, nil
}

// forward runs forward.py, which prints a line for each folder.
func forward(t *testing.T, dirs []string) [][]byte {
	t.Helper()
	script, err := filepath.Abs("testdata/forward.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(torch.Python(t), append([]string{script}, dirs...)...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	var messages bytes.Buffer
	cmd.Stderr = &messages
	out, err := cmd.Output()
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	if err != nil || len(lines) != len(dirs) {
		t.Fatalf("%d lines for %d folders: %v\n%s", len(lines), len(dirs), err, messages.Bytes())
	}
	return lines
}

// apart is the largest difference, as a share of the largest element.
func apart(want []float32, got []float64) float64 {
	if len(want) != len(got) {
		return math.Inf(1)
	}
	worst, scale := 0.0, 1.0
	for i, v := range want {
		d := math.Abs(float64(v) - got[i])
		if d != d {
			return d
		}
		worst, scale = max(worst, d), max(scale, math.Abs(float64(v)))
	}
	return worst / scale
}
