// Package outfile writes all files that commands leave behind. A file is written beside its place, synced, and renamed, so that
// readers see the old or the new one, however the process or the machine ends. Several files take their places together or not at all.
// A second writer of a file is refused while the first is at work, and what a killed one left is tidied up by the next. Only regular files
// are replaced.
package outfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Content is a file to write.
type Content struct {
	Path    string
	Data    []byte
	Write   func(dst io.Writer) error // instead of Data, for what is not in memory at once; nil for none. Files are written in order
	Private bool                      // for nobody but its owner
}

// ending marks what this package writes beside the places of files.
const ending = "~autotailor"

// Write replaces the file at path by content.
func Write(path string, content []byte) error { return WriteAll(Content{Path: path, Data: content}) }

// WriteAll writes all files or none.
func WriteAll(files ...Content) error {
	var h Hold
	return errors.Join(h.WriteAll(files...), h.Release())
}

// Remove removes files that a command has written, those that are there.
func Remove(paths ...string) error {
	for _, p := range paths {
		if err := system().Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Folder makes a folder and those above it, where they are missing.
func Folder(dir string) error {
	if i, err := os.Stat(dir); err == nil {
		if !i.IsDir() {
			return fmt.Errorf("%s is a file, a folder is needed", dir)
		}
		return nil
	}
	if above := filepath.Dir(dir); above != dir {
		if err := Folder(above); err != nil {
			return err
		}
	}
	if err := system().Mkdir(dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// staged is a file that is complete beside its place.
type staged struct {
	file, beside, old string // old is a second name of the file that was there, "" where none was
	placed            bool
}

// WriteAll writes all files or none. It holds those that h does not hold while it does so.
func (h *Hold) WriteAll(files ...Content) (err error) {
	var own Hold
	defer func() { err = errors.Join(err, own.Release()) }()
	for _, f := range files {
		if h.has(f.Path) {
			err = usable(f.Path)
		} else {
			err = own.add(f.Path)
		}
		if err != nil {
			return err
		}
	}
	var list []staged
	defer func() {
		if err != nil {
			err = errors.Join(err, undo(list))
		}
	}()
	for _, f := range files {
		s := staged{file: f.Path, beside: beside(f.Path)}
		list = append(list, s)
		if err := f.stage(s.beside); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return place(list)
}

// Write replaces the file at path by content, as Write does.
func (h *Hold) Write(path string, content []byte) error {
	return h.WriteAll(Content{Path: path, Data: content})
}

// beside makes up a name in the folder of path.
func beside(path string) string {
	dir, base := filepath.Split(path)
	return filepath.Join(dir, fmt.Sprintf(".%s.%016x%s", base, rand.Uint64(), ending))
}

// stage writes the file under the name beside its place. The process's umask says who may read it.
func (f Content) stage(beside string) error {
	mode := fs.FileMode(0o666)
	if f.Private {
		mode = 0o600
	}
	t, err := system().OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if f.Write != nil {
		err = f.Write(t)
	} else {
		_, err = t.Write(f.Data)
	}
	if err == nil {
		err = t.Sync()
	}
	return errors.Join(err, t.Close())
}

// place renames complete files. With several, a record tells how to go on if the process ends in between: see recover.
func place(list []staged) (err error) {
	s := system()
	record := ""
	if len(list) > 1 {
		if record, err = write(list); err != nil {
			return err
		}
	}
	defer func() {
		if record != "" {
			err = errors.Join(err, s.Remove(record))
		}
	}()
	for i := range list {
		f := &list[i]
		if len(list) > 1 {
			if f.old, err = keep(f.file); err != nil {
				return err
			}
		}
		if err := s.Rename(f.beside, f.file); err != nil {
			return err
		}
		f.placed = true
	}
	for i, dir := range folders(list) {
		if err := s.SyncDir(dir); err != nil {
			return fmt.Errorf("%s: %w", list[i].file, err)
		}
	}
	for _, f := range list {
		if f.old != "" {
			_ = s.Remove(f.old) // the next run removes it otherwise
		}
	}
	return nil
}

// folders lists the folders of files, each once.
func folders(list []staged) []string {
	var dirs []string
	seen := map[string]bool{}
	for _, f := range list {
		if dir := filepath.Dir(f.file); !seen[dir] {
			seen[dir] = true
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// keep gives the file at path a second name, from which undo brings it back. A file system without links loses the first name for that.
func keep(path string) (old string, err error) {
	s := system()
	switch _, err := s.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	}
	old = beside(path)
	if s.Link(path, old) == nil {
		return old, nil
	}
	return old, s.Rename(path, old)
}

// undo brings back what was there before.
func undo(list []staged) error {
	s := system()
	var errs []error
	for _, f := range slices.Backward(list) {
		switch {
		case f.placed && f.old == "":
			errs = append(errs, Remove(f.file))
		case f.old != "":
			errs = append(errs, s.Rename(f.old, f.file))
		}
		if !f.placed {
			errs = append(errs, Remove(f.beside))
		}
	}
	return errors.Join(errs...)
}

// leftover tells whether name, in a folder, was written beside the file called base.
func leftover(name, base string) bool {
	rest, ours := strings.CutPrefix(name, "."+base+".")
	rest, ended := strings.CutSuffix(rest, ending)
	return ours && ended && len(rest) == 16
}
