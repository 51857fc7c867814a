package device_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/runtime/measure/device"
)

// gauge writes a file and returns its path.
func gauge(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestEnergyCounter: an energy is a difference, also over the counter's end.
func TestEnergyCounter(t *testing.T) {
	for name, c := range map[string]struct {
		before, after int
		want          float64
		err           string
	}{
		"grows":       {5_000, 12_000, 7, ""},
		"starts anew": {9_999_000, 500, 1.5, ""},
		"stands":      {7, 7, 0, "did not grow"},
	} {
		dir := t.TempDir()
		gauge(t, dir, "max_energy_range_uj", "10000000\n")
		path := gauge(t, dir, "energy_uj", fmt.Sprintln(c.before))
		m, err := device.OpenMeter(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Measure(func() error { gauge(t, dir, "energy_uj", fmt.Sprintln(c.after)); return nil })
		if c.err == "" && (err != nil || got != c.want) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%s: %v mJ, %v", name, got, err)
		}
	}
	dir := t.TempDir()
	m, err := device.OpenMeter("mJ=" + gauge(t, dir, "joules", "9"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Measure(func() error { gauge(t, dir, "joules", "3"); return nil }); err == nil || !strings.Contains(err.Error(), "not a counter") {
		t.Errorf("falling energy: %v", err)
	}
}

// TestPowerIsIntegrated: the energy of a constant power is power times time, and a change counts from when it is seen on.
func TestPowerIsIntegrated(t *testing.T) {
	dir := t.TempDir()
	gauge(t, dir, "current_now", "-500000")
	gauge(t, dir, "voltage_now", "4000000")
	for where, watts := range map[string]float64{
		gauge(t, dir, "power_now", "3000000\n"): 3, gauge(t, dir, "power1_input", "1500000"): 1.5, "W=" + gauge(t, dir, "mains", "2.5"): 2.5, dir: 3,
	} {
		m, err := device.OpenMeter(where)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		var inside time.Duration
		got, err := m.Measure(func() error {
			run := time.Now()
			time.Sleep(30 * time.Millisecond)
			inside = time.Since(run)
			return nil
		})
		if whole := time.Since(start); err != nil || got < 1e3*watts*inside.Seconds()*0.999 || got > 1e3*watts*whole.Seconds()*1.001 {
			t.Errorf("%s: %v mJ in %v to %v at %v W, %v", where, got, inside, whole, watts, err)
		}
	}
	os.Remove(filepath.Join(dir, "power_now"))
	if m, err := device.OpenMeter(dir); err != nil {
		t.Error(err)
	} else if got, err := m.Measure(func() error { time.Sleep(10 * time.Millisecond); return nil }); err != nil || got < 20 {
		t.Errorf("current times voltage, 2 W: %v mJ, %v", got, err)
	}
}

func TestMetersThatAreNone(t *testing.T) {
	dir := t.TempDir()
	for where, want := range map[string]string{
		gauge(t, dir, "temperature", "35"): "mW=", filepath.Join(dir, "energy_uj"): "no such file", gauge(t, dir, "power_now2", ""): "unit", "uW=" + gauge(t, dir, "text", "warm"): "want a number", t.TempDir(): "neither power_now",
	} {
		if _, err := device.OpenMeter(where); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", where, err, want)
		}
	}
}
