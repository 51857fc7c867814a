package device

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Meter reads a device's energy or power from files of the operating system. The energy is that of all that the file
// covers (a processor package, a battery), idle parts included.
type Meter struct {
	read   func() (float64, error)
	energy bool          // read returns millijoules since some time, else milliwatts
	wrap   float64       // millijoules at which an energy starts again, 0 for never
	window time.Duration // that a measurement needs
	every  time.Duration // between readings of a power
}

// gauges are the files that the operating system is known to have, by the patterns of their names.
var gauges = []struct {
	pattern string
	unit    string
}{
	{"energy_uj", "uJ"},       // powercap: RAPL of Intel and AMD processors
	{"energy*_input", "uJ"},   // hwmon
	{"power_now", "uW"},       // power_supply
	{"power*_input", "uW"},    // hwmon, INA226 and the like
	{"power*_average", "uW"},  // hwmon
	{"in_power*_input", "mW"}, // iio: INA3221 of Jetson boards
}

// units has the milliwatts or millijoules of one.
var units = map[string]float64{"uW": 1e-3, "mW": 1, "W": 1e3, "uJ": 1e-3, "mJ": 1, "J": 1e3}

// OpenMeter opens a file that holds a power or an energy that only grows, such as
// /sys/class/powercap/intel-rapl:0/energy_uj, or a folder of /sys/class/power_supply. A file of another name needs its unit:
// mW=/path.
func OpenMeter(where string) (*Meter, error) {
	unit, path, given := strings.Cut(where, "=")
	if _, known := units[unit]; !given || !known {
		path, unit = where, ""
	}
	if i, err := os.Stat(path); err == nil && i.IsDir() {
		return battery(path)
	}
	for _, g := range gauges {
		if ok, _ := filepath.Match(g.pattern, filepath.Base(path)); ok && unit == "" {
			unit = g.unit
		}
	}
	if unit == "" {
		return nil, fmt.Errorf("meter %s: the unit of this file is not known; write it before the path: mW=%s (uW, mW, W for a power; uJ, mJ, J for an energy)", where, path)
	}
	m := &Meter{energy: strings.HasSuffix(unit, "J"), window: 200 * time.Millisecond, every: 5 * time.Millisecond}
	m.read = func() (float64, error) { return number(path, units[unit]) }
	if m.energy {
		if top, err := number(filepath.Join(filepath.Dir(path), "max_energy_range_uj"), units["uJ"]); err == nil {
			m.wrap = top
		}
	}
	_, err := m.read()
	return m, err
}

// battery reads a folder of power_supply, whose files differ between devices.
func battery(dir string) (*Meter, error) {
	m := &Meter{window: 500 * time.Millisecond, every: 20 * time.Millisecond}
	_, err := os.Stat(filepath.Join(dir, "power_now"))
	if err == nil {
		m.read = func() (float64, error) { return number(filepath.Join(dir, "power_now"), units["uW"]) }
	} else {
		m.read = func() (float64, error) {
			current, err := number(filepath.Join(dir, "current_now"), 1e-6) // some devices count it below zero while discharging
			voltage, err2 := number(filepath.Join(dir, "voltage_now"), 1e-6)
			return max(current, -current) * voltage * 1e3, errors.Join(err, err2)
		}
	}
	if _, err := m.read(); err != nil {
		return nil, fmt.Errorf("meter %s: it has neither power_now nor current_now and voltage_now: %w", dir, err)
	}
	return m, nil
}

// number reads a file that holds a number.
func number(path string, scale float64) (float64, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64)
	if err != nil || v != v || v-v != 0 {
		return 0, fmt.Errorf("%s holds %q, want a number", path, clip(text))
	}
	return scale * v, nil
}

// Window is how long a measurement should take.
func (m *Meter) Window() time.Duration { return m.window }

// Measure calls run and returns the millijoules taken meanwhile: the difference of an energy, or the integral of a power by
// the trapezoidal rule over readings at equal intervals.
func (m *Meter) Measure(run func() error) (float64, error) {
	if !m.energy {
		return m.integrate(run)
	}
	before, err := m.read()
	if err != nil {
		return 0, err
	}
	if err := run(); err != nil {
		return 0, err
	}
	after, err := m.read()
	used := after - before
	if used < 0 && m.wrap > 0 {
		used += m.wrap
	}
	switch {
	case err != nil:
		return 0, err
	case used < 0:
		return 0, fmt.Errorf("the energy fell from %g to %g mJ: the file is not a counter of energy", before, after)
	case used == 0:
		return 0, errors.New("the energy did not grow during the measurement")
	}
	return used, nil
}

// integrate is Measure of a power.
func (m *Meter) integrate(run func() error) (float64, error) {
	last, err := m.read()
	if err != nil {
		return 0, err
	}
	at, total := time.Now(), 0.0
	var failed error
	add := func() {
		p, err := m.read()
		now := time.Now()
		if err != nil {
			failed = err
			return
		}
		total += (last + p) / 2 * now.Sub(at).Seconds()
		last, at = p, now
	}
	end := make(chan struct{})
	var readings sync.WaitGroup
	readings.Go(func() {
		for tick := time.NewTicker(m.every); ; {
			select {
			case <-end:
				tick.Stop()
				return
			case <-tick.C:
				add()
			}
		}
	})
	err = run()
	close(end)
	readings.Wait()
	add()
	if err = errors.Join(err, failed); err == nil && total <= 0 {
		err = errors.New("the power was not above zero during the measurement")
	}
	return total, err
}
