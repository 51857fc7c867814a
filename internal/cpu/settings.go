package cpu

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Cores lists the processors that this process may run on, as the kernel counts them ("0-3"), or "" where the system does not tell.
func Cores() string { return coresIn("/proc/self/status") }

// Governor names the policies by which the system changes the clocks of its processors ("performance", "powersave+schedutil"), or returns "" where
// the system does not tell, as virtual machines do not.
func Governor() string { return governorIn("/sys/devices/system/cpu") }

func coresIn(status string) string {
	text, _ := os.ReadFile(status) // absent on systems other than Linux
	for line := range strings.Lines(string(text)) {
		if list, ok := strings.CutPrefix(line, "Cpus_allowed_list:"); ok {
			return strings.TrimSpace(list)
		}
	}
	return ""
}

func governorIn(dir string) string {
	paths, _ := filepath.Glob(filepath.Join(dir, "cpu[0-9]*", "cpufreq", "scaling_governor")) // the pattern is well formed
	var names []string
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if name := strings.TrimSpace(string(text)); err == nil && name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, "+")
}
