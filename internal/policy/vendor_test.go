package policy

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// client is a program of a user: it has the generated package, nothing of the tools.
const client = `package main

import (
	"fmt"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
)

func main() {
	s := mobilenetv2.SubNet{Resolution: mobilenetv2.Resolution24}
	fmt.Println(s, s.MACs())
}
`

// TestVendoringIsLight vendors a generated package into another module and looks at what came with it.
func TestVendoringIsLight(t *testing.T) {
	needs.Time(t)
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	mod := fmt.Sprintf("module example.com/client\n\ngo 1.26.0\n\nrequire github.com/autotailor/autotailor v0.0.0\n\nreplace github.com/autotailor/autotailor => %s\n", root)
	for name, text := range map[string]string{"go.mod": mod, "go.sum": string(sum), "main.go": client} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "CGO_ENABLED=0")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("get", "example.com/client")
	run("mod", "vendor")
	var packages []string
	for _, line := range strings.Split(readFile(t, filepath.Join(dir, "vendor", "modules.txt")), "\n") {
		if line != "" && line[0] != '#' {
			packages = append(packages, line)
		}
	}
	for _, p := range packages {
		if !lightPackage(p) {
			t.Errorf("vendoring brings %s", p)
		}
	}
	if !slices.Contains(packages, module+"/generated/mobilenetv2") {
		t.Errorf("the package itself was not vendored: %v", packages)
	}
	cmd := exec.Command("go", "run", "-mod=vendor", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "resolution=24 ") {
		t.Errorf("the vendored program: %v\n%s", err, out)
	}
}

// lightPackage tells whether a vendored package may be there.
func lightPackage(p string) bool {
	for _, m := range lightModules {
		if p == m || strings.HasPrefix(p, m+"/") {
			return true
		}
	}
	own, ok := strings.CutPrefix(p, module+"/")
	return ok && (slices.Contains(light, own) || strings.HasPrefix(own, "internal/") || strings.HasPrefix(own, "generated/"))
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
