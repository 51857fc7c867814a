package gen

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/autotailor/autotailor/gen/pytorch"
	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/internal/outfile"
)

// place is where a package is within its module.
type place struct {
	module, folder string // folder has slashes; "." is the module's root
}

func (p place) importPath() string { return path.Join(p.module, p.folder) }

// findModule looks for go.mod in dir, which may not exist yet, and above. Without one the package's folder is its import path.
func findModule(dir string) (place, error) {
	for at := dir; ; at = filepath.Dir(at) {
		text, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil {
			folder, err := filepath.Rel(at, dir)
			if err != nil {
				return place{}, err
			}
			p := place{modfile.ModulePath(text), filepath.ToSlash(folder)}
			if err := module.CheckImportPath(path.Join("m", p.folder)); err != nil {
				return place{}, fmt.Errorf("%s: Go cannot import a package from this folder (%w); give the folder another name, or set out", dir, err)
			}
			return p, nil
		}
		if at == filepath.Dir(at) {
			return place{"", filepath.Base(dir)}, nil
		}
	}
}

// Change is what a file lacks to be up to date.
type Change struct {
	Name  string // path relative to the package's folder
	State string // "new", "changed" or "stale"
	Old   []byte
	New   []byte
}

// Changes compares the output with the disk.
func (o *Output) Changes() ([]Change, error) {
	var out []Change
	want := map[string]bool{}
	for _, f := range o.Files {
		want[f.Name] = true
		old, err := infile.Read(o.path(f.Name), infile.Table)
		switch {
		case errors.Is(err, os.ErrNotExist):
			out = append(out, Change{f.Name, "new", nil, f.Data})
		case err != nil:
			return nil, err
		case !bytes.Equal(old, f.Data):
			if want := header(f.Name); !bytes.HasPrefix(old, []byte(want)) {
				return nil, fmt.Errorf("%s: autotailor did not write this file (its first line does not start with %q); move it away", filepath.Join(o.Dir, f.Name), want)
			}
			out = append(out, Change{f.Name, "changed", old, f.Data})
		}
	}
	stale, err := o.stale(want)
	return append(out, stale...), err
}

// stale finds files with our header that are no longer generated.
func (o *Output) stale(want map[string]bool) ([]Change, error) {
	var out []Change
	patterns := []string{"*_gen.go", "*_gen_test.go", "cmd/*/*_gen.go"}
	if o.Torch != "" {
		patterns = append(patterns, path.Join(o.Torch, "*.py"), path.Join(o.Torch, "*", "*.py"))
	}
	for _, pattern := range patterns {
		names, err := filepath.Glob(filepath.Join(o.Dir, filepath.FromSlash(pattern)))
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			rel, err := filepath.Rel(o.Dir, n)
			if err != nil {
				return nil, err
			}
			if rel = filepath.ToSlash(rel); want[rel] {
				continue
			}
			old, err := infile.Read(n, infile.Table)
			if err != nil {
				return nil, err
			}
			if bytes.HasPrefix(old, []byte(header(rel))) {
				out = append(out, Change{Name: rel, State: "stale", Old: old})
			}
		}
	}
	return out, nil
}

// header is what the first line of a generated file starts with.
func header(name string) string {
	if path.Ext(name) == ".py" {
		return pytorch.Header
	}
	return Header
}

// Write brings the disk up to date: all files take their places or none does; stale ones are removed last.
func (o *Output) Write(changes []Change) (err error) {
	var all []string // files that are up to date are held, too: a killed run may have left something beside them
	for _, f := range o.Files {
		name := o.path(f.Name)
		if err := outfile.Folder(filepath.Dir(name)); err != nil {
			return err
		}
		all = append(all, name)
	}
	h, err := outfile.Acquire(all...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.Release()) }()
	var files []outfile.Content
	for _, c := range changes {
		if c.State != "stale" {
			files = append(files, outfile.Content{Path: o.path(c.Name), Data: c.New})
		}
	}
	if o.Config != nil { // the proof froze choices, which the package is without
		name, err := filepath.EvalSymlinks(o.Config.Name)
		if err != nil {
			return err
		}
		files = append(files, outfile.Content{Path: name, Data: o.Config.Data})
	}
	if err := h.WriteAll(files...); err != nil {
		return err
	}
	return o.remove(changes)
}

// path is where a file of the package is.
func (o *Output) path(name string) string { return filepath.Join(o.Dir, filepath.FromSlash(name)) }

// remove deletes stale files and folders that become empty by that.
func (o *Output) remove(changes []Change) error {
	var errs []error
	for _, c := range changes {
		if c.State != "stale" {
			continue
		}
		name := filepath.Join(o.Dir, filepath.FromSlash(c.Name))
		errs = append(errs, outfile.Remove(name))
		if dir := filepath.Dir(name); dir != o.Dir {
			_ = os.Remove(dir) // fails when it is not empty, which is right
		}
	}
	return errors.Join(errs...)
}

// Diff returns the changes as a unified diff, made by git.
func (o *Output) Diff(changes []Change) (string, error) {
	tmp, err := os.MkdirTemp("", "autotailor-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	for _, c := range changes {
		for side, data := range map[string][]byte{"a": c.Old, "b": c.New} {
			name := filepath.Join(tmp, side, filepath.FromSlash(c.Name))
			if data == nil {
				continue
			}
			if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, data, 0o666)); err != nil {
				return "", err
			}
		}
	}
	for _, side := range []string{"a", "b"} {
		if err := os.MkdirAll(filepath.Join(tmp, side), 0o777); err != nil {
			return "", err
		}
	}
	cmd := exec.Command("git", "diff", "--no-index", "--no-prefix", "--", "a", "b")
	cmd.Dir = tmp
	text, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 { // there are differences
		err = nil
	}
	return string(text), err
}

// Names lists the changes, one line each.
func Names(changes []Change) []string {
	var out []string
	for _, c := range changes {
		out = append(out, fmt.Sprintf("%-8s%s", c.State, c.Name))
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(a[8:], b[8:]) })
	return out
}
