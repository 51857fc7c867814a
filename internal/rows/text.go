package rows

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/autotailor/autotailor/internal/onnx"
)

// maxLine bounds a line, in bytes.
const maxLine = 1 << 26

// byteOrderMark may begin texts in UTF-8.
const byteOrderMark = "\ufeff"

// maxQuoted bounds a row of CSV that goes over several lines, in bytes: with more, its quotes probably do not end.
const maxQuoted = 1 << 22

// lines reads a text line by line.
type lines struct {
	file  io.ReadSeeker
	from  *bufio.Reader
	comma rune // of CSV, where what is between quotes may have ends of lines; else 0
	mark       // of the next line
}

func newLines(f io.ReadSeeker, m mark, comma rune) *lines {
	l := &lines{f, bufio.NewReaderSize(f, 1<<14), comma, m}
	if head, _ := l.from.Peek(len(byteOrderMark)); m.at == 0 && string(head) == byteOrderMark {
		_, _ = l.from.Discard(len(byteOrderMark)) // it was there to peek at
		l.at = int64(len(byteOrderMark))
	}
	return l
}

// brokenLine says that a line cannot be used; others can.
type brokenLine struct{ why string }

func (e *brokenLine) Error() string { return e.why }

// read returns the next line that is not blank, without its end, and its number. A line between quotes goes on to their end.
func (l *lines) read() ([]byte, int, error) {
	for {
		line := l.line
		text, err := l.one(nil)
		if err == nil && l.comma != 0 {
			text, err = l.quoted(text)
		}
		if err != nil {
			return nil, line, err
		}
		if text = bytes.TrimRight(text, "\r\n"); len(bytes.TrimSpace(text)) > 0 {
			return text, line, nil
		}
	}
}

// quoted appends the lines that a row of CSV goes on in. Where its quotes do not end, the row is its first line, and the next one is read after that.
func (l *lines) quoted(text []byte) ([]byte, error) {
	first := l.mark
	for from, odd := 0, false; ; {
		quotes := bytes.Count(text[from:], []byte{'"'})
		if odd = odd != (quotes%2 == 1); !odd || quotes > 0 && bare(text, l.comma) { // without quotes of its own, a line changes nothing
			return text, nil
		}
		from = len(text)
		var err error
		if text, err = l.one(text); err == nil && len(text) <= maxQuoted {
			continue
		}
		var long *brokenLine
		if err != nil && err != io.EOF && !errors.As(err, &long) {
			return nil, err
		}
		if _, err := l.file.Seek(first.at, io.SeekStart); err != nil {
			return nil, err
		}
		l.from.Reset(l.file)
		l.mark = first
		return nil, &brokenLine{"its quotes do not end"}
	}
}

// one appends a line with its end. One that is too long is passed over.
func (l *lines) one(text []byte) ([]byte, error) {
	from, long := len(text), false
	l.line++
	for {
		part, err := l.from.ReadSlice('\n')
		l.at += int64(len(part))
		if long = long || len(text)+len(part) > maxLine; !long {
			text = append(text, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
		case err != nil && (err != io.EOF || len(text) == from && !long):
			return nil, err
		case long:
			return nil, &brokenLine{fmt.Sprintf("it has more than %d bytes", maxLine)}
		default:
			return text, nil
		}
	}
}

// Text is a file of text: each line that is not blank is a row, whose one field are its bytes.
type Text struct{ records }

// TextField is the name of the field of lines of text.
const TextField = "text"

// OpenText reads a file once, to find where lines begin.
func OpenText(path string, o Options) (*Text, error) {
	t := &Text{records{path: path, faults: faults{skip: o.Skip}}}
	return t, t.scan(func([]byte, int) error { return nil })
}

// Fields implements File.
func (t *Text) Fields() []Field { return []Field{{TextField, onnx.Uint8, []int{Open}, true}} }

// Row implements File.
func (t *Text) Row(i int, _ ...int) ([]Value, error) {
	text, _, err := t.row(i)
	if err != nil {
		return nil, err
	}
	return []Value{{onnx.Uint8, []int{len(text)}, text}}, nil
}
