package gen

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
	"golang.org/x/tools/txtar"

	"github.com/autotailor/autotailor/internal/needs"
)

// typeCheck loads overlay packages below generated/ and returns the type errors of each by folder name.
func typeCheck(t *testing.T, sources map[string]map[string]string) map[string][]string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	overlay := map[string][]byte{}
	var patterns []string
	for dir, files := range sources {
		patterns = append(patterns, "./generated/"+dir)
		for name, text := range files {
			overlay[filepath.Join(root, "generated", dir, name)] = []byte(text)
		}
	}
	pkgs, err := packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedTypes | packages.NeedSyntax | packages.NeedTypesInfo | packages.NeedImports | packages.NeedDeps | packages.NeedFiles,
		Dir:  root, Overlay: overlay,
	}, patterns...)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for _, p := range pkgs {
		dir := p.PkgPath[strings.LastIndex(p.PkgPath, "/")+1:]
		out[dir] = []string{}
		for _, e := range p.Errors {
			out[dir] = append(out[dir], e.Msg)
		}
	}
	if len(out) != len(sources) {
		t.Fatalf("loaded %d of %d packages", len(out), len(sources))
	}
	return out
}

// TestIllegalSubNetsDoNotCompile type-checks the programs of testdata/illegal.txtar: a file's first line is a comment with
// the error that it must have, or "ok".
func TestIllegalSubNetsDoNotCompile(t *testing.T) {
	needs.Time(t)
	a, err := txtar.ParseFile(filepath.Join("testdata", "illegal.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	sources := map[string]map[string]string{}
	want := map[string]string{}
	for k, f := range a.Files {
		dir := fmt.Sprintf("illegal%02d", k)
		first, _, _ := strings.Cut(string(f.Data), "\n")
		want[dir] = strings.TrimPrefix(first, "// ")
		body := fmt.Sprintf("package p\n\nimport net %q\n\n%s", "github.com/autotailor/autotailor/generated/mobilenetv2", f.Data)
		sources[dir] = map[string]string{"p.go": body}
	}
	for dir, errs := range typeCheck(t, sources) {
		name := sources[dir]["p.go"]
		switch {
		case want[dir] == "ok" && len(errs) > 0:
			t.Errorf("%s\nmust compile, but: %q", name, errs)
		case want[dir] != "ok" && (len(errs) == 0 || !strings.Contains(errs[0], want[dir])):
			t.Errorf("%s\nmust fail with %q, got %q", name, want[dir], errs)
		}
	}
}
