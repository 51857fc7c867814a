package rows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
)

// JSONL is a file of JSON lines: each is an object, whose keys are the fields. Values are numbers, texts, true or false (1 or 0), and lists of
// numbers, nested as deep as the field has axes.
type JSONL struct {
	records
	keys []*key
}

// key is one that most rows have.
type key struct {
	column
	shape []int // nil before the first row
	known bool
}

// OpenJSONL reads a file once, to find where lines begin and what is wrong with them.
func OpenJSONL(path string, o Options) (*JSONL, error) {
	j := &JSONL{records: records{path: path, faults: faults{skip: o.Skip}}}
	if err := j.decide(); err != nil {
		return nil, err
	}
	return j, j.scan(func(text []byte, _ int) error {
		row, err := object(text)
		if err != nil {
			return err
		}
		return j.check(row)
	})
}

// object reads one line.
func object(text []byte) (map[string]json.RawMessage, error) {
	var row map[string]json.RawMessage
	if err := json.Unmarshal(text, &row); err != nil || row == nil {
		return nil, &brokenLine{fmt.Sprintf("want a JSON object in each line: %.40q is none", text)}
	}
	return row, nil
}

// decide finds the keys of most of the first rows, and whether their values are numbers or texts.
func (j *JSONL) decide() error {
	f, _, err := openFile(j.path)
	if err != nil {
		return err
	}
	defer f.Close()
	l := newLines(f, mark{line: 1}, 0)
	count, texts, rows := map[string]int{}, map[string]int{}, 0
	for k := 0; k < firstRows; k++ {
		text, line, err := l.read()
		if err == io.EOF {
			break
		}
		var broken *brokenLine
		if err != nil && !errors.As(err, &broken) {
			return fmt.Errorf("%s:%d: %w", j.path, line, err)
		}
		row, err := object(text)
		if err != nil {
			continue // scan names it
		}
		rows++
		for name, raw := range row {
			if !usable(raw) {
				continue
			}
			if count[name]++; raw[0] == '"' {
				texts[name]++
			}
		}
		if len(count) > maxColumns {
			return fmt.Errorf("%s: its rows have more than %d keys", j.path, maxColumns)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(count)) {
		if 2*count[name] > rows {
			j.keys = append(j.keys, &key{column: column{name: name, text: 2*texts[name] > count[name]}})
		}
	}
	return nil
}

// usable tells whether a value is a text, a number, or a list that may be of numbers: objects and lists of texts are nothing for a network.
func usable(raw json.RawMessage) bool {
	first := bytes.TrimLeft(raw, " \t\r\n[")
	return raw[0] == '"' || first[0] != '{' && first[0] != '"'
}

// check tells what is wrong with a row.
func (j *JSONL) check(row map[string]json.RawMessage) error {
	var errs []error
	for _, k := range j.keys {
		_, shape, err := k.value(row[k.name], nil, true)
		switch {
		case err != nil:
		case k.text:
		case !k.known:
			k.shape, k.known = shape, true
		case len(shape) != len(k.shape):
			err = fmt.Errorf("it has %d axes, %d in the rows before", len(shape), len(k.shape))
		default:
			for axis, n := range shape {
				if n != k.shape[axis] {
					k.shape[axis] = Open
				}
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("key %q: %w", k.name, err))
		}
	}
	return errors.Join(errs...)
}

// value appends the elements of a value; see tells to note what they are like.
func (k *key) value(raw json.RawMessage, to []byte, see bool) (out []byte, shape []int, err error) {
	switch {
	case len(raw) == 0:
		return nil, nil, errors.New("it is missing")
	case k.text && raw[0] == '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return append(to, text...), []int{len(text)}, err
	case k.text:
		return nil, nil, fmt.Errorf("%.40q is no text", raw)
	}
	w := walk{key: k, rest: raw, out: to, see: see}
	if err := w.list(0); err != nil {
		return nil, nil, err
	}
	return w.out, w.shape, nil
}

// walk goes through a valid JSON value of numbers.
type walk struct {
	key   *key
	rest  []byte
	out   []byte
	see   bool
	shape []int
	leaf  int // axes of every number, once one was met
	found bool
}

// list reads a value at some depth: a number, or a list of them.
func (w *walk) list(depth int) error {
	w.rest = bytes.TrimLeft(w.rest, " \t\r\n")
	if w.rest[0] != '[' {
		if w.found && w.leaf != depth || depth < len(w.shape) {
			return errors.New("its lists are not nested evenly")
		}
		w.found, w.leaf = true, depth
		return w.number()
	}
	if depth == maxAxes || w.found && depth >= w.leaf {
		return errors.New("its lists are nested unevenly, or too deeply")
	}
	w.rest = w.rest[1:]
	n, first := 0, depth == len(w.shape)
	if first {
		w.shape = append(w.shape, 0)
	}
	for {
		w.rest = bytes.TrimLeft(w.rest, " \t\r\n,")
		if w.rest[0] == ']' {
			break
		}
		if err := w.list(depth + 1); err != nil {
			return err
		}
		n++
	}
	w.rest = w.rest[1:]
	if first {
		w.shape[depth] = n
	}
	if w.shape[depth] != n {
		return fmt.Errorf("its lists have %d and %d elements, want as many", w.shape[depth], n)
	}
	return nil
}

// words are numbers, too.
var words = map[string]string{"true": "1", "false": "0"}

func (w *walk) number() (err error) {
	end := bytes.IndexAny(w.rest, " \t\r\n,]")
	if end < 0 {
		end = len(w.rest)
	}
	text := string(w.rest[:end])
	if word, ok := words[text]; ok {
		text = word
	}
	w.rest = w.rest[end:]
	if w.see {
		return w.key.see(text)
	}
	w.out, err = w.key.append(w.out, text)
	return err
}

// Fields implements File.
func (j *JSONL) Fields() []Field {
	var out []Field
	for _, k := range j.keys {
		out = append(out, k.field(slices.Clone(k.shape)))
	}
	return out
}

// Row implements File.
func (j *JSONL) Row(i int, fields ...int) ([]Value, error) {
	text, line, err := j.row(i)
	if err != nil {
		return nil, err
	}
	row, err := object(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%d: %w", j.path, line, err)
	}
	var out []Value
	for _, field := range all(fields, len(j.keys)) {
		k := j.keys[field]
		raw, shape, err := k.value(row[k.name], nil, false)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: key %s: %w", j.path, line, strconv.Quote(k.name), err)
		}
		out = append(out, Value{k.kind(), shape, raw})
	}
	return out, nil
}
