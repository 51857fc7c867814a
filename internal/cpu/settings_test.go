package cpu

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestSettings: cores and governors are read as Linux writes them, and unknown where there is nothing to read.
func TestSettings(t *testing.T) {
	dir := t.TempDir()
	write := func(text string, path ...string) string {
		name := filepath.Join(append([]string{dir}, path...)...)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	if got := governorIn(dir); got != "" {
		t.Errorf("no governors: %q", got)
	}
	write("schedutil\n", "cpu0", "cpufreq", "scaling_governor")
	write("powersave\n", "cpu10", "cpufreq", "scaling_governor")
	write("schedutil\n", "cpu1", "cpufreq", "scaling_governor")
	write("x\n", "cpufreq", "scaling_governor")
	if got := governorIn(dir); got != "powersave+schedutil" {
		t.Errorf("governors %q", got)
	}
	if got := coresIn(write("Name:\tx\nCpus_allowed:\tf\nCpus_allowed_list:\t0-1,4\nMems_allowed:\t1\n", "status")); got != "0-1,4" {
		t.Errorf("cores %q", got)
	}
	if got := coresIn(filepath.Join(dir, "none")); got != "" {
		t.Errorf("no file: %q", got)
	}
}

// TestGPU: an NVIDIA GPU is named by the driver, and that of a Jetson by the board.
func TestGPU(t *testing.T) {
	dir := t.TempDir()
	write := func(text string, path ...string) {
		name := filepath.Join(append([]string{dir}, path...)...)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	board := filepath.Join(dir, "model")
	if got := gpuIn(dir, board, "0"); got != "" {
		t.Errorf("nothing: %q", got)
	}
	write("NVIDIA Jetson Orin Nano Developer Kit\x00", "model")
	if got := gpuIn(dir, board, "0"); got != "NVIDIA Jetson Orin Nano Developer Kit" {
		t.Errorf("board: %q", got)
	}
	write("Model: \t\t NVIDIA H200\nIRQ:   \t\t 12\n", "0000:1b:00.0", "information")
	if got := gpuIn(dir, board, "0"); got != "NVIDIA H200" {
		t.Errorf("GPU: %q", got)
	}
}
