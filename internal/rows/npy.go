package rows

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/autotailor/autotailor/internal/onnx"
)

const (
	npyMagic  = "\x93NUMPY"
	maxHeader = 1 << 20 // bytes of an npy header
)

// npyTypes are the elements of npy files that ONNX has, too, by their letter and size.
var npyTypes = map[string]onnx.DType{
	"b1": onnx.Bool, "?": onnx.Bool, "i1": onnx.Int8, "i2": onnx.Int16, "i4": onnx.Int32, "i8": onnx.Int64, "u1": onnx.Uint8, "u2": onnx.Uint16, "u4": onnx.Uint32,
	"u8": onnx.Uint64, "f2": onnx.Float16, "f4": onnx.Float32, "f8": onnx.Float64, "c8": onnx.Complex64, "c16": onnx.Complex128,
}

func openNPY(path string) (*array, error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a := &array{path: path, name: strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))}
	if err := a.header(f, size); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return a, nil
}

// header reads the start of an npy file of that size: where its elements are, and what.
func (a *array) header(r io.Reader, size int64) error {
	var start [len(npyMagic) + 2]byte
	if _, err := io.ReadFull(r, start[:]); err != nil || string(start[:len(npyMagic)]) != npyMagic {
		return errors.New("it is no npy file: it does not start as one")
	}
	count := 4 // bytes of the header's length
	switch version := start[len(npyMagic)]; version {
	case 1:
		count = 2
	case 2, 3:
	default:
		return fmt.Errorf("it has version %d of the npy format; this release reads 1, 2 and 3", version)
	}
	var length [4]byte
	if _, err := io.ReadFull(r, length[:count]); err != nil {
		return errors.New("its header is cut off")
	}
	n := int64(binary.LittleEndian.Uint32(length[:]))
	if n > maxHeader {
		return fmt.Errorf("its header claims to have %d bytes", n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return errors.New("its header is cut off")
	}
	a.at = int64(len(start)+count) + n
	if err := a.describe(string(text)); err != nil {
		return err
	}
	k, ok := elements(a.shape, a.kind.Bytes())
	if !ok {
		return fmt.Errorf("its header says that it has the shape %v, which cannot be", a.shape)
	}
	if want := a.at + k*int64(a.kind.Bytes()); size != want {
		return fmt.Errorf("it has %d bytes, its header says %d: it is cut off, or has more than one array", size, want)
	}
	return nil
}

// describe reads the text of a header: a Python dict with descr, fortran_order and shape.
func (a *array) describe(text string) error {
	d, err := parseDict(text)
	if err != nil {
		return fmt.Errorf("its header %.80q: %w", text, err)
	}
	descr, isText := d["descr"].(string)
	switch {
	case d["descr"] == nil || d["shape"] == nil || d["fortran_order"] == nil:
		return fmt.Errorf("its header %.80q lacks descr, fortran_order or shape", text)
	case !isText:
		return errors.New("it has records of several types: save each of their fields as an array of its own")
	}
	order, kind := "|", descr
	if descr != "" && strings.ContainsAny(descr[:1], "<>|=") {
		order, kind = descr[:1], descr[1:]
	}
	var ok bool
	if a.kind, ok = npyTypes[kind]; !ok {
		return fmt.Errorf("it has elements of NumPy's type %q: want numbers, as after array.astype('float32') or 'int64'", descr)
	}
	a.swapped = order == ">" && word(a.kind) > 1
	if a.fortran, ok = d["fortran_order"].(bool); !ok {
		return fmt.Errorf("its header %.80q: fortran_order is neither True nor False", text)
	}
	shape, ok := d["shape"].([]any)
	if !ok || len(shape) > maxAxes {
		return fmt.Errorf("its header %.80q: shape is no tuple of at most %d numbers", text, maxAxes)
	}
	a.shape = make([]int, len(shape))
	for i, v := range shape {
		n, ok := v.(int64)
		if !ok || n < 0 || n > maxRows || int64(int(n)) != n {
			return fmt.Errorf("its header %.80q: shape has %v, which is no extent", text, v)
		}
		a.shape[i] = int(n)
	}
	return nil
}
