package rows

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/autotailor/autotailor/internal/onnx"
)

// Windows are the parts of one long row of tokens, each as long as the others and with the first token of the part after it.
type Windows struct {
	path   string
	name   string // of the field
	tokens *array
	length int
}

// OpenWindows cuts a file into windows of that many tokens: the bytes of a text, or the numbers of an npy file with one axis.
func OpenWindows(path string, length int) (*Windows, error) {
	if length < 1 || length > maxLine {
		return nil, fmt.Errorf("%s: windows of %d tokens cannot be", path, length)
	}
	w := &Windows{path: path, name: TextField, length: length}
	if strings.EqualFold(filepath.Ext(path), ".npy") {
		a, err := openNPY(path)
		if err != nil {
			return nil, err
		}
		if len(a.shape) != 1 {
			return nil, fmt.Errorf("%s: it has the shape %v; tokens that are cut into windows stand in one row", path, a.shape)
		}
		w.tokens, w.name = a, a.name
	} else {
		f, size, err := openFile(path)
		if err == nil {
			err = f.Close()
		}
		if err == nil && int64(int(size)) != size {
			err = errors.New("it is too large for this machine")
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		w.tokens = &array{path: path, kind: onnx.Uint8, shape: []int{int(size)}}
	}
	if w.Len() < 1 {
		return nil, fmt.Errorf("%s: it has %d tokens, too few for a window of %d and one more", path, w.tokens.shape[0], length)
	}
	return w, nil
}

// Len implements File.
func (w *Windows) Len() int { return (w.tokens.shape[0] - 1) / w.length }

// Skipped implements File.
func (w *Windows) Skipped() []error { return nil }

// Where implements File.
func (w *Windows) Where(i int) string { return fmt.Sprintf("%s: token %d", w.path, i*w.length) }

// Fields implements File.
func (w *Windows) Fields() []Field {
	return []Field{{w.name, w.tokens.kind, []int{w.length + 1}, w.tokens.kind == onnx.Uint8}}
}

// Row implements File.
func (w *Windows) Row(i int, _ ...int) ([]Value, error) {
	if i < 0 || i >= w.Len() {
		return nil, fmt.Errorf("%s: there is no window %d of %d", w.path, i, w.Len())
	}
	a, size := w.tokens, int64(w.tokens.kind.Bytes())
	raw := make([]byte, int64(w.length+1)*size)
	if err := readAt(a.path, raw, a.at+int64(i)*int64(w.length)*size); err != nil {
		return nil, err
	}
	if a.swapped {
		swap(raw, word(a.kind))
	}
	return []Value{{a.kind, []int{w.length + 1}, raw}}, nil
}
