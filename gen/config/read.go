package config

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/autotailor/autotailor/internal/spell"
)

// Read parses the text of a config file. The error joins every mistake in the file, one line each, in file order.
func Read(file string, text []byte) (Config, error) {
	r := &reader{file: file}
	c := Default()
	c.File = file
	all, err := entries(bytes.TrimPrefix(text, []byte("\ufeff"))) // editors on Windows write a mark of UTF-8
	if err != nil {
		line := 0
		var at lineError
		if errors.As(err, &at) {
			line = at.line
		}
		r.errorf(line, "%v", err)
	}
	for _, e := range all {
		r.entry(&c, e)
	}
	r.frozen(&c)
	if len(r.errs) > 0 {
		return Config{}, r.join()
	}
	return c, nil
}

type reader struct {
	file string
	errs []lineError
}

func (r *reader) errorf(line int, format string, args ...any) {
	r.errs = append(r.errs, lineError{line, fmt.Sprintf(format, args...)})
}

// maxErrors bounds how many mistakes are told.
const maxErrors = 50

func (r *reader) join() error {
	slices.SortStableFunc(r.errs, func(a, b lineError) int { return a.line - b.line })
	var all []error
	for k, e := range r.errs {
		if k == maxErrors {
			all = append(all, fmt.Errorf("%s: and %d more mistakes", r.file, len(r.errs)-k))
			break
		}
		if e.line > 0 {
			all = append(all, fmt.Errorf("%s:%d: %s", r.file, e.line, e.text))
		} else {
			all = append(all, fmt.Errorf("%s: %s", r.file, e.text))
		}
	}
	return errors.Join(all...)
}

func (r *reader) entry(c *Config, e entry) {
	k, block, ok := lookup(ours(e.path))
	if !ok {
		r.errorf(e.line, "unknown key %s%s", name(e), suggestKey(e.path))
		return
	}
	dotted := strings.Join(ours(e.path), ".")
	if c.lines[dotted] > 0 {
		r.errorf(e.line, "%s says the same as the key in line %d; leave one out", name(e), c.lines[dotted])
	}
	c.lines[dotted] = e.line
	if strings.HasSuffix(k.path, "*_skipped") && !slices.Contains(names(), block) {
		near := append([]string{"width", "depth", "width_mult", "reduce_depth"}, names()...)
		r.errorf(e.line, "unknown key %s: %s is not a block%s", name(e), block, spell.Suggest(block, near))
	} else if block != "" {
		r.block(e.line, block)
	}
	k.set(r, c, e, k)
}

// block checks the name of a block type.
func (r *reader) block(line int, name string) {
	if !slices.Contains(names(), name) {
		r.errorf(line, "unknown block %s%s; blocks are %s, or the names of the paper", clipped(name), spell.Suggest(name, names()), strings.Join(ourNames(), ", "))
	}
}

func text(field func(*Config) *string) func(*reader, *Config, entry, key) {
	return func(r *reader, c *Config, e entry, _ key) {
		s, ok := r.str(e)
		if ok && s == "" {
			r.errorf(e.line, "%s is empty", name(e))
		}
		*field(c) = s
	}
}

func number(field func(*Config) *int) func(*reader, *Config, entry, key) {
	return func(r *reader, c *Config, e entry, k key) {
		if x, ok := r.num(e, e.val, k); ok {
			*field(c) = int(x)
		}
	}
}

// numbers reads a list of candidates: not empty, each of them once.
func numbers(field func(*Config) *[]float64) func(*reader, *Config, entry, key) {
	return func(r *reader, c *Config, e entry, k key) { *field(c) = r.candidates(e, k) }
}

// indices reads a list that may be empty.
func indices(field func(*Config) *[]float64) func(*reader, *Config, entry, key) {
	return func(r *reader, c *Config, e entry, k key) { *field(c) = r.list(e, k) }
}

// channels reads a list with one number for each channel.
func channels(field func(*Config) *[]float64) func(*reader, *Config, entry, key) {
	return func(r *reader, c *Config, e entry, k key) {
		for _, v := range r.elements(e) {
			if x, ok := r.num(e, v, k); ok {
				*field(c) = append(*field(c), x)
			}
		}
	}
}

func (r *reader) skipped(c *Config, e entry, k key) {
	block := strings.TrimSuffix(e.path[len(e.path)-1], "_skipped")
	c.Skipped = append(c.Skipped, List{Block: block, Values: r.list(e, k)})
}

