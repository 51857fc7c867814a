package device_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
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
		gauge(t, dir, "temperature", "35"): "mW=", filepath.Join(dir, "energy_uj"): "no such file", gauge(t, dir, "power_now2", ""): "unit", "uW=" + gauge(t, dir, "text", "warm"): "want a number", t.TempDir(): "the folder has no energy_uj",
		gauge(t, dir, "curr1_input", "5"): "in1_input",
	} {
		if _, err := device.OpenMeter(where); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", where, err, want)
		}
	}
}

// board writes fake files of the operating system, with a line end each, and returns their folder.
func board(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestRAPL: the folder of powercap counts each processor package once, over the end of its counter, and neither parts of packages nor the machine.
func TestRAPL(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("its files have no names with colons")
	}
	dir := board(t, map[string]string{
		"intel-rapl:0/name": "package-0", "intel-rapl:0/energy_uj": "262143000000", "intel-rapl:0/max_energy_range_uj": "262143328850",
		"intel-rapl:1/name": "package-1", "intel-rapl:1/energy_uj": "1000000",
		"intel-rapl:0:0/name": "core", "intel-rapl:0:0/energy_uj": "5", "intel-rapl:2/name": "psys", "intel-rapl:2/energy_uj": "7", "intel-rapl/enabled": "1",
	})
	m, err := device.OpenMeter(dir)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Measure(func() error {
		for name, text := range map[string]string{"0": "671150", "1": "1500000", "0:0": "9000000", "2": "9000000"} {
			if err := os.WriteFile(filepath.Join(dir, "intel-rapl:"+name, "energy_uj"), []byte(text), 0o600); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || math.Abs(got-1500) > 1e-6 { // 1 J of the first package, half of the second
		t.Errorf("%v mJ, %v", got, err)
	}
	if _, err := device.OpenMeter(board(t, map[string]string{"intel-rapl:2/name": "psys", "intel-rapl:2/energy_uj": "7"})); err == nil || !strings.Contains(err.Error(), "name one of") {
		t.Errorf("no package: %v", err)
	}
}

// TestINA: a line of an INA3221 is current times voltage, that of an INA226 a power; where a chip has several lines, one must be named.
func TestINA(t *testing.T) {
	jetson := board(t, map[string]string{ // JetPack 5: milliamperes and millivolts
		"name": "ina3221", "in1_label": "VDD_IN", "in1_input": "5000", "curr1_input": "1200", "in2_label": "VDD_CPU_GPU_CV", "in2_input": "5000", "curr2_input": "300",
	})
	if _, err := device.OpenMeter(jetson); err == nil || !strings.Contains(err.Error(), filepath.Join(jetson, "curr1_input")+" (VDD_IN), ") {
		t.Errorf("two lines: %v", err)
	}
	one := board(t, map[string]string{"name": "ina226", "in1_input": "5000", "curr1_input": "500", "power1_input": "2500000"})
	for where, watts := range map[string]float64{filepath.Join(jetson, "curr1_input"): 6, one: 2.5} {
		m, err := device.OpenMeter(where)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		got, err := m.Measure(func() error { time.Sleep(20 * time.Millisecond); return nil })
		if took := time.Since(start).Seconds(); err != nil || got < watts*20*0.999 || got > watts*took*1e3*1.001 {
			t.Errorf("%s: %v mJ in %v s, %v", where, got, took, err)
		}
	}
}
