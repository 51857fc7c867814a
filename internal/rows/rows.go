// Package rows reads the rows of data files by their number: NumPy's npy and npz, CSV, JSON lines, lines of text, and raw tensors. What a file needs
// in memory does not grow with the number of its rows. Nothing of runtime/ is known here.
package rows

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/internal/onnx"
)

// File has rows. All methods may be called by several goroutines.
type File interface {
	// Len is the number of rows.
	Len() int
	// Fields are what every row has.
	Fields() []Field
	// Row returns some values of a row, of the fields with these numbers in Fields; of all where there are none.
	Row(i int, fields ...int) ([]Value, error)
	// Where names a row for the user, as file:line where lines have numbers.
	Where(i int) string
	// Skipped are the broken rows that were left out, each with the reason. They have no number.
	Skipped() []error
}

// Field is one of the values that every row has.
type Field struct {
	Name  string
	Type  onnx.DType // of its elements; Uint8 of texts
	Shape []int      // of one row's value, Open where rows differ
	Text  bool       // the elements are the bytes of a text in UTF-8
}

// Open is an extent that differs from row to row.
const Open = -1

// Value is what a row has for a field: elements in row-major order, little-endian.
type Value struct {
	Type  onnx.DType
	Shape []int
	Raw   []byte
}

// Options say how files are read.
type Options struct {
	Skip   int   // broken rows that may be left out; one more is an error
	Header *bool // whether the first row of a CSV file names its columns; nil takes it for names where none of its fields is a number
}

// Limits of files: beyond them they are damaged.
const (
	maxRows  = 1 << 40
	maxAxes  = 32
	maxValue = 1 << 30 // bytes of one row's value
	maxBytes = 1 << 46 // bytes of a file
	maxTold  = 10      // faults that an error tells
)

// openFile opens a regular file and returns its size. Opening anything else may wait for ever, as for the writer of a named pipe.
func openFile(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if err := regular(path, info); err != nil {
		return nil, 0, err
	}
	f, err := infile.Open(path)
	if err != nil {
		return nil, 0, err
	}
	if info, err = f.Stat(); err == nil {
		err = regular(path, info)
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

func regular(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", path)
	}
	return nil
}

// readAt reads from a file that is opened for this.
func readAt(path string, raw []byte, at int64) error {
	f, _, err := openFile(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.ReadAt(raw, at); err != nil {
		return fmt.Errorf("%s: it has changed since it was opened: %w", path, err)
	}
	return nil
}

// all are the numbers of n fields where none are named.
func all(fields []int, n int) []int {
	if len(fields) > 0 {
		return fields
	}
	fields = make([]int, n)
	for k := range fields {
		fields[k] = k
	}
	return fields
}

// elements multiplies extents; ok is false where the product is too large for bytes of that many elements.
func elements(shape []int, size int) (n int64, ok bool) {
	n = 1
	for _, k := range shape {
		if k < 0 || k > 0 && n > maxBytes/int64(k) {
			return 0, false
		}
		n *= int64(k)
	}
	return n, n <= maxBytes/int64(max(size, 1))
}

// faults collects what is wrong with rows.
type faults struct {
	skip    int
	skipped []error
}

// add notes a broken row; it returns an error where there are too many of them to go on.
func (f *faults) add(err error) error {
	if f.skipped = append(f.skipped, err); len(f.skipped) >= f.skip+maxTold {
		return f.err(true)
	}
	return nil
}

// err tells all faults where there are more than may be skipped.
func (f *faults) err(more bool) error {
	if len(f.skipped) <= f.skip {
		return nil
	}
	list := append([]error{}, f.skipped[:min(len(f.skipped), maxTold)]...)
	if more || len(f.skipped) > maxTold {
		list = append(list, errors.New("and perhaps more"))
	}
	return fmt.Errorf("%w\n%s", errors.Join(list...), fmt.Sprintf("(at most %d broken rows are left out: --skip N allows more)", f.skip))
}
