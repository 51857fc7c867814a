package outfile_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/outfile"
)

// names lists what a folder has, hidden files, too.
func names(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range list {
		out = append(out, e.Name())
	}
	return out
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

func TestWriteReplacesWholeFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for _, content := range []string{"old", "new"} {
		if err := outfile.Write(path, []byte(content)); err != nil {
			t.Fatal(err)
		}
		if got := read(t, path); got != content {
			t.Errorf("%q", got)
		}
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("%v", got)
	}
	if err := outfile.Write(filepath.Join(dir, "missing", "f"), nil); err == nil || !strings.Contains(err.Error(), "missing does not exist") {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// TestWriteAll: when one file cannot take its place, none does, and what was there comes back.
func TestWriteAll(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	if err := errors.Join(os.Mkdir(b, 0o700), os.WriteFile(a, []byte("0"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := outfile.WriteAll(outfile.Content{Path: a, Data: []byte("1")}, outfile.Content{Path: b, Data: []byte("2")}); err == nil {
		t.Error("a folder was replaced by a file")
	}
	if got := names(t, dir); len(got) != 2 || read(t, a) != "0" {
		t.Errorf("%v, %q", got, read(t, a))
	}
	full := errors.New("no space")
	err := outfile.WriteAll(outfile.Content{Path: a, Data: []byte("1")}, outfile.Content{Path: filepath.Join(dir, "c"), Write: func(w io.Writer) error {
		return fmt.Errorf("in the middle: %w", full)
	}})
	if !errors.Is(err, full) || !strings.Contains(err.Error(), filepath.Join(dir, "c")) || len(names(t, dir)) != 2 || read(t, a) != "0" {
		t.Errorf("%v, %v", err, names(t, dir))
	}
}

// TestKinds: links, pipes, devices and folders are not replaced, and nothing is written where they lead.
func TestKinds(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	if err := os.WriteFile(target, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("target", link); err != nil {
		t.Skip("this system has no symbolic links: ", err)
	}
	dangling := filepath.Join(dir, "dangling")
	if err := os.Symlink("nothing", dangling); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, dangling, dir, os.DevNull} {
		if err := outfile.Write(path, []byte("new")); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
		if g, err := outfile.Grow(path); err == nil {
			t.Errorf("%s was opened: %v", path, g.Close())
		}
	}
	if got := names(t, dir); len(got) != 3 || read(t, target) != "mine" {
		t.Errorf("%v, %q", got, read(t, target))
	}
}

// TestSecondWriter: who comes second is refused at once, and the first goes on.
func TestSecondWriter(t *testing.T) {
	if runtime.GOOS == "js" || runtime.GOOS == "plan9" {
		t.Skip("this system has no locks")
	}
	path := filepath.Join(t.TempDir(), "f")
	g, err := outfile.Grow(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := outfile.Grow(path); !errors.Is(err, outfile.ErrBusy) {
		t.Errorf("a second one: %v", err)
	}
	if err := outfile.Write(path, nil); !errors.Is(err, outfile.ErrBusy) || !strings.Contains(err.Error(), path) {
		t.Errorf("a writer: %v", err)
	}
	_, err = g.Write([]byte("row\n"))
	if err = errors.Join(err, g.Close()); err != nil || read(t, path) != "row\n" {
		t.Fatalf("%v, %q", err, read(t, path))
	}
	h, err := outfile.Acquire(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Write(path, []byte("own")); err != nil {
		t.Error(err)
	}
	if err := errors.Join(h.Release(), outfile.Write(path, []byte("last"))); err != nil || read(t, path) != "last" {
		t.Errorf("%v, %q", err, read(t, path))
	}
	if got := names(t, filepath.Dir(path)); !slices.Equal(got, []string{"f"}) {
		t.Errorf("%v", got)
	}
}

// TestPermissions: the umask decides who reads a file, private ones are their owner's.
func TestPermissions(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("this system has no umask")
	}
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := outfile.WriteAll(outfile.Content{Path: filepath.Join(dir, "ours")}, outfile.Content{Path: filepath.Join(dir, "private"), Private: true}); err != nil {
		t.Fatal(err)
	}
	mode := func(name string) fs.FileMode {
		i, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return i.Mode()
	}
	if mode("ours") != mode("plain") || mode("private")&0o077 != 0 {
		t.Errorf("%v, %v, %v", mode("plain"), mode("ours"), mode("private"))
	}
}
