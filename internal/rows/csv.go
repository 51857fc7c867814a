package rows

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/internal/onnx"
)

// CSV is a file of comma-separated values, or of values that tabs separate where its name ends in .tsv. Its columns are its fields: whole numbers, numbers
// or texts, which the first rows decide.
type CSV struct {
	records
	columns []column
	header  bool
}

const (
	maxColumns = 1 << 20
	firstRows  = 100 // decide what columns are
)

// OpenCSV reads a file once, to find where rows begin and what is wrong with them.
func OpenCSV(path string, o Options) (*CSV, error) {
	c := &CSV{records: records{path: path, comma: ',', faults: faults{skip: o.Skip}}}
	if strings.EqualFold(filepath.Ext(path), ".tsv") {
		c.comma = '\t'
	}
	first, err := c.first()
	if err != nil {
		return nil, err
	}
	if err := c.decide(first, o.Header); err != nil {
		return nil, fmt.Errorf("%s:1: %w", path, err)
	}
	waits := c.header
	return c, c.scan(func(text []byte, _ int) error {
		if waits {
			waits = false
			return errHeader
		}
		row, err := c.split(text)
		if err != nil {
			return err
		}
		return c.check(row)
	})
}

// first returns the first rows, without the broken ones.
func (c *CSV) first() (list [][]string, err error) {
	f, _, err := openFile(c.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	l := newLines(f, mark{line: 1}, c.comma)
	for len(list) <= firstRows {
		text, line, err := l.read()
		if err == io.EOF {
			break
		}
		var row []string
		if err == nil {
			row, err = c.split(text)
		}
		var broken *brokenLine
		if err != nil && (len(list) == 0 || !errors.As(err, &broken)) {
			return nil, fmt.Errorf("%s:%d: %w", c.path, line, err)
		}
		if err == nil {
			list = append(list, row)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: it has no rows", c.path)
	}
	return list, nil
}

// split takes a row apart.
func (c *CSV) split(text []byte) ([]string, error) {
	if bytes.IndexByte(text, '"') < 0 {
		return strings.Split(string(text), string(c.comma)), nil
	}
	row, err := parse(text, c.comma)
	if err != nil {
		return nil, &brokenLine{err.Error()}
	}
	return row, nil
}

// parse reads one row with quotes.
func parse(text []byte, comma rune) ([]string, error) {
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = comma
	row, err := r.Read()
	var p *csv.ParseError
	if errors.As(err, &p) {
		return nil, p.Err // its line is that of the text
	}
	return row, err
}

// bare tells whether a line with an odd number of quotes has one where none may be, so that it does not go on in the next line.
func bare(text []byte, comma rune) bool {
	_, err := parse(text, comma)
	return errors.Is(err, csv.ErrBareQuote)
}

// decide finds the columns and their kinds from the first rows. The first row has names where none of its fields is a number, unless header says
// whether it has.
func (c *CSV) decide(list [][]string, header *bool) error {
	names := list[0]
	if len(names) > maxColumns {
		return fmt.Errorf("it has more than %d columns", maxColumns)
	}
	c.header = true
	for _, text := range names {
		if _, err := number(text); err == nil {
			c.header = false
		}
	}
	if header != nil {
		c.header = *header
	}
	if c.header {
		list = list[1:]
	}
	seen := map[string]bool{}
	for k, name := range names {
		if name = strings.TrimSpace(name); !c.header {
			name = strconv.Itoa(k)
		}
		if seen[name] {
			return fmt.Errorf("two columns are called %q", name)
		}
		seen[name] = true
		numbers := 0
		for _, row := range list {
			if k < len(row) {
				if _, err := number(row[k]); err == nil {
					numbers++
				}
			}
		}
		c.columns = append(c.columns, column{name: name, text: 2*numbers <= len(list)})
	}
	return nil
}

// check tells what is wrong with a row.
func (c *CSV) check(row []string) error {
	if len(row) != len(c.columns) {
		return fmt.Errorf("it has %d columns, want %d", len(row), len(c.columns))
	}
	for k, text := range row {
		if err := c.columns[k].see(text); err != nil {
			return fmt.Errorf("column %q: %w", c.columns[k].name, err)
		}
	}
	return nil
}

// Header tells whether the first row has the names of the columns.
func (c *CSV) Header() bool { return c.header }

// Fields implements File.
func (c *CSV) Fields() []Field {
	var out []Field
	for _, col := range c.columns {
		out = append(out, col.field(nil))
	}
	return out
}

// Row implements File.
func (c *CSV) Row(i int, fields ...int) ([]Value, error) {
	text, line, err := c.row(i)
	if err != nil {
		return nil, err
	}
	row, err := c.split(text)
	if err == nil && len(row) != len(c.columns) {
		err = errors.New("it has changed since it was opened")
	}
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", c.path, line, err)
	}
	fields = all(fields, len(row))
	out := make([]Value, len(fields))
	raw := make([]byte, 0, 8*len(fields))
	for k, field := range fields {
		text, col := row[field], c.columns[field]
		if col.text {
			out[k] = Value{onnx.Uint8, []int{len(text)}, []byte(text)}
			continue
		}
		from := len(raw)
		if raw, err = col.append(raw, text); err != nil {
			return nil, fmt.Errorf("%s:%d: column %q: %w", c.path, line, col.name, err)
		}
		out[k] = Value{col.kind(), nil, raw[from:]}
	}
	return out, nil
}
