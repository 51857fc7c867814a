// Package stdout notices when standard output cannot be written, such as on a full disk or to a program that has ended: a command whose results
// are lost has failed.
package stdout

import (
	"fmt"
	"io"
)

// Writer passes on what is written and remembers the first error.
type Writer struct {
	dst io.Writer
	err error
}

// New returns a Writer to dst.
func New(dst io.Writer) *Writer { return &Writer{dst: dst} }

// Write writes b. After an error nothing more is written.
func (w *Writer) Write(b []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.dst.Write(b)
	if err != nil {
		w.err = fmt.Errorf("standard output cannot be written: %w", err)
	}
	return n, w.err
}

// Err is the first error.
func (w *Writer) Err() error { return w.err }
