package outfile

import (
	"errors"
	"os"
)

// Growing is a file that grows row by row and is held while it is open.
type Growing struct {
	File
	hold *Hold
}

// Grow opens the file at path for reading and writing, and makes it where it is not there.
func Grow(path string) (*Growing, error) {
	h, err := Acquire(path)
	if err != nil {
		return nil, err
	}
	f, err := system().OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, errors.Join(err, h.Release())
	}
	return &Growing{f, h}, nil
}

// Close syncs and closes the file and lets others write.
func (g *Growing) Close() error {
	return errors.Join(g.File.Sync(), g.File.Close(), g.hold.Release())
}
