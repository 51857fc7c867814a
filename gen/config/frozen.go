package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Frozen is a choice that is not offered: what Choice varies where the node is, in its block or stage. The entries of a file stand in
// [[frozen]] tables. A proof that fails adds them, and so may users.
type Frozen struct {
	Choice string // its kind, such as "expand"
	Node   string // "" for the resolution, which is the whole net's
	Why    string

	line int
}

// frozenKinds are what can be frozen.
var frozenKinds = []string{"resolution", "width", "depth", "expand", "kernel", "ratio", "heads", "qk", "value"}

// frozenKey is the first element of the paths of [[frozen]] tables; the second one is the table's number.
const frozenKey = "frozen"

// frozenKeys are the keys of a [[frozen]] table.
var frozenKeys = []key{
	{path: frozenKey, set: notATable},
	{path: frozenKey + ".**", set: func(r *reader, c *Config, e entry, k key) {
		if f := c.frozenTable(e); f != nil {
			f.line = e.line
		} else {
			notATable(r, c, e, k)
		}
	}},
	{path: frozenKey + ".**.choice", set: frozenText(func(f *Frozen) *string { return &f.Choice })},
	{path: frozenKey + ".**.node", set: frozenText(func(f *Frozen) *string { return &f.Node })},
	{path: frozenKey + ".**.why", set: frozenText(func(f *Frozen) *string { return &f.Why })},
}

func notATable(r *reader, _ *Config, e entry, _ key) {
	r.errorf(e.line, "write each frozen choice as a table of its own: [[frozen]], then choice, node and why")
}

// maxFrozen is more than a space can have choices.
const maxFrozen = 1 << 12

func frozenText(field func(*Frozen) *string) func(*reader, *Config, entry, key) {
	return func(r *reader, c *Config, e entry, _ key) {
		s, ok := r.str(e)
		f := c.frozenTable(e)
		if !ok || f == nil {
			return
		}
		if f.empty() {
			f.line = e.line
		}
		*field(f) = s
	}
}

// frozenTable is what an entry belongs to, nil when that is no [[frozen]] table.
func (c *Config) frozenTable(e entry) *Frozen {
	n, err := strconv.Atoi(e.path[1])
	if err != nil || n < 0 || n > maxFrozen {
		return nil
	}
	for len(c.Frozen) <= n {
		c.Frozen = append(c.Frozen, Frozen{})
	}
	return &c.Frozen[n]
}

// empty tells whether nothing was said.
func (f Frozen) empty() bool { return f.Choice == "" && f.Node == "" && f.Why == "" }

// frozen checks the [[frozen]] tables of a file, which are complete now.
func (r *reader) frozen(c *Config) {
	for _, f := range c.Frozen {
		switch {
		case f.empty():
			r.errorf(f.line, "this [[frozen]] table says nothing: say choice, node and why")
		case !slices.Contains(frozenKinds, f.Choice):
			r.errorf(f.line, "frozen.choice is %q; it must be one of %s", f.Choice, strings.Join(frozenKinds, ", "))
		case f.Node == "" && f.Choice != "resolution":
			r.errorf(f.line, "frozen.node is missing: name a node of the block or stage whose %s is to stay as it is", f.Choice)
		}
	}
}

// frozenAt is the position of an entry.
func (c Config) frozenAt(f Frozen) string {
	if f.line > 0 {
		return fmt.Sprintf("%s:%d", c.File, f.line)
	}
	return c.File
}

// AppendFrozen adds entries to the text of a file, after all that stands there.
func AppendFrozen(text []byte, list []Frozen) []byte {
	var b strings.Builder
	b.Write(text)
	if len(text) > 0 && text[len(text)-1] != '\n' {
		b.WriteByte('\n')
	}
	for _, f := range list {
		b.WriteByte('\n')
		f.write(&b)
	}
	return []byte(b.String())
}

func (f Frozen) write(b *strings.Builder) {
	fmt.Fprintf(b, "[[frozen]]\nchoice = %s\n", strconv.Quote(f.Choice))
	if f.Node != "" {
		fmt.Fprintf(b, "node = %s\n", basic(f.Node))
	}
	if f.Why != "" {
		fmt.Fprintf(b, "why = %s\n", basic(f.Why))
	}
}

// basic writes a TOML string, which has fewer escapes than Go's.
func basic(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
