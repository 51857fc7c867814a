// Package rowfile reads and writes the text files of measurements: "key: value" lines, an empty line,
// then one line per row. Files are written whole or row by row, so that a stopped measurement can go on.
package rowfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// File is a parsed file.
type File struct {
	Header []Line // Key and Text of each header line
	Rows   []Line // Text of each row
}

// Line is a line of a file. Number counts from 1.
type Line struct {
	Number    int
	Key, Text string
}

// maxLine bounds a line, in bytes.
const maxLine = 1 << 20

// Parse splits r into lines. Lines that start with # are comments.
func Parse(r io.Reader) (File, error) {
	var f File
	var errs Errors
	rows := false
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		text := strings.TrimRight(lines.Text(), " \t\r")
		switch key, value, ok := strings.Cut(text, ":"); {
		case strings.HasPrefix(text, "#"):
		case rows && text != "":
			f.Rows = append(f.Rows, Line{Number: n, Text: text})
		case text == "":
			rows = rows || len(f.Header) > 0
		case !ok:
			errs.Add(n, "want \"key: value\" or an empty line before the rows, got %q", clip(text))
		case slices.ContainsFunc(f.Header, func(l Line) bool { return l.Key == key }):
			errs.Add(n, "%q stands here a second time", clip(key))
		default:
			f.Header = append(f.Header, Line{n, key, strings.TrimSpace(value)})
		}
	}
	if err := lines.Err(); err != nil {
		return File{}, fmt.Errorf("after %d rows: %w", len(f.Rows), err)
	}
	return f, errs.Join()
}

// clip shortens text for messages.
func clip(text string) string {
	if len(text) > 60 {
		return text[:60] + "..."
	}
	return text
}

// Errors collects mistakes with their lines.
type Errors struct{ errs []error }

// maxErrors bounds how many mistakes are told.
const maxErrors = 10

// Add appends a mistake in a line; line 0 is the file as a whole.
func (e *Errors) Add(line int, format string, args ...any) {
	err := fmt.Errorf(format, args...)
	if line > 0 {
		err = fmt.Errorf("line %d: %w", line, err)
	}
	e.errs = append(e.errs, err)
}

// Join returns the first mistakes as one error, nil when there is none.
func (e *Errors) Join() error {
	if more := len(e.errs) - maxErrors; more > 0 {
		return errors.Join(append(slices.Clone(e.errs[:maxErrors]), fmt.Errorf("and %d more mistakes", more))...)
	}
	return errors.Join(e.errs...)
}

// Field ties a header key to where its value is kept.
type Field struct {
	Key      string
	Text     *string
	Int      *int     // instead of Text
	Want     string   // the only legal value, if not empty; nothing is kept
	Among    []string // legal values of Text, if there are any
	Version1 string   // what version 1 wrote instead, which the command migrate converts
	Remedy   string   // what to do where that value is another
	Optional bool
}

// Read stores the header's values by fields and reports unknown, missing and illegal ones.
func (f File) Read(fields []Field, errs *Errors) {
	seen := make(map[string]bool)
	for _, l := range f.Header {
		i := slices.IndexFunc(fields, func(field Field) bool { return field.Key == l.Key })
		if i < 0 {
			errs.Add(l.Number, "no header key %q, want one of %s", clip(l.Key), keys(fields))
			continue
		}
		seen[l.Key] = true
		if old := fields[i].Version1; old != "" && l.Text == old && old != fields[i].Want {
			errs.Add(l.Number, "%s is %q: version 1 wrote the file; convert it with `%s migrate FILE`", l.Key, old, f.value("package"))
			continue
		}
		fields[i].set(l, errs)
	}
	for _, field := range fields {
		if !seen[field.Key] && !field.Optional {
			errs.Add(0, "the header has no %q", field.Key)
		}
	}
}

// value is the text of a header key, "PACKAGE" when there is none.
func (f File) value(key string) string {
	for _, l := range f.Header {
		if l.Key == key && l.Text != "" {
			return clip(l.Text)
		}
	}
	return strings.ToUpper(key)
}

func (field Field) set(l Line, errs *Errors) {
	switch {
	case field.Want != "" && l.Text != field.Want:
		errs.Add(l.Number, "%s is %q, want %q: %s", l.Key, clip(l.Text), field.Want, field.Remedy)
	case len(field.Among) > 0 && !slices.Contains(field.Among, l.Text):
		errs.Add(l.Number, "%s is %q, want one of %q: %s", l.Key, clip(l.Text), field.Among, field.Remedy)
	case field.Int != nil:
		n, err := strconv.Atoi(l.Text)
		if err != nil || n < 0 {
			errs.Add(l.Number, "%s is %q, want a number", l.Key, clip(l.Text))
		}
		*field.Int = n
	case field.Text != nil:
		*field.Text = oneLine(l.Text)
	}
}

func keys(fields []Field) string {
	var ks []string
	for _, f := range fields {
		ks = append(ks, f.Key)
	}
	return strings.Join(ks, ", ")
}

// AppendHeader appends the header that Read reads, and the empty line.
func AppendHeader(b []byte, fields []Field) []byte {
	for _, f := range fields {
		text := f.Want
		switch {
		case f.Int != nil:
			text = strconv.Itoa(*f.Int)
		case f.Text != nil:
			text = oneLine(*f.Text)
		}
		if text != "" || !f.Optional {
			b = fmt.Appendf(b, "%s: %s\n", f.Key, text)
		}
	}
	return append(b, '\n')
}

// oneLine keeps a value from spilling over its line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
