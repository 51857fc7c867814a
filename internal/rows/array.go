package rows

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/autotailor/autotailor/internal/onnx"
)

// array is a tensor in a file, whose first axis has the rows.
type array struct {
	name    string // of the field
	path    string // of the file that has it
	member  string // of an npz file, else ""
	kind    onnx.DType
	shape   []int
	at      int64                   // where its elements begin
	fortran bool                    // the first axis varies fastest
	swapped bool                    // big-endian elements
	inflate func(to *os.File) error // writes the elements of a compressed member; nil for others

	once  sync.Once
	spool *os.File // has the elements in rows, where the file has not
	err   error
}

// Arrays are files of arrays that belong together: each is a field, and all have as many rows.
type Arrays struct {
	list []*array
	n    int
}

func newArrays(list []*array) (*Arrays, error) {
	for i, a := range list {
		if len(a.shape) == 0 {
			return nil, fmt.Errorf("%s: it is one number; want an array with a row for each sample", a.where())
		}
		if n := list[0].shape[0]; a.shape[0] != n {
			return nil, fmt.Errorf("%s has %d rows, %s has %d: they do not belong together", list[0].where(), n, a.where(), a.shape[0])
		}
		for _, other := range list[:i] {
			if other.name == a.name {
				return nil, fmt.Errorf("%s and %s have the same name", other.where(), a.where())
			}
		}
		if a.rowBytes() > maxValue {
			return nil, fmt.Errorf("%s: a row has %d bytes, more than %d", a.where(), a.rowBytes(), maxValue)
		}
	}
	return &Arrays{list, list[0].shape[0]}, nil
}

// Len implements File.
func (s *Arrays) Len() int { return s.n }

// Skipped implements File: arrays have no broken rows.
func (s *Arrays) Skipped() []error { return nil }

// OpenArrays opens npy files and raw tensors that belong together; name tells how the field of a file is called.
func OpenArrays(npy, raw []string, name func(path string) string) (*Arrays, error) {
	var list []*array
	var errs []error
	for _, path := range slices.Concat(npy, raw) {
		one := openNPY
		if slices.Contains(raw, path) {
			one = openRaw
		}
		a, err := one(path)
		if err == nil {
			a.name = name(path)
		}
		list, errs = append(list, a), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errors.New("there is no array")
	}
	return newArrays(list)
}

// Where implements File.
func (s *Arrays) Where(i int) string { return fmt.Sprintf("%s: row %d", s.list[0].path, i) }

// Fields implements File.
func (s *Arrays) Fields() []Field {
	var out []Field
	for _, a := range s.list {
		out = append(out, Field{Name: a.name, Type: a.kind, Shape: slices.Clone(a.shape[1:])})
	}
	return out
}

// Row implements File.
func (s *Arrays) Row(i int, fields ...int) ([]Value, error) {
	if i < 0 || i >= s.n {
		return nil, fmt.Errorf("%s: there is no row %d of %d", s.list[0].path, i, s.n)
	}
	var out []Value
	for _, k := range all(fields, len(s.list)) {
		a := s.list[k]
		raw, err := a.row(i)
		if err != nil {
			return nil, err
		}
		out = append(out, Value{a.kind, a.shape[1:], raw})
	}
	return out, nil
}

// where names the array for the user.
func (a *array) where() string {
	if a.member != "" {
		return a.path + ": " + a.member
	}
	return a.path
}

// inner is the number of elements of a row.
func (a *array) inner() int64 {
	n, _ := elements(a.shape[1:], a.kind.Bytes())
	return n
}

func (a *array) rowBytes() int64 { return a.inner() * int64(a.kind.Bytes()) }

func (a *array) row(i int) ([]byte, error) {
	raw := make([]byte, a.rowBytes())
	at := int64(i) * a.rowBytes()
	if a.inflate == nil && (!a.fortran || len(a.shape) == 1) {
		if err := readAt(a.path, raw, a.at+at); err != nil {
			return nil, err
		}
	} else {
		if a.once.Do(a.spread); a.err != nil {
			return nil, a.err
		}
		if _, err := a.spool.ReadAt(raw, at); err != nil {
			return nil, fmt.Errorf("%s: its copy in the folder for temporary files cannot be read: %w", a.where(), err)
		}
	}
	if a.swapped {
		swap(raw, word(a.kind))
	}
	return raw, nil
}

// word is the size of what has an order of bytes: a complex number has two of them.
func word(kind onnx.DType) int {
	if kind == onnx.Complex64 || kind == onnx.Complex128 {
		return kind.Bytes() / 2
	}
	return kind.Bytes()
}

// swap reverses the bytes of each element.
func swap(raw []byte, size int) {
	for at := 0; at+size <= len(raw); at += size {
		slices.Reverse(raw[at : at+size])
	}
}

// spread writes the rows to a temporary file, one after the other, since the array's file has them compressed or in another order.
func (a *array) spread() {
	if a.spool, a.err = a.spreadTo(); a.err != nil {
		a.err = fmt.Errorf("%s: %w", a.where(), a.err)
	}
}

func (a *array) spreadTo() (*os.File, error) {
	from, _, err := openFile(a.path)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	at := a.at
	if a.inflate != nil {
		plain, err := temporary()
		if err != nil {
			return nil, err
		}
		if err := a.inflate(plain); err != nil {
			return nil, err
		}
		if !a.fortran {
			return plain, nil
		}
		defer plain.Close()
		from, at = plain, 0
	}
	to, err := temporary()
	if err != nil {
		return nil, err
	}
	return to, a.transpose(from, at, to)
}

// temporary makes a file that lives until it is closed; where that cannot be, it stays in the folder for temporary files.
func temporary() (*os.File, error) {
	f, err := os.CreateTemp("", "autotailor-rows-*")
	if err == nil {
		_ = os.Remove(f.Name()) // Windows keeps what is open
	}
	return f, err
}

// maxBlock bounds the memory that a change of order takes, in bytes.
const maxBlock = 1 << 25

// transpose writes rows of an array whose first axis varies fastest, many rows at a time.
func (a *array) transpose(from *os.File, at int64, to *os.File) error {
	size, inner, n := int64(a.kind.Bytes()), a.inner(), int64(a.shape[0])
	block := max(1, min(n, maxBlock/max(1, inner*size)))
	column, out := make([]byte, block*size), make([]byte, block*inner*size)
	strides := a.strides()
	for first := int64(0); first < n; first += block {
		rows := min(block, n-first)
		for k := range inner { // in row-major order of the result
			off := int64(0)
			for axis, rest := len(a.shape)-1, k; axis > 0; axis-- {
				off += rest % int64(a.shape[axis]) * strides[axis]
				rest /= int64(a.shape[axis])
			}
			if _, err := from.ReadAt(column[:rows*size], at+(off+first)*size); err != nil {
				return fmt.Errorf("it is cut off: %w", err)
			}
			for r := range rows {
				copy(out[(r*inner+k)*size:][:size], column[r*size:])
			}
		}
		if _, err := to.Write(out[:rows*inner*size]); err != nil {
			return err
		}
	}
	return nil
}

// strides are the distances between neighbours of each axis, the first of which varies fastest.
func (a *array) strides() []int64 {
	out := make([]int64, len(a.shape))
	step := int64(1)
	for axis, n := range a.shape {
		out[axis] = step
		step *= int64(n)
	}
	return out
}
