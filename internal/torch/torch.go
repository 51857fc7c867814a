// Package torch is for tests that run PyTorch.
package torch

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// Python finds an interpreter that has some modules, PyTorch where none is named, and skips the test where there is none.
func Python(t testing.TB, modules ...string) string {
	t.Helper()
	if len(modules) == 0 {
		modules = []string{"torch"}
	}
	list := strings.Join(modules, ", ")
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import "+list).Run() == nil {
			return name
		}
	}
	text := "no python3 has " + list + " (Debian: python3-torch, python3-pil, python3-numpy)"
	if os.Getenv("AUTOTAILOR_TORCH_REQUIRED") != "" {
		t.Fatal(text + ", which this run requires")
	}
	t.Skip(text)
	return ""
}
