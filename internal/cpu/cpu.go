// Package cpu tells what processor this is.
package cpu

import (
	"os"
	"runtime"
	"strings"
)

// Name returns the processor's model name, or its architecture where the system does not tell.
func Name() string {
	if name := strings.TrimSpace(brand()); name != "" {
		return strings.Join(strings.Fields(name), " ")
	}
	text, _ := os.ReadFile("/proc/cpuinfo") // Linux on other architectures; absent elsewhere
	for line := range strings.Lines(string(text)) {
		key, name, _ := strings.Cut(line, ":")
		if key = strings.TrimSpace(key); key == "model name" || key == "Model" || key == "Hardware" {
			return strings.TrimSpace(name)
		}
	}
	return runtime.GOARCH
}
