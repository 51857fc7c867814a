// Package infile opens the files that commands read. Only regular files are opened: to open anything else may wait for ever, as for the writer of
// a named pipe, or never end, as /dev/zero does.
package infile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Sizes of files that are read as a whole, in bytes.
const (
	Text  = 16 << 20  // that people write: configs, rules, lists
	Table = 256 << 20 // that commands write: measurements
	Large = 16 << 30  // that have weights
)

// Open opens a regular file for reading.
func Open(path string) (*os.File, error) {
	f, _, err := OpenBy(func() (fs.FileInfo, error) { return os.Stat(path) }, func() (*os.File, error) { return os.Open(path) })
	var said *fs.PathError
	if err != nil && !errors.As(err, &said) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return f, err
}

// OpenBy opens what stat describes when it is a regular file, and returns its size.
func OpenBy(stat func() (fs.FileInfo, error), open func() (*os.File, error)) (*os.File, int64, error) {
	info, err := stat()
	if err == nil {
		err = regular(info)
	}
	if err != nil {
		return nil, 0, err
	}
	f, err := open()
	if err != nil {
		return nil, 0, err
	}
	if info, err = f.Stat(); err == nil { // it may be another one by now
		err = regular(info)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

// regular says what a file is that is none of bytes.
func regular(info fs.FileInfo) error {
	kind := "a special file"
	switch m := info.Mode(); {
	case m.IsRegular():
		return nil
	case m.IsDir():
		kind = "a folder"
	case m&fs.ModeNamedPipe != 0:
		kind = "a named pipe"
	case m&fs.ModeDevice != 0:
		kind = "a device"
	case m&fs.ModeSocket != 0:
		kind = "a socket"
	}
	return fmt.Errorf("it is %s; only regular files are read", kind)
}

// Read reads a regular file of at most so many bytes.
func Read(path string, most int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s: it has more than %d bytes, which no such file has", path, most)
	}
	return b, errors.Join(err, f.Close())
}
