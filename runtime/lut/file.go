package lut

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/autotailor/autotailor/internal/rowfile"
	"github.com/autotailor/autotailor/runtime/optable"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// failed stands in place of the number of runs of an operator that could not be measured.
const failed = "failed"

// unknown stands in place of an energy that no device has told.
const unknown = "-"

// maxDuration is the longest time that a row may have; sums of a thousand rows stay far from overflow.
const maxDuration = int64(time.Hour)

// Read reads a table for net. A table of another package or digest is a *MismatchError.
func Read(r io.Reader, net *supernet.Net) (*Table, error) {
	file, err := rowfile.Parse(r)
	if err != nil {
		return nil, fmt.Errorf("latency table: %w", err)
	}
	var t Table
	var errs rowfile.Errors
	file.Read(t.Header.fields(), &errs)
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
func Parse(r io.Reader) (*Table, error) {
	file, err := rowfile.Parse(r)
	if err != nil {
		return nil, fmt.Errorf("latency table: %w", err)
	}
	var t Table
	var errs rowfile.Errors
	file.Read(t.Header.fields(), &errs)
	for _, line := range file.Rows {
		if _, row, err := parseRow(line.Text); err != nil {
			errs.Add(line.Number, "%w", err)
		} else {
			t.Rows = append(t.Rows, row)
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
		id, row, err := parseRow(line.Text)
		switch {
		case err != nil:
			errs.Add(line.Number, "%w", err)
		case int(id) >= len(t.Rows):
			errs.Add(line.Number, "operator %d of %d", id, len(t.Rows))
		case row.Key != t.Rows[id].Key:
			errs.Add(line.Number, "operator %d is %q, want %q", id, row.Key, t.Rows[id].Key)
		case seen[id] && !again:
			errs.Add(line.Number, "operator %d stands here a second time", id)
		default:
			seen[id] = true
			t.Rows[id] = row
		}
	}
}

// parseRow reads "id n min median spread energy key" or "id failed "why" key".
func parseRow(text string) (optable.ID, Row, error) {
	first, rest, _ := strings.Cut(text, " ")
	id, err := strconv.ParseUint(first, 10, 32)
	if err != nil {
		return 0, Row{}, fmt.Errorf("%q is no operator number", first)
	}
	if why, ok := strings.CutPrefix(rest, failed+" "); ok {
		quoted, err := strconv.QuotedPrefix(why)
		if err != nil {
			return 0, Row{}, fmt.Errorf("operator %d: want a quoted reason after %q", id, failed)
		}
		reason, err := strconv.Unquote(quoted)
		key, spaced := strings.CutPrefix(why[len(quoted):], " ")
		if err != nil || reason == "" || !spaced || key == "" {
			return 0, Row{}, fmt.Errorf("operator %d: want a quoted reason and the operator's key after %q", id, failed)
		}
		return optable.ID(id), Row{Key: key, Failed: reason}, nil
	}
	var numbers [5]int64
	for i, name := range []string{"number of runs", "minimum", "median", "spread", "energy"} {
		first, rest, _ = strings.Cut(rest, " ")
		if name == "energy" && first == unknown {
			continue
		}
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil || n < 0 || n > maxDuration {
			return 0, Row{}, fmt.Errorf("operator %d: %s is %q, want an integer from 0 to %d (an hour of nanoseconds, 3.6 kJ in nanojoules)", id, name, first, maxDuration)
		}
		numbers[i] = n
	}
	switch {
	case rest == "":
		return 0, Row{}, fmt.Errorf("operator %d: no key at the end of the row", id)
	case numbers[0] == 0 || numbers[1] > numbers[2]:
		return 0, Row{}, fmt.Errorf("operator %d: want at least one run and a minimum not above the median", id)
	}
	row := Row{Key: rest, N: int(numbers[0]), Min: time.Duration(numbers[1]), Median: time.Duration(numbers[2]), Spread: time.Duration(numbers[3]), Energy: numbers[4]}
	return optable.ID(id), row, nil
}

// appendRow appends the line of a row that was measured or has failed, without its end.
func appendRow(b []byte, id optable.ID, r Row) []byte {
	if r.Failed != "" {
		return fmt.Appendf(b, "%d %s %q %s", id, failed, r.Failed, r.Key)
	}
	energy := unknown
	if r.Energy > 0 {
		energy = strconv.FormatInt(r.Energy, 10)
	}
	return fmt.Appendf(b, "%d %d %d %d %d %s %s", id, r.N, r.Min.Nanoseconds(), r.Median.Nanoseconds(), r.Spread.Nanoseconds(), energy, r.Key)
}

// bytes returns the file's content. Rows without measurement are left out.
func (t *Table) bytes() []byte {
	h := t.Header
	b := rowfile.AppendHeader(nil, h.fields())
	for id, r := range t.Rows {
		if r.N > 0 || r.Failed != "" {
			b = append(appendRow(b, optable.ID(id), r), '\n')
		}
	}
	return b
}

// Write writes t, whose rows are by operator, as a file.
func (t *Table) Write(w io.Writer) error {
	_, err := w.Write(t.bytes())
	return err
}

// WriteFile replaces the file at path by t at once.
func (t *Table) WriteFile(path string) error { return rowfile.Write(path, t.bytes()) }

// Journal is a table's file that grows as operators are measured.
type Journal struct {
	file  *rowfile.Journal
	table *Table
}

// OpenJournal starts a table for net in the file at path, or goes on with the one there, which must have the
// header h but for the date. The table holds what was measured already.
func OpenJournal(path string, net *supernet.Net, h Header) (*Journal, *Table, error) {
	t := New(net, h)
	file, lines, err := rowfile.OpenJournal(path, rowfile.AppendHeader(nil, t.Header.fields()), "date")
	if err != nil {
		return nil, nil, err
	}
	var errs rowfile.Errors
	t.fill(lines, true, &errs)
	if err := errs.Join(); err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Journal{file, t}, t, nil
}

// Add stores the measurement of operator id in the table and the file; its key is known.
func (j *Journal) Add(id optable.ID, r Row) error {
	r.Key = j.table.Rows[id].Key
	j.table.Rows[id] = r
	return j.file.Append(string(appendRow(nil, id, r)))
}

// Close closes the file. Table.WriteFile then puts its rows in order.
func (j *Journal) Close() error { return j.file.Close() }
