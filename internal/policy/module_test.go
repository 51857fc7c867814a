package policy

import (
	"os"
	"path/filepath"
	"testing"

	mod "golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/autotailor/autotailor/internal/needs"
)

// maxUnpacked bounds the module as `go mod download` brings it, in bytes.
const maxUnpacked = 8 << 20

// TestModuleIsSmall packs the last commit as a module proxy does, and adds up its files.
func TestModuleIsSmall(t *testing.T) {
	needs.Clone(t)
	path := filepath.Join(t.TempDir(), "module.zip")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	if i, err := os.Stat(filepath.Join(root, ".git")); err != nil || !i.IsDir() {
		t.Skip("the module is packed by git from a clone with a .git folder of its own, which a worktree does not have")
	}
	version := mod.Version{Path: module, Version: "v0.1.0"}
	if err := zip.CreateFromVCS(out, version, root, "HEAD", ""); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	packed, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "unpacked")
	if err := zip.Unzip(dir, version, path); err != nil {
		t.Fatal(err)
	}
	var unpacked int64
	err = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		i, err := d.Info()
		if err == nil {
			unpacked += i.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the module: %.1f MB packed, %.1f MB unpacked", float64(packed.Size())/1e6, float64(unpacked)/1e6)
	if unpacked > maxUnpacked {
		t.Errorf("the module has %d bytes, more than %d", unpacked, maxUnpacked)
	}
}
