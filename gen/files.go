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
		old, err := os.ReadFile(filepath.Join(o.Dir, filepath.FromSlash(f.Name)))
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
			old, err := os.ReadFile(n)
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

// Write brings the disk up to date: all files are written beside their places first, then moved; stale ones are removed last.
func (o *Output) Write(changes []Change) (err error) {
	moves := map[string]string{}
	defer func() {
		for tmp := range moves {
			err = errors.Join(err, os.Remove(tmp))
		}
	}()
	var order []string
	for _, c := range changes {
		if c.State == "stale" {
			continue
		}
		to := filepath.Join(o.Dir, filepath.FromSlash(c.Name))
		tmp, err := beside(to, c.New)
		if tmp != "" {
			moves[tmp] = to
			order = append(order, tmp)
		}
		if err != nil {
			return err
		}
	}
	if err := o.writeConfig(); err != nil {
		return err
	}
	for _, tmp := range order {
		if err := os.Rename(tmp, moves[tmp]); err != nil {
			return err
		}
		delete(moves, tmp)
	}
	return o.remove(changes)
}

// writeConfig writes the config where the proof froze choices, which the package is without.
func (o *Output) writeConfig() error {
	if o.Config == nil {
		return nil
	}
	name, err := filepath.EvalSymlinks(o.Config.Name)
	if err != nil {
		return err
	}
	tmp, err := beside(name, o.Config.Data)
	if err == nil {
		err = os.Rename(tmp, name)
	}
	if err != nil && tmp != "" {
		err = errors.Join(err, os.Remove(tmp))
	}
	return err
}

// beside writes data to a temporary file in the folder of to, making it first.
func beside(to string, data []byte) (tmp string, err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".autotailor-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	return f.Name(), errors.Join(err, f.Chmod(0o644), f.Close())
}

// remove deletes stale files and folders that become empty by that.
func (o *Output) remove(changes []Change) error {
	var errs []error
	for _, c := range changes {
		if c.State != "stale" {
			continue
		}
		name := filepath.Join(o.Dir, filepath.FromSlash(c.Name))
		errs = append(errs, os.Remove(name))
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
