// Package policy keeps the rules of the repository's structure as tests.
package policy

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/autotailor/autotailor"

// imports says what each part must not depend on, however indirectly. A part is a folder; "..." includes those below.
var imports = []struct{ part, never, why string }{
	{"ir/...", module + "/gen", "the IR knows nothing of Go source"},
	{"ir/...", module + "/templates", "templates are passed to the compiler as values"},
	{"ir/...", module + "/runtime", "the IR and the runtime are each other's oracles"},
	{"templates/...", module + "/gen", "templates describe topology only"},
	{"runtime/...", module + "/ir", "generated programs carry no compiler"},
	{"runtime/...", module + "/gen", "generated programs carry no generator"},
	{"runtime/...", module + "/templates", "generated programs carry no compiler"},
	{"runtime/deploy/adapt/...", "gorgonia.org", "applications vendor what serves"},
	{"runtime/deploy/adapt/...", "gonum.org", "applications vendor what serves"},
	{"runtime/deploy/adapt/...", "github.com/spf13/pflag", "applications vendor what serves"},
	{"runtime/deploy/adapt/...", "github.com/yalue/onnxruntime_go", "applications vendor what serves"},
	{"@light", "gorgonia.org", "the light path stays light"},
	{"@light", "github.com/owulveryck/onnx-go", "the light path stays light"},
	{"runtime/command/...", "gorgonia.org", "engines are passed as values: a command may leave Gorgonia out"},
	{"runtime/train/...", "gorgonia.org", "engines are passed as values: a command may leave Gorgonia out"},
	{"@light", "github.com/yalue/onnxruntime_go", "the light path needs no cgo"},
	{"@light", "gonum.org", "the light path stays light"},
	{"@light", "github.com/spf13/pflag", "libraries have no flags"},
}

// light are the packages that generated library packages may import, and those packages themselves.
var light = []string{
	"runtime/nn", "runtime/space", "runtime/search", "runtime/lut", "runtime/accuracy",
	"runtime/supernet", "runtime/model", "runtime/onnxfile", "runtime/version", "runtime/infer",
}

// lightModules are the only modules outside this one that the light path may use.
var lightModules = []string{"google.golang.org/protobuf"}

type pkg struct {
	ImportPath string
	Name       string
	Deps       []string
	Imports    []string
	Standard   bool
}

// list returns the packages of the module with their dependencies.
func list(t *testing.T) []pkg {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Name,Deps,Imports", module+"/...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var pkgs []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
}

func isLight(p pkg) bool {
	rel := strings.TrimPrefix(p.ImportPath, module+"/")
	for _, l := range light {
		if rel == l {
			return true
		}
	}
	return strings.HasPrefix(rel, "generated/") && p.Name != "main" && rel != "generated/families"
}

func in(p pkg, part string) bool {
	if part == "@light" {
		return isLight(p)
	}
	rel := strings.TrimPrefix(p.ImportPath, module+"/")
	base := strings.TrimSuffix(part, "/...")
	return rel == base || strings.HasPrefix(rel, base+"/")
}

func TestImports(t *testing.T) {
	for _, p := range list(t) {
		for _, rule := range imports {
			if !in(p, rule.part) {
				continue
			}
			for _, d := range p.Deps {
				if d == rule.never || strings.HasPrefix(d, rule.never+"/") {
					t.Errorf("%s depends on %s: %s", p.ImportPath, d, rule.why)
				}
			}
		}
	}
}

func TestLightPathUsesStdAndProtobufOnly(t *testing.T) {
	for _, p := range list(t) {
		if !isLight(p) {
			continue
		}
		for _, d := range p.Deps {
			if allowed(d) {
				continue
			}
			t.Errorf("%s depends on %s, which is outside the light path", p.ImportPath, d)
		}
	}
}

func allowed(dep string) bool {
	first, _, _ := strings.Cut(dep, "/")
	if !strings.Contains(first, ".") { // standard library
		return true
	}
	rel, ours := strings.CutPrefix(dep, module+"/")
	if ours {
		return isLight(pkg{ImportPath: dep}) || strings.HasPrefix(rel, "internal/")
	}
	for _, m := range lightModules {
		if dep == m || strings.HasPrefix(dep, m+"/") {
			return true
		}
	}
	return false
}
