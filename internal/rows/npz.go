package rows

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

const maxMembers = 1 << 12 // arrays of an npz file

// OpenNPZ opens the arrays of an npz file, plain or compressed. A field is called as its member is, without the ending.
func OpenNPZ(path string) (*Arrays, error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := zip.NewReader(f, size)
	if err != nil {
		return nil, fmt.Errorf("%s: it is no npz file, or damaged: %w", path, err)
	}
	if len(z.File) == 0 || len(z.File) > maxMembers {
		return nil, fmt.Errorf("%s: it has %d members, want 1 to %d", path, len(z.File), maxMembers)
	}
	var list []*array
	var errs []error
	for _, m := range z.File {
		a, err := openMember(path, m, size)
		if err != nil {
			err = fmt.Errorf("%s: %s: %w", path, m.Name, err)
		}
		list, errs = append(list, a), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return newArrays(list)
}

// openMember reads the header of one array of a file of that size.
func openMember(path string, m *zip.File, size int64) (*array, error) {
	name, ok := strings.CutSuffix(m.Name, ".npy")
	if !ok {
		return nil, errors.New("it is no npy file; an npz file has nothing else")
	}
	if m.UncompressedSize64 > maxBytes {
		return nil, fmt.Errorf("it claims to have %d bytes", m.UncompressedSize64)
	}
	r, err := m.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	a := &array{path: path, name: name, member: m.Name}
	if err := a.header(r, int64(m.UncompressedSize64)); err != nil {
		return nil, err
	}
	if m.Method == zip.Store {
		at, err := m.DataOffset()
		if err != nil {
			return nil, err
		}
		if at < 0 || at > size-int64(m.UncompressedSize64) {
			return nil, errors.New("it lies beyond the end of the file, which is cut off")
		}
		a.at += at
		return a, nil
	}
	skip, want := a.at, int64(m.UncompressedSize64)-a.at
	a.inflate = func(to *os.File) error { return inflate(path, m.Name, skip, want, to) }
	return a, nil
}

// inflate writes a member of a zip file without its first bytes; want are to follow.
func inflate(path, name string, skip, want int64, to *os.File) error {
	z, err := zip.OpenReader(path)
	if err != nil {
		return err
	}
	defer z.Close()
	for _, m := range z.File {
		if m.Name != name {
			continue
		}
		r, err := m.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		if _, err := io.CopyN(io.Discard, r, skip); err != nil {
			return err
		}
		n, err := io.Copy(to, io.LimitReader(r, want+1)) // one more, so that the checksum is compared
		if err == nil && n != want {
			err = fmt.Errorf("it has %d bytes, not the %d that it claims", n, want)
		}
		if err != nil {
			return fmt.Errorf("it is damaged: %w", err)
		}
		return nil
	}
	return errors.New("it has changed since it was opened")
}
