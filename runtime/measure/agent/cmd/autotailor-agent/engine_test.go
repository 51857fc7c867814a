//go:build cgo

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/measure/agent"
	"github.com/autotailor/autotailor/runtime/nn"
)

// TestAgentOfAnotherEngine: the agent serves ONNX Runtime by its library, and tells what networks take by a meter.
func TestAgentOfAnotherEngine(t *testing.T) {
	needs.Time(t)
	lib, err := ort.Find()
	if err != nil {
		t.Skip(err)
	}
	if lib, err = filepath.Abs(lib); err != nil {
		t.Fatal(err)
	}
	t.Setenv(ort.Variable, lib)
	program, meter := filepath.Join(t.TempDir(), "autotailor-agent"), filepath.Join(t.TempDir(), "power1_input")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.WriteFile(meter, []byte("3000000\n"), 0o600); err != nil { // 3 W
		t.Fatal(err)
	}
	address, token := served(t, program, "serve", "--engine", "onnxruntime", "--meter", meter)
	c, err := agent.Open(t.Context(), address, agent.ClientOptions{Token: token, Threads: 1, Silence: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if i := c.Info(); i.Name != "onnxruntime" || i.Rules != "onnxruntime" || i.Version == "" || runtime.GOOS == "linux" && i.Cores == "" {
		t.Errorf("the device is %+v", i)
	}
	g, err := nn.Record(func(b nn.Builder) {
		b.Output("y", b.Softmax(b.Input("x", nn.Float32, nn.Shape{1, 50_000}), 1))
	})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Measure(t.Context(), []engine.Job{{Graph: g, Weights: nn.MapWeights{}, Runs: 3, Limit: time.Second}}, func(_ int, m engine.Measurement) {
		if m.Failed != "" || len(m.Times) != 3 {
			t.Fatalf("%+v", m)
		}
		if watts := m.Energy / 1e3 / m.Times[1].Seconds(); watts < 0.5 || watts > 60 { // the machine is busy with other tests
			t.Errorf("%v mJ for %v", m.Energy, m.Times)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// TestEnginesOfTheAgent: what it does not have is told with what it has.
func TestEnginesOfTheAgent(t *testing.T) {
	for line, want := range map[string]string{
		"drive --engine tflite":                  "engines are embedded, onnxruntime",
		"drive --engine onnxruntime:warp":        "there is no execution provider",
		"drive --meter /no/such":                 "the unit of this file is not known",
		"serve --driver x --engine onnxruntime":  "--driver measures itself",
		"serve --driver x --meter energy_uj":     "--driver measures itself",
		"drive --engine onnxruntime:cuda,warp=1": "onnxruntime:cuda",
	} {
		var out strings.Builder
		if code := run(t.Context(), strings.Fields(line), &out, &out); code == 0 || !strings.Contains(out.String(), want) {
			t.Errorf("%q: exit code %d\n%s", line, code, out.String())
		}
	}
}
