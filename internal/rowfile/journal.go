package rowfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/outfile"
)

// Journal is a file that grows row by row.
type Journal struct {
	f    *outfile.Growing
	path string
}

// ErrOtherHeader says that a journal was begun under other circumstances.
var ErrOtherHeader = errors.New("what was begun here has another header: finish it with its own settings, or remove it")

// OpenJournal opens the journal at path, or starts one with the given header. A journal that is there must
// have the same header, but for the keys in except; its complete rows are returned, and a row that was cut
// off is dropped. One of the same format without a complete row holds no work, so it is begun anew under the given header.
func OpenJournal(path string, header []byte, except ...string) (*Journal, []Line, error) {
	f, err := outfile.Grow(path)
	if err != nil {
		return nil, nil, err
	}
	rows, err := resume(f, header, except)
	if err != nil {
		return nil, nil, errors.Join(&os.PathError{Op: "resume", Path: path, Err: err}, f.Close())
	}
	return &Journal{f, path}, rows, nil
}

// resume reads f's rows and leaves f open for appending.
func resume(f outfile.File, header []byte, except []string) ([]Line, error) {
	old, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	end := bytes.Index(old, []byte("\n\n"))
	if start := []byte(first(header)); end < 0 && !bytes.HasPrefix(old, start) && !bytes.HasPrefix(start, old) {
		return nil, errors.New("it is another file, which is left as it is: give another name, or remove it")
	}
	if end < 0 { // new, or stopped while the header was written
		return nil, begin(f, header)
	}
	if was, is := first(old), first(header); was != is && strings.HasPrefix(was, "format:") {
		return nil, fmt.Errorf("%w; it starts with %q, this program writes %q: the command migrate converts files of version 1", ErrOtherHeader, clip(was), is)
	}
	old = old[:bytes.LastIndexByte(old, '\n')+1]
	if len(bytes.TrimSpace(old[min(end, len(old)):])) == 0 {
		return nil, begin(f, header)
	}
	if was, is := differing(stable(old[:end], except), stable(header, except)); was != is {
		return nil, fmt.Errorf("%w; it says %q, now it would say %q", ErrOtherHeader, clip(was), clip(is))
	}
	parsed, err := Parse(bytes.NewReader(old))
	if err != nil {
		return nil, err
	}
	return parsed.Rows, errors.Join(f.Truncate(int64(len(old))), seek(f, len(old)))
}

// begin makes a header all that f has.
func begin(f outfile.File, header []byte) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	if _, err := f.WriteAt(header, 0); err != nil {
		return err
	}
	return seek(f, len(header))
}

// first is the first line of a header, which names its format.
func first(header []byte) string {
	line, _, _ := bytes.Cut(header, []byte("\n"))
	return strings.TrimRight(string(line), " \t\r")
}

// differing returns the first lines of two headers that differ, "" for one that is shorter, and twice the same where none differs.
func differing(a, b []string) (line, other string) {
	for i := range max(len(a), len(b)) {
		line, other = "", ""
		if i < len(a) {
			line = a[i]
		}
		if i < len(b) {
			other = b[i]
		}
		if line != other {
			break
		}
	}
	return line, other
}

// stable returns the lines of a header, those with the keys in except left out.
func stable(header []byte, except []string) []string {
	lines := strings.Split(strings.TrimSpace(string(header)), "\n")
	return slices.DeleteFunc(lines, func(line string) bool {
		key, _, _ := strings.Cut(line, ":")
		return slices.Contains(except, key)
	})
}

func seek(f outfile.File, to int) error {
	_, err := f.Seek(int64(to), io.SeekStart)
	return err
}

// Append writes one row, without its line end.
func (j *Journal) Append(row string) error {
	if _, err := j.f.Write([]byte(row + "\n")); err != nil {
		return fmt.Errorf("%s: a row could not be written; the same command goes on with those before: %w", j.path, err)
	}
	return nil
}

// Close closes the journal's file.
func (j *Journal) Close() error { return j.f.Close() }
