// Package cpu tells what processor this is.
package cpu

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// GPU returns the model of the NVIDIA GPU of a number, or that of the board where the GPU is part of it, or "" where the system does not tell.
func GPU(number string) string {
	return gpuIn("/proc/driver/nvidia/gpus", "/proc/device-tree/model", number)
}

func gpuIn(gpus, board, number string) string {
	paths, _ := filepath.Glob(filepath.Join(gpus, "*", "information")) // the pattern is well formed
	if n, err := strconv.Atoi(number); err == nil && n >= 0 && n < len(paths) {
		text, _ := os.ReadFile(paths[n])
		for line := range strings.Lines(string(text)) {
			if name, ok := strings.CutPrefix(line, "Model:"); ok {
				return strings.TrimSpace(name)
			}
		}
	}
	text, _ := os.ReadFile(board) // Jetson
	return strings.Trim(string(text), "\x00 \n")
}

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
