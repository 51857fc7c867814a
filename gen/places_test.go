package gen

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/gen/config"
)

// TestPlacesOfPaths: a path of a config that is absolute stays where it is, all others start at the config.
func TestPlacesOfPaths(t *testing.T) {
	abs, err := filepath.Abs("elsewhere")
	if err != nil {
		t.Fatal(err)
	}
	for out, want := range map[string]string{abs: abs, "mynet": filepath.Join(filepath.Dir(abs), "conf", "mynet"), "": filepath.Join(filepath.Dir(abs), "conf")} {
		c := &Compiled{Dir: "conf", Config: config.Config{Out: out}}
		if got, err := (Job{}).dir(c); err != nil || got != want {
			t.Errorf("out = %q: %s, %v", out, got, err)
		}
	}
}

// TestFoldersThatGoCannotImport are refused before anything is written.
func TestFoldersThatGoCannotImport(t *testing.T) {
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("module example.com/m\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]bool{"ünï": true, "a b": true, "con": true, "mynet": false, "my-net_2.0": false} {
		_, err := findModule(filepath.Join(root, name))
		if (err != nil) != bad || bad && !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
