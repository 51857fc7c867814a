package lut

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/internal/rowfile"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Read reads a table for net. A table of another package or digest is a *MismatchError.
func Read(r io.Reader, net *supernet.Net) (*Table, error) {
	file, err := rowfile.Parse(r)
	if err != nil {
		return nil, fmt.Errorf("latency table: %w", err)
	}
	var t Table
	var errs rowfile.Errors
	t.Header.read(file, format, &errs)
	if err := errs.Join(); err != nil {
		return nil, fmt.Errorf("latency table: %w", err)
	}
	if err := t.Match(net); err != nil {
		return nil, err
	}
	t.Rows = New(net, t.Header).Rows
	t.fill(file.Rows, false, &errs)
	if err := errs.Join(); err != nil {
		return nil, fmt.Errorf("latency table: %w", err)
	}
	return &t, nil
}

// Parse reads a table of any package or digest, as Migrate takes it: its Rows are in the file's order.
func Parse(r io.Reader) (*Table, error) { return parse(r, format) }

// FromVersion1 reads a table that version 1 wrote for the package of net, and returns it as it is today. Rows are matched by key; missing are the operators of net
// that the table has none of.
func FromVersion1(r io.Reader, net *supernet.Net) (t *Table, missing []supernet.ID, err error) {
	old, err := parse(r, version1)
	if err != nil {
		return nil, nil, err
	}
	if have := old.Header.Package; have != net.Package {
		return nil, nil, &MismatchError{"package", have, net.Package}
	}
	if text := old.Header.Reference; text != "" {
		name, took, _ := strings.Cut(text, " ")
		if name, err = net.FromVersion1(name); err != nil {
			return nil, nil, fmt.Errorf("latency table: reference: %w", err)
		}
		old.Header.Reference = strings.TrimSpace(name + " " + took)
	}
	byKey := make(map[string]Row, len(old.Rows))
	for _, r := range old.Rows {
		byKey[r.Key] = r
	}
	t = New(net, old.Header)
	for id := range t.Rows {
		if row, ok := byKey[t.Rows[id].Key]; ok {
			t.Rows[id] = row
		}
	}
	missing, err = t.Missing(net)
	return t, missing, err
}

// parse reads a table of a format.
func parse(r io.Reader, format string) (*Table, error) {
	file, err := rowfile.Parse(r)
	if err != nil {
		return nil, fmt.Errorf("latency table: %w", err)
	}
	var t Table
	var errs rowfile.Errors
	t.Header.read(file, format, &errs)
	for _, line := range file.Rows {
		_, row, layout, err := parseRow(line.Text)
		last := len(t.Rows) - 1
		switch {
		case err != nil:
			errs.Add(line.Number, "%w", err)
		case !layout:
			t.Rows = append(t.Rows, row)
		case last < 0 || t.Rows[last].Key != row.Key:
			errs.Add(line.Number, "layout changes of an operator that is not in the line above")
		default:
			t.Rows[last].Layout = row.Layout
		}
	}
	if err := errs.Join(); err != nil {
		return nil, fmt.Errorf("latency table: %w", err)
	}
	return &t, nil
}

// fill stores the rows of lines in t, which has all keys. Later rows replace earlier ones if again is set.
func (t *Table) fill(lines []rowfile.Line, again bool, errs *rowfile.Errors) {
	seen := make([]bool, len(t.Rows))
	for _, line := range lines {
		id, row, layout, err := parseRow(line.Text)
		switch {
		case err != nil:
			errs.Add(line.Number, "%w", err)
		case int(id) >= len(t.Rows):
			errs.Add(line.Number, "operator %d of %d", id, len(t.Rows))
		case row.Key != t.Rows[id].Key:
			errs.Add(line.Number, "operator %d is %q, want %q", id, row.Key, t.Rows[id].Key)
		case layout && !seen[id]:
			errs.Add(line.Number, "layout changes of operator %d, which no line above has", id)
		case layout:
			t.Rows[id].Layout = row.Layout
		case seen[id] && !again:
			errs.Add(line.Number, "operator %d stands here a second time", id)
		default:
			seen[id] = true
			t.Rows[id] = row
		}
	}
}

// bytes returns the file's content. Rows without measurement are left out.
func (t *Table) bytes() []byte {
	h := t.Header
	b := rowfile.AppendHeader(nil, h.fields())
	for id, r := range t.Rows {
		b = appendRow(b, supernet.ID(id), r)
	}
	return b
}

// Write writes t, whose rows are by operator, as a file.
func (t *Table) Write(w io.Writer) error {
	_, err := w.Write(t.bytes())
	return err
}

// WriteFile replaces the file at path by t at once.
func (t *Table) WriteFile(path string) error { return outfile.Write(path, t.bytes()) }

// Journal is a table's file that grows as operators are measured.
type Journal struct {
	file  *rowfile.Journal
	table *Table
}

// OpenJournal starts a table for net in the file at path, or goes on with the one there, which must have the
// header h but for the date. The table holds what was measured already.
func OpenJournal(path string, net *supernet.Net, h Header) (*Journal, *Table, error) {
	t := New(net, h)
	file, lines, err := rowfile.OpenJournal(path, rowfile.AppendHeader(nil, t.Header.fields()), "date", "calibration", "kernels", "reference")
	if err != nil {
		return nil, nil, err
	}
	var errs rowfile.Errors
	t.fill(lines, true, &errs)
	if err := errs.Join(); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	return &Journal{file, t}, t, nil
}

// Add stores the measurement of operator id in the table and the file; its key is known.
func (j *Journal) Add(id supernet.ID, r Row) error {
	r.Key = j.table.Rows[id].Key
	j.table.Rows[id] = r
	return j.file.Append(strings.TrimSuffix(string(appendRow(nil, id, r)), "\n"))
}

// Close closes the file. Table.WriteFile then puts its rows in order.
func (j *Journal) Close() error { return j.file.Close() }