func (r *reader) blockVar(c *Config, e entry, k key) {
	l := List{Name: ours(e.path)[len(e.path)-1], Values: r.candidates(e, k)}
	if len(e.path) == 4 {
		l.Block = e.path[2]
	}
	c.Vars = append(c.Vars, l)
}

func (r *reader) base(c *Config, e entry, _ key) {
	s, ok := r.str(e)
	if ok && s != "in" && s != "out" {
		r.errorf(e.line, `%s is %q; it must be "in" or "out"`, name(e), s)
	}
	c.Bases = append(c.Bases, Base{e.path[1], s})
}

func (r *reader) blocks(c *Config, e entry, _ key) {
	c.Blocks = []string{}
	for _, v := range r.elements(e) {
		if v.kind != unstable.String {
			r.errorf(v.line, "%s holds %s; it must hold block names", name(e), v.what())
			continue
		}
		r.block(v.line, v.text)
		if slices.Contains(c.Blocks, v.text) {
			r.errorf(v.line, "%s holds %q twice", name(e), v.text)
		}
		c.Blocks = append(c.Blocks, v.text)
	}
}

func (r *reader) fusion(c *Config, e entry, _ key) {
	c.Fusion = []string{}
	for _, v := range r.elements(e) {
		switch {
		case v.kind != unstable.String:
			r.errorf(v.line, "%s holds %s; it must hold names of rule sets", name(e), v.what())
		case path.Ext(v.text) == "" && !slices.Contains(fusionNames, v.text):
			r.errorf(v.line, "unknown fusion rule set %q%s; rule sets are %s, or a file of yours", v.text, spell.Suggest(v.text, fusionNames), strings.Join(fusionNames, ", "))
		case slices.Contains(c.Fusion, v.text):
			r.errorf(v.line, "%s holds %q twice", name(e), v.text)
		case v.text != "none": // the unfused table is always there
			c.Fusion = append(c.Fusion, v.text)
		}
	}
}

func (r *reader) input(c *Config, e entry, _ key) {
	s, ok := r.str(e)
	if !ok {
		return
	}
	in := Input{Name: e.path[1]}
	for _, part := range strings.Split(s, "x") {
		n, err := strconv.Atoi(strings.TrimSpace(part))
		if err != nil || n <= 0 {
			r.errorf(e.line, `%s is %q; it must be a shape such as "1x3x224x224"`, name(e), s)
			return
		}
		in.Shape = append(in.Shape, n)
	}
	c.Inputs = append(c.Inputs, in)
}

// name is the entry's path as it stands in the file.
func name(e entry) string {
	if len(e.path) == 3 && e.path[0] == frozenKey {
		return frozenKey + "." + e.path[2]
	}
	return clipped(strings.Join(e.path, "."))
}

// clipped is the start of a long text, for messages.
func clipped(text string) string {
	const most = 100
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}

func (r *reader) str(e entry) (string, bool) {
	if e.val.kind != unstable.String {
		r.errorf(e.line, "%s is %s; it must be a string", name(e), e.val.what())
		return "", false
	}
	return e.val.text, true
}

func (r *reader) elements(e entry) []value {
	if e.val.kind != unstable.Array {
		r.errorf(e.line, "%s is %s; it must be a list", name(e), e.val.what())
	}
	if len(e.val.list) > maxList {
		r.errorf(e.line, "%s has more than %d values", name(e), maxList)
		return nil
	}
	return e.val.list
}

func (r *reader) num(e entry, v value, k key) (float64, bool) {
	if v.kind != unstable.Integer && v.kind != unstable.Float {
		r.errorf(v.line, "%s: %s is not a number", name(e), v.what())
		return 0, false
	}
	if !k.ok(v.num) {
		r.errorf(v.line, "%s: %s is not %s", name(e), v.text, k.want)
		return 0, false
	}
	return v.num, true
}

func (r *reader) list(e entry, k key) []float64 {
	out := []float64{}
	for _, v := range r.elements(e) {
		x, ok := r.num(e, v, k)
		if !ok {
			continue
		}
		if slices.Contains(out, x) {
			r.errorf(v.line, "%s holds %s twice", name(e), v.text)
		}
		out = append(out, x)
	}
	return out
}

func (r *reader) candidates(e entry, k key) []float64 {
	if e.val.kind == unstable.Array && len(e.val.list) == 0 {
		r.errorf(e.line, "%s is empty; leave it out, or list its candidates", name(e))
	}
	return r.list(e, k)
}
