package outfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Hold keeps other writers away from files.
type Hold struct {
	paths []string
	locks []io.Closer
}

// Acquire holds files for as long as a command works on them, and tidies up what a killed command left of them.
func Acquire(paths ...string) (*Hold, error) {
	h := &Hold{}
	for _, p := range paths {
		if err := h.add(p); err != nil {
			return nil, errors.Join(err, h.Release())
		}
	}
	return h, nil
}

func (h *Hold) has(path string) bool { return h != nil && slices.Contains(h.paths, path) }

// add holds one more file. What is listed twice is held once.
func (h *Hold) add(path string) error {
	if h.has(path) {
		return nil
	}
	if err := usable(path); err != nil {
		return err
	}
	dir, base := filepath.Split(path)
	l, err := system().Lock(filepath.Join(dir, "."+base+".lock"+ending))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: the folder %s does not exist: make it first, or give another name", path, filepath.Dir(path))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	h.paths, h.locks = append(h.paths, path), append(h.locks, l)
	if err := tidy(path); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// Release lets others write.
func (h *Hold) Release() error {
	var errs []error
	for i, l := range h.locks {
		if err := l.Close(); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", h.paths[i], err))
		}
	}
	h.paths, h.locks = nil, nil
	return errors.Join(errs...)
}

// usable tells whether a file can be written at path: there is none, or a regular one. A link may lead anywhere, a device or pipe is
// no file that could be replaced.
func usable(path string) error {
	i, err := system().Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case i.Mode().IsRegular():
		return nil
	case i.IsDir():
		return fmt.Errorf("%s is a folder: give the name of a file", path)
	case i.Mode()&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link, which is not replaced: give the name of the file that it leads to", path)
	}
	return fmt.Errorf("%s is not a regular file, and is not replaced: give another name", path)
}

// A record stands beside the first of several files while they take their places. All of them are complete by then.
type move struct {
	Beside string `json:"beside"` // both are relative to the record's folder
	File   string `json:"file"`
}

// recordOf is the name of the record of several files, the first of which is at path.
func recordOf(path string) string {
	dir, base := filepath.Split(path)
	return filepath.Join(dir, "."+base+".record"+ending)
}

// write writes the record of files.
func write(list []staged) (name string, err error) {
	dir := filepath.Dir(list[0].file)
	var moves []move
	for _, f := range list {
		from, err := filepath.Rel(dir, f.beside)
		to, err2 := filepath.Rel(dir, f.file)
		if err = errors.Join(err, err2); err != nil {
			return "", err
		}
		moves = append(moves, move{from, to})
	}
	text, err := json.Marshal(moves)
	if err != nil {
		return "", err
	}
	name = recordOf(list[0].file)
	t := beside(list[0].file)
	if err := (Content{Data: text}).stage(t); err != nil {
		return "", errors.Join(fmt.Errorf("%s: %w", list[0].file, err), Remove(t))
	}
	if err := system().Rename(t, name); err != nil {
		return "", errors.Join(err, Remove(t))
	}
	return name, nil
}

// tidy ends what a killed command began at path: files that had begun to take their places together do so, and what was written beside
// places is removed. The file is held.
func tidy(path string) error {
	s := system()
	dir, base := filepath.Split(path)
	dir = filepath.Clean(dir)
	list, err := s.ReadDir(dir)
	if err != nil {
		return err
	}
	record := recordOf(path)
	if slices.ContainsFunc(list, func(e fs.DirEntry) bool { return e.Name() == filepath.Base(record) && e.Type().IsRegular() }) {
		if err := resume(dir, record); err != nil {
			return err
		}
	}
	for _, e := range list {
		if leftover(e.Name(), base) {
			if err := Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// resume renames what a record says. A record names files that this package wrote beside their places, and nothing else.
func resume(dir, record string) error {
	s := system()
	text, err := os.ReadFile(record)
	if err != nil {
		return err
	}
	var moves []move
	if json.Unmarshal(text, &moves) != nil {
		moves = nil // somebody else's: it is removed
	}
	for _, m := range moves {
		if filepath.Dir(m.Beside) != filepath.Dir(m.File) || !leftover(filepath.Base(m.Beside), filepath.Base(m.File)) {
			continue
		}
		from, to := filepath.Join(dir, m.Beside), filepath.Join(dir, m.File)
		if _, err := s.Lstat(from); err != nil {
			continue // it took its place
		}
		if err := usable(to); err != nil {
			return err
		}
		if err := s.Rename(from, to); err != nil {
			return err
		}
	}
	return s.Remove(record)
}
