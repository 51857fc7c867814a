package device_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/measure/device"
)

// fakeOpenVINO stands for the package openvino: it refuses the second network, and what the driver must not ask for.
const fakeOpenVINO = `import time
__version__ = "2025.1.0-test"

class Data:
    def __setitem__(self, where, value):
        assert where is Ellipsis
        self.filled = True

class Tensor:
    def __init__(self):
        self.data = Data()

class Request:
    def __init__(self):
        self.input_tensors = [Tensor()]

    def infer(self):
        assert self.input_tensors[0].data.filled
        time.sleep(0.002)

class Compiled:
    def create_infer_request(self):
        return Request()

class Core:
    def get_property(self, device, name):
        assert name == "FULL_DEVICE_NAME"
        if device != "CPU":
            raise RuntimeError("no device " + device)
        return "Test CPU"

    def compile_model(self, path, device, config):
        assert config == {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}, config
        if b"autotailor" not in open(path, "rb").read():
            raise RuntimeError("no model of ours")
        Core.compiled = getattr(Core, "compiled", 0) + 1
        if Core.compiled == 2:
            raise RuntimeError("unsupported\noperator")
        return Compiled()
`

// TestOpenVINODriver runs the driver with a package that stands for OpenVINO's.
func TestOpenVINODriver(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "openvino.py"), []byte(fakeOpenVINO), 0o600); err != nil {
		t.Fatal(err)
	}
	const program = " python3 -B drivers/openvino-python.py "
	for line, want := range map[string]string{
		"env PYTHONPATH=" + dir + program + "NPU":                "OpenVINO does not start on NPU: no device NPU",
		"env PYTHONPATH=" + filepath.Join(dir, "none") + program: "No module named 'openvino'",
	} {
		if strings.Contains(want, "No module") && exec.Command("python3", "-c", "import openvino").Run() == nil {
			continue
		}
		if _, err := device.OpenCommand(line, device.Options{Threads: 1}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", line, err, want)
		}
	}
	d, err := device.OpenCommand("env PYTHONPATH="+dir+program, device.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if i := d.Info(); i.Name != "openvino-cpu" || i.Device != "Test CPU" || i.Version != "2025.1.0-test" || i.Threads != 1 {
		t.Errorf("%+v", i)
	}
	err = d.Measure(t.Context(), jobs(t, 3), func(k int, m engine.Measurement) {
		switch {
		case k == 1:
			if !strings.Contains(m.Failed, "unsupported") {
				t.Errorf("job 1: %+v", m)
			}
		case len(m.Times) == 0 || slices.Min(m.Times) < 2*time.Millisecond: // a busy machine may reach the limit before three runs
			t.Errorf("job %d: %+v", k, m)
		}
	})
	if err != nil {
		t.Error(err)
	}
}
