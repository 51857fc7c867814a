//go:build linux

package bundle_test

import (
	"bytes"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
)

// TestWriteFull: where the disk is full nothing is written, and the bundle that was there stays.
func TestWriteFull(t *testing.T) {
	needs.Clone(t)
	dir := t.TempDir()
	write(t, dir)
	before, err := os.ReadFile(filepath.Join(dir, bundle.ManifestName))
	if err != nil {
		t.Fatal(err)
	}
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Skip("file sizes cannot be limited here: ", err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: old.Max}); err != nil {
		t.Skip("file sizes cannot be limited here: ", err)
	}
	_, err = bundle.Write(dir, model, mobilenetv2.Definition(), bundle.Manifest{Device: "full", SubNets: []bundle.SubNet{{SubNet: "original"}}}, nil)
	if err2 := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err2 != nil {
		t.Fatal(err2)
	}
	if err == nil {
		t.Error("a bundle was written where no file can have its size")
	}
	if after, err := os.ReadFile(filepath.Join(dir, bundle.ManifestName)); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the bundle that was there: %v", err)
	}
	if _, err := bundle.Open(dir, mobilenetv2.Definition()); err != nil {
		t.Error(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 2 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
}
