package device

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/autotailor/autotailor/internal/infile"
)

// gauges are the files that the operating system is known to have, by the patterns of their names.
var gauges = []struct{ pattern, unit string }{
	{"energy_uj", "uJ"},       // powercap: RAPL of Intel and AMD processors
	{"energy*_input", "uJ"},   // hwmon
	{"power_now", "uW"},       // power_supply
	{"power*_input", "uW"},    // hwmon, INA226 and the like
	{"power*_average", "uW"},  // hwmon
	{"in_power*_input", "mW"}, // iio: INA3221 of Jetson boards, JetPack 4
}

// units has the milliwatts or millijoules of one.
var units = map[string]float64{"uW": 1e-3, "mW": 1, "W": 1e3, "uJ": 1e-3, "mJ": 1, "J": 1e3}

// folders are what a folder may be, by a file that only it has.
var folders = []struct {
	has  string
	open func(dir string, found []string) (*Meter, error)
}{
	{"energy_uj", func(_ string, found []string) (*Meter, error) { return counters(found, "uJ") }},
	{"*-rapl:[0-9]*/energy_uj", packages},
	{"power_now", func(_ string, found []string) (*Meter, error) { return openFile("", found[0]) }},
	{"current_now", battery},
	{"power[0-9]*_input", channels},
	{"curr[0-9]*_input", channels},
}

// OpenMeter opens what tells a power, or an energy that only grows. It is a file that the operating system is known to have, such as
// /sys/class/powercap/intel-rapl:0/energy_uj; any other file with its unit before it, mW=/path; a current of hwmon (curr1_input) that has its voltage
// beside it (in1_input), as an INA3221 of a Jetson board has; or a folder with such files: /sys/class/powercap, a folder of
// /sys/class/power_supply or of /sys/class/hwmon.
func OpenMeter(where string) (*Meter, error) {
	unit, path, given := strings.Cut(where, "=")
	if _, known := units[unit]; !given || !known {
		path, unit = where, ""
	}
	i, err := os.Stat(path)
	if err == nil && i.IsDir() {
		return openFolder(path)
	}
	return openFile(unit, path)
}

// openFile opens a file whose unit is given, or known by its name.
func openFile(unit, path string) (*Meter, error) {
	base := filepath.Base(path)
	if ok, _ := filepath.Match("curr[0-9]*_input", base); ok && unit == "" {
		return product(path, filepath.Join(filepath.Dir(path), "in"+strings.TrimPrefix(base, "curr")), 1e-3)
	}
	for _, g := range gauges {
		if ok, _ := filepath.Match(g.pattern, base); ok {
			unit = cmp.Or(unit, g.unit)
		}
	}
	switch {
	case unit == "":
		return nil, fmt.Errorf("meter %s: the unit of this file is not known; write it before the path: mW=%s (uW, mW, W for a power; uJ, mJ, J for an energy)", path, path)
	case strings.HasSuffix(unit, "J"):
		return counters([]string{path}, unit)
	}
	return power(200*time.Millisecond, func() (float64, error) { return number(path, units[unit]) })
}

func openFolder(dir string) (*Meter, error) {
	for _, f := range folders {
		if found, _ := filepath.Glob(filepath.Join(dir, f.has)); len(found) > 0 {
			return f.open(dir, found)
		}
	}
	return nil, fmt.Errorf("meter %s: the folder has no energy_uj, power_now, power1_input, curr1_input or current_now", dir)
}

// packages is a meter of all processor packages of a machine. Parts of a package, and what counts the whole machine again, are left out.
func packages(dir string, found []string) (*Meter, error) {
	var list []string
	for _, path := range found {
		name, _ := infile.Read(filepath.Join(filepath.Dir(path), "name"), infile.Text)
		if strings.HasPrefix(string(name), "package-") {
			list = append(list, path)
		}
	}
	if list == nil {
		return nil, fmt.Errorf("meter %s: none of its energies is of a processor package: name one of %s", dir, strings.Join(found, ", "))
	}
	return counters(list, "uJ")
}

// counters is a meter of the sum of energies.
func counters(paths []string, unit string) (*Meter, error) {
	m := &Meter{window: 200 * time.Millisecond}
	for _, path := range paths {
		c := counter{path: path, scale: units[unit]}
		if top, err := number(filepath.Join(filepath.Dir(path), "max_energy_range_uj"), units["uJ"]); err == nil {
			c.wrap = top
		}
		m.counters = append(m.counters, c)
	}
	_, err := m.read()
	if errors.Is(err, os.ErrPermission) {
		err = fmt.Errorf("%w: the kernel lets only root read it; root may allow it with chmod a+r", err)
	}
	return m, err
}

// power is a meter of a power in milliwatts.
func power(window time.Duration, read func() (float64, error)) (*Meter, error) {
	m := &Meter{window: window, every: window / 40, power: read}
	_, err := read()
	return m, err
}

// product is a meter of a current times a voltage, of which one has so many milliwatts. Some devices count a current below zero while discharging.
func product(current, voltage string, scale float64) (*Meter, error) {
	return power(500*time.Millisecond, func() (float64, error) {
		i, err := number(current, 1)
		v, err2 := number(voltage, scale)
		return max(i, -i) * v, errors.Join(err, err2)
	})
}

// battery reads a folder of power_supply that has no power: it has microamperes and microvolts.
func battery(dir string, found []string) (*Meter, error) {
	return product(found[0], filepath.Join(dir, "voltage_now"), 1e-9)
}

// channels reads a folder of hwmon, whose chip may watch several lines. The lines of a board feed one another, so that their sum is the power of nothing:
// the user must name one.
func channels(dir string, found []string) (*Meter, error) {
	if len(found) == 1 {
		return openFile("", found[0])
	}
	var list []string
	for _, path := range found {
		channel := strings.TrimSuffix(strings.TrimLeft(filepath.Base(path), "abcdefghijklmnopqrstuvwxyz"), "_input")
		label := ""
		for _, name := range []string{"power" + channel + "_label", "curr" + channel + "_label", "in" + channel + "_label"} {
			text, _ := infile.Read(filepath.Join(dir, name), infile.Text)
			label = cmp.Or(label, strings.TrimSpace(string(text)))
		}
		list = append(list, fmt.Sprintf("%s (%s)", path, cmp.Or(label, "no label")))
	}
	return nil, fmt.Errorf("meter %s: it has %d lines: name one of %s", dir, len(found), strings.Join(list, ", "))
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
