package onnx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/internal/onnxpb"
)

// maxFile is the largest file that protobuf can hold.
const maxFile = 2 << 30

// ReadFile reads a whole model file. Anything but a regular file is refused.
func ReadFile(ctx context.Context, path string) ([]byte, error) {
	f, err := infile.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if size > maxFile {
		return nil, fmt.Errorf("%s: %d bytes are more than an ONNX file can have; store the weights as external data", path, size)
	}
	data, err := read(ctx, f, 0, size)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}

// chunk is how many bytes are read between two looks at the context.
const chunk = 8 << 20

// read reads a part of a file that is known to have it.
func read(ctx context.Context, f io.ReaderAt, offset, length int64) ([]byte, error) {
	buf := make([]byte, length)
	for at := int64(0); at < length; at += chunk {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		part := buf[at:min(at+chunk, length)]
		if n, err := f.ReadAt(part, offset+at); n < len(part) {
			return nil, fmt.Errorf("it changed while it was read: %w", err)
		}
	}
	return buf, nil
}

// Extent is a part of a file beside a model.
type Extent struct {
	Dir            string // the model's folder
	File           string // below it, also behind symbolic links
	Offset, Length int64
}

// extent says where a tensor of so many bytes has its data; the file has not been looked at.
func (m *Model) extent(entries []*onnxpb.StringStringEntryProto, want int64) (*Extent, error) {
	props := map[string]string{}
	for _, e := range entries {
		props[e.GetKey()] = e.GetValue()
	}
	location := props["location"]
	if m.dir == "" {
		return nil, fmt.Errorf("its data are in another file, %q, which a model in memory cannot have; store them in the model", location)
	}
	if location == "" {
		return nil, errors.New("its data are in another file, which it does not name")
	}
	e := &Extent{Dir: m.dir, File: filepath.FromSlash(location)}
	if !filepath.IsLocal(e.File) {
		return nil, fmt.Errorf("its external data file %q is not inside the model's folder", location)
	}
	var err error
	if e.Offset, err = number(props, "offset", 0); err != nil {
		return nil, err
	}
	if e.Length, err = number(props, "length", want); err != nil {
		return nil, err
	}
	switch {
	case e.Length != want:
		return nil, fmt.Errorf("its external data has %d bytes, its shape needs %d", e.Length, want)
	case want > maxTensor:
		return nil, fmt.Errorf("its shape needs %d bytes, more than the %d that one tensor may have", want, int64(maxTensor))
	}
	return e, nil
}

// number reads a property of external data, which is no number below 0.
func number(props map[string]string, name string, def int64) (int64, error) {
	text, ok := props[name]
	if !ok || text == "" {
		return def, nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < 0 {
		return 0, fmt.Errorf("the %s of its external data is %.40q, want a number of bytes", name, text)
	}
	return v, nil
}

// Read returns the bytes.
func (e *Extent) Read(ctx context.Context) ([]byte, error) {
	f, err := e.open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := read(ctx, f, e.Offset, e.Length)
	if err != nil {
		return nil, fmt.Errorf("external data file %q: %w", e.File, err)
	}
	return data, nil
}

// check tells whether Read will find the bytes.
func (e *Extent) check() error {
	f, err := e.open()
	if err != nil {
		return err
	}
	return f.Close()
}

// open opens the file when it is a regular one inside the folder and has the bytes.
func (e *Extent) open() (*os.File, error) {
	root, err := os.OpenRoot(e.Dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, size, err := infile.OpenBy(func() (fs.FileInfo, error) { return root.Stat(e.File) }, func() (*os.File, error) { return root.Open(e.File) })
	if err != nil {
		return nil, e.wrong(err)
	}
	if e.Offset > size || e.Length > size-e.Offset {
		err := fmt.Errorf("external data file %q ends before its data do: it has %d bytes, %d from byte %d on are wanted", e.File, size, e.Length, e.Offset)
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// wrong names the file in an error, and what to do.
func (e *Extent) wrong(err error) error {
	advice := ""
	if link, e := os.Lstat(filepath.Join(e.Dir, e.File)); e == nil && link.Mode()&fs.ModeSymlink != 0 {
		advice = " (it is a symbolic link; put a copy of the file that it leads to beside the model)"
	}
	return fmt.Errorf("its external data file %q cannot be read in the model's folder %s%s: %w", e.File, e.Dir, advice, err)
}
