package gen

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
)

// examples are the committed packages' configs.
func examples(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join("..", "generated", "*", "autotailor.toml"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no configs under generated/: %v", err)
	}
	return found
}

func mustRun(t *testing.T, j Job) *Output {
	t.Helper()
	out, err := j.Run()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestOutputIsDeterministic: to the byte, twice in one process, on another number of processors, in another folder.
func TestOutputIsDeterministic(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	for _, config := range examples(t) {
		first := mustRun(t, Job{Config: config})
		again := mustRun(t, Job{Config: config})
		before := runtime.GOMAXPROCS(1)
		single := mustRun(t, Job{Config: config})
		runtime.GOMAXPROCS(before)
		absolute, err := filepath.Abs(config)
		if err != nil {
			t.Fatal(err)
		}
		here, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		t.Chdir(t.TempDir())
		elsewhere := mustRun(t, Job{Config: absolute})
		t.Chdir(here)
		for name, other := range map[string]*Output{"again": again, "one processor": single, "another folder": elsewhere} {
			if len(other.Files) != len(first.Files) {
				t.Fatalf("%s, %s: %d files, not %d", config, name, len(other.Files), len(first.Files))
			}
			for k, f := range other.Files {
				if f.Name != first.Files[k].Name || !bytes.Equal(f.Data, first.Files[k].Data) {
					t.Errorf("%s, %s: %s differs", config, name, f.Name)
				}
			}
		}
	}
}

// TestCommittedPackagesAreUpToDate: regenerating changes nothing.
func TestCommittedPackagesAreUpToDate(t *testing.T) {
	needs.Clone(t)
	for _, config := range examples(t) {
		changes, err := mustRun(t, Job{Config: config}).Changes()
		if err != nil {
			t.Fatal(err)
		}
		if len(changes) > 0 {
			t.Errorf("%s: run make generate:\n%s", config, strings.Join(Names(changes), "\n"))
		}
	}
}

// TestImportsAreGrouped: as goimports has them, and named only where a name is needed.
func TestImportsAreGrouped(t *testing.T) {
	needs.Clone(t)
	for _, config := range examples(t) {
		for _, f := range mustRun(t, Job{Config: config}).Files {
			if path.Ext(f.Name) != ".go" {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), f.Name, f.Data, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			want := []byte{'\n'}
			for k, spec := range file.Imports {
				ours := strings.Contains(spec.Path.Value, ".")
				if k > 0 && ours && !strings.Contains(file.Imports[k-1].Path.Value, ".") {
					want = append(want, '\n')
				}
				want = fmt.Appendf(want, "\t%s\n", spec.Path.Value)
			}
			if block := append([]byte("\nimport ("), append(want, ')')...); len(file.Imports) > 1 && !bytes.Contains(f.Data, block) {
				t.Errorf("%s: %s does not have the imports\n%s", config, f.Name, block)
			}
		}
	}
}

// TestWriteIsAllOrNothing follows a package through its life: new, clean, edited, stale, and in the way of a file that is not ours.
func TestWriteIsAllOrNothing(t *testing.T) {
	needs.Clone(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	j := Job{Config: examples(t)[0], Out: filepath.Join(dir, "nets", "mine"), Name: "mine"}
	states := func() string {
		t.Helper()
		changes, err := mustRun(t, j).Changes()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(Names(changes), ";")
	}
	apply := func() {
		t.Helper()
		out := mustRun(t, j)
		changes, err := out.Changes()
		if err != nil {
			t.Fatal(err)
		}
		if err := out.Write(changes); err != nil {
			t.Fatal(err)
		}
	}
	if got := states(); strings.Count(got, "new") != len(emitters("mine")) {
		t.Errorf("an empty folder: %s", got)
	}
	apply()
	if got := states(); got != "" {
		t.Errorf("just written: %s", got)
	}
	main, err := os.ReadFile(filepath.Join(j.Out, "cmd", "mine", "main_gen.go"))
	if err != nil || !bytes.Contains(main, []byte(`"example.com/mine/nets/mine"`)) {
		t.Errorf("the command does not import its package by its path: %v\n%s", err, main)
	}
	ops := filepath.Join(j.Out, "ops_gen.go")
	edit(t, ops, Header+"\npackage mine\n")
	edit(t, filepath.Join(j.Out, "old_gen.go"), Header+" from x; DO NOT EDIT.\npackage mine\n")
	edit(t, filepath.Join(j.Out, "cmd", "old", "main_gen.go"), Header+" from x; DO NOT EDIT.\npackage main\n")
	edit(t, filepath.Join(j.Out, "hand_gen.go"), "package mine\n")
	if got := states(); got != "stale   cmd/old/main_gen.go;stale   old_gen.go;changed ops_gen.go" {
		t.Errorf("after edits: %s", got)
	}
	out := mustRun(t, j)
	changes, err := out.Changes()
	if err != nil {
		t.Fatal(err)
	}
	text, err := out.Diff(changes)
	if err != nil || !strings.Contains(text, "ops_gen.go") || !strings.Contains(text, "+const NumOps") {
		t.Errorf("diff: %v\n%.300s", err, text)
	}
	apply()
	if got := states(); got != "" {
		t.Errorf("written again: %s", got)
	}
	if _, err := os.Stat(filepath.Join(j.Out, "cmd", "old")); !os.IsNotExist(err) {
		t.Error("the folder of a stale command is still there")
	}
	if _, err := os.Stat(filepath.Join(j.Out, "hand_gen.go")); err != nil {
		t.Error("a file that is not ours was removed")
	}
	edit(t, ops, "package mine // by hand\n")
	if _, err := mustRun(t, j).Changes(); err == nil || !strings.Contains(err.Error(), "did not write") {
		t.Errorf("a hand-written file in the way: %v", err)
	}
	left, err := filepath.Glob(filepath.Join(j.Out, ".autotailor-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary files are left: %v %v", left, err)
	}
}

func edit(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestHandmadeNetCompiles emits a net with widths that cross stages and kernels that are cropped, and type-checks it.
func TestHandmadeNetCompiles(t *testing.T) {
	needs.Time(t)
	files := map[string]string{}
	for _, f := range renderHandmade(t) {
		if !strings.Contains(f.Name, "/") && !strings.HasSuffix(f.Name, "_test.go") {
			files[f.Name] = string(f.Data)
		}
	}
	for dir, errs := range typeCheck(t, map[string]map[string]string{"handmade": files}) {
		for _, e := range errs {
			t.Errorf("%s: %s", dir, e)
		}
	}
}
