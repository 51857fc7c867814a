//go:build unix

package onnx_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/autotailor/autotailor/internal/onnx"
)

// TestNamedPipes: a pipe that nobody writes to is refused at once, as a model and as what holds its weights. So is a link to one.
func TestNamedPipes(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip("this file system has no named pipes: ", err)
	}
	if err := os.Symlink("fifo", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fifo", "link"} {
		if _, err := onnx.Open(t.Context(), filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), "it is a named pipe") {
			t.Errorf("%s as a model: %v", name, err)
		}
		m, p := parse(t, external("location", name), dir)
		if _, err := m.Tensor(p); err == nil || !strings.Contains(err.Error(), "it is a named pipe") {
			t.Errorf("%s as weights: %v", name, err)
		}
	}
}
