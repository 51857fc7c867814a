package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// entry is one key of a file with its value, tables flattened: path is the whole dotted path.
type entry struct {
	path []string
	line int
	val  value
}

// value is a TOML value.
type value struct {
	kind unstable.Kind
	text string  // of a string; otherwise as written
	num  float64 // of a number
	list []value // of an array
	line int
}

// what names the value's type for error messages.
func (v value) what() string {
	switch v.kind {
	case unstable.String:
		return fmt.Sprintf("the string %q", clipped(v.text))
	case unstable.Integer:
		return "the integer " + clipped(v.text)
	case unstable.Float:
		return "the number " + clipped(v.text)
	case unstable.Bool:
		return v.text
	case unstable.Array:
		return "a list"
	case unstable.InlineTable:
		return "a table"
	}
	return "a date"
}

// entries flattens a TOML document. On a syntax error it returns what stands before it.
func entries(text []byte) ([]entry, error) {
	if err := syntax(text); err != nil {
		return nil, err
	}
	f := flattener{}
	f.p.Reset(text)
	for at, c := range text {
		if c == '\n' {
			f.ends = append(f.ends, at)
		}
	}
	var table []string
	for f.p.NextExpression() {
		e := f.p.Expression()
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			var line int
			table, line = f.path(nil, e.Key())
			if e.Kind == unstable.ArrayTable && len(table) == 1 && table[0] == frozenKey {
				table = append(table, strconv.Itoa(f.frozen))
				f.frozen++
				f.out = append(f.out, entry{path: table, line: line})
			}
		case unstable.KeyValue:
			f.keyValue(table, e)
		}
	}
	return f.out, f.p.Error()
}

// syntax decodes the document with the strict decoder, which also finds repeated keys and tables.
func syntax(text []byte) error {
	var all map[string]any
	err := toml.Unmarshal(text, &all)
	var d *toml.DecodeError
	if errors.As(err, &d) {
		row, _ := d.Position()
		return lineError{row, strings.TrimPrefix(d.Error(), "toml: ")}
	}
	return err
}

// lineError is an error at a line.
type lineError struct {
	line int
	text string
}

func (e lineError) Error() string { return e.text }

// maxList bounds the lists of a file: more than any of them can use.
const maxList = 1 << 12

type flattener struct {
	p   unstable.Parser
	out []entry

	ends   []int // where lines end
	frozen int   // [[frozen]] tables so far
}

// line is that of a node. The parser could tell, but counts from the start of the file each time.
func (f *flattener) line(n *unstable.Node) int {
	k, _ := slices.BinarySearch(f.ends, int(n.Raw.Offset))
	return k + 1
}

func (f *flattener) path(prefix []string, it unstable.Iterator) ([]string, int) {
	path, line := append([]string{}, prefix...), 0
	for it.Next() {
		path = append(path, string(it.Node().Data))
		line = f.line(it.Node())
	}
	return path, line
}

func (f *flattener) keyValue(table []string, n *unstable.Node) {
	path, line := f.path(table, n.Key())
	if v := n.Value(); v.Kind == unstable.InlineTable {
		for it := v.Children(); it.Next(); {
			f.keyValue(path, it.Node())
		}
		return
	}
	f.out = append(f.out, entry{path, line, f.value(n.Value(), line)})
}

func (f *flattener) value(n *unstable.Node, line int) value {
	v := value{kind: n.Kind, text: string(n.Data), line: line}
	if n.Raw.Length > 0 {
		v.line = f.line(n)
	}
	switch n.Kind {
	case unstable.Integer:
		i, _ := strconv.ParseInt(strings.ReplaceAll(v.text, "_", ""), 0, 64) // the decoder has accepted it
		v.num = float64(i)
	case unstable.Float:
		v.num, _ = strconv.ParseFloat(strings.ReplaceAll(v.text, "_", ""), 64)
	case unstable.Array:
		for it := n.Children(); it.Next(); {
			if it.Node().Kind != unstable.Comment {
				v.list = append(v.list, f.value(it.Node(), v.line))
			}
			if len(v.list) > maxList {
				break
			}
		}
	}
	return v
}
