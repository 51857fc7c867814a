// Package needs says what a test needs, and skips it with the reason where that is missing.
package needs

import (
	"os"
	"path/filepath"
	"testing"
)

// Time skips a test that takes more than about a second when `go test -short` runs, as `make test-fast` does.
func Time(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("this test takes its time: go test without -short runs it")
	}
}

// Clone skips a test outside a clone of the repository, and says what is missing there. Models and data have go.mod files of their own, so
// that `go get` of the module stays small: a module cache has neither.
func Clone(t testing.TB) {
	t.Helper()
	for _, folder := range []string{"models", "data"} {
		if path := filepath.Join("generated", folder); !above(t, path) {
			t.Skipf("this test needs a clone of the repository: the module alone has no %s", path)
		}
	}
}

// above tells whether the working directory, or a folder above it, has the path.
func above(t testing.TB, path string) bool {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, path)); err == nil {
			return true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return false
		}
		dir = parent
	}
}
