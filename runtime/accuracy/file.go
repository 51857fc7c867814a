package accuracy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/internal/rowfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Read reads the complete table of net. A table of another package, space or model is a *MismatchError, one
// that lacks probes a *MissingError.
func Read(r io.Reader, net *supernet.Net) (*Table, error) {
	t, err := read(r, net, tables)
	if err != nil {
		return nil, err
	}
	return t, t.complete(net)
}

// FromVersion1 reads a table that version 1 wrote for net, and returns it as it is today. It need not be complete.
func FromVersion1(r io.Reader, net *supernet.Net) (*Table, error) {
	t, err := read(r, net.Version1(), tablesVersion1)
	if err != nil {
		return nil, err
	}
	t.Header.Digest = supernet.SpaceDigest(net)
	return t, nil
}

// read reads a table of a format.
func read(r io.Reader, net *supernet.Net, f format) (*Table, error) {
	file, err := rowfile.Parse(r)
	if err != nil {
		return nil, fmt.Errorf("sensitivities: %w", err)
	}
	var h Header
	var errs rowfile.Errors
	h.readHeader(file, f, &errs)
	if err := errs.Join(); err != nil {
		return nil, fmt.Errorf("sensitivities: %w", err)
	}
	t := New(net, h)
	t.Header = h
	if err := t.Match(net); err != nil {
		return nil, err
	}
	t.fill(net, file.Rows, &errs)
	if err := errs.Join(); err != nil {
		return nil, fmt.Errorf("sensitivities: %w", err)
	}
	return t, nil
}

// fill stores the rows of lines, "probe correct".
func (t *Table) fill(net *supernet.Net, lines []rowfile.Line, errs *rowfile.Errors) {
	if t.Header.Images == 0 {
		errs.Add(0, "images is 0, want how many samples were counted")
	}
	for _, line := range lines {
		probe, number, _ := strings.Cut(line.Text, " ")
		g, err := net.Parse(probe)
		if err != nil {
			errs.Add(line.Number, "%w", err)
			continue
		}
		n, err := strconv.Atoi(number)
		switch at := t.at(g); {
		case space.Format(net.Choices, g) != probe || strings.Contains(probe, ","):
			errs.Add(line.Number, "%q is not a probe: want one choice that differs from the original's", probe)
		case err != nil || n < 0 || n > t.Header.Whole():
			errs.Add(line.Number, "%s: %q correct, want a number from 0 to %d", probe, number, t.Header.Whole())
		case *at != Unknown:
			errs.Add(line.Number, "%s stands here a second time", probe)
		default:
			*at = n
		}
	}
}

// appendRow appends the line of a probe, without its end.
func appendRow(b []byte, cs []space.Choice, probe space.Genes, correct int) []byte {
	return fmt.Appendf(b, "%s %d", space.Format(cs, probe), correct)
}

// bytes returns the file's content. What was not measured is left out.
func (t *Table) bytes(net *supernet.Net) []byte {
	h := t.Header
	b := h.appendHeader(nil, tables)
	for _, g := range append([]space.Genes{make(space.Genes, len(net.Choices))}, space.Probes(net.Choices)...) {
		if n := *t.at(g); n != Unknown {
			b = append(appendRow(b, net.Choices, g, n), '\n')
		}
	}
	return b
}

// Write writes t, which belongs to net, as a file.
func (t *Table) Write(w io.Writer, net *supernet.Net) error {
	_, err := w.Write(t.bytes(net))
	return err
}

// WriteFile replaces the file at path by t at once.
func (t *Table) WriteFile(path string, net *supernet.Net) error {
	return outfile.Write(path, t.bytes(net))
}

// Uncounted tells whether a table has been begun in the file at path, and nothing counted. OpenJournal begins such a table anew.
func Uncounted(path string) bool {
	b, err := infile.Read(path, infile.Table)
	if err != nil {
		return false
	}
	file, err := rowfile.Parse(bytes.NewReader(b[:bytes.LastIndexByte(b, '\n')+1]))
	return err == nil && len(file.Rows) == 0 && len(file.Header) > 0 && file.Header[0].Text == string(tables)
}

// Journal is a table's file that grows as probes are measured.
type Journal struct {
	file  *rowfile.Journal
	net   *supernet.Net
	table *Table
}

// OpenJournal starts a table for net in the file at path, or goes on with the one there, which must have the
// header h but for the date and the name of the model, whose weights have a digest. The table holds what was
// measured already; Table.Missing what is to be done.
func OpenJournal(path string, net *supernet.Net, h Header) (*Journal, *Table, error) {
	t := New(net, h)
	file, lines, err := rowfile.OpenJournal(path, t.Header.appendHeader(nil, tables), "date", "model")
	if err != nil {
		return nil, nil, err
	}
	var errs rowfile.Errors
	t.fill(net, lines, &errs)
	if err := errs.Join(); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	return &Journal{file, net, t}, t, nil
}

// Add stores the count of the probe, or of the original, in the table and the file.
func (j *Journal) Add(probe space.Genes, correct int) error {
	*j.table.at(probe) = correct
	return j.file.Append(string(appendRow(nil, j.net.Choices, probe, correct)))
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }
