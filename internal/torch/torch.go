// Package torch is for tests that run PyTorch.
package torch

import (
	"os"
	"os/exec"
	"testing"
)

// Python finds an interpreter that has PyTorch, and skips the test where there is none.
func Python(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import torch").Run() == nil {
			return name
		}
	}
	if os.Getenv("AUTOTAILOR_TORCH_REQUIRED") != "" {
		t.Fatal("no python3 has PyTorch, which this run requires (Debian: python3-torch)")
	}
	t.Skip("no python3 has PyTorch (Debian: python3-torch)")
	return ""
}
