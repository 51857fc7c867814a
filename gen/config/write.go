package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Comments are remarks for Write, by dotted path of the key or table that they stand above; "" stands at the top of the file.
type Comments map[string][]string

// Write returns the text of a file that Read accepts and that says the same as c. Defaults are left out.
func Write(c Config, comments Comments) []byte {
	w := &writer{comments: comments}
	w.comment("")
	if len(comments[""]) > 0 {
		w.b.WriteByte('\n')
	}
	w.text("title", c.Title)
	w.text("model", c.Model)
	w.text("package", c.Package)
	w.text("out", c.Out)
	w.text("pytorch", c.PyTorch)
	w.text("task", c.Task)
	w.text("metric", c.Metric)
	if !slices.Equal(c.Fusion, DefaultFusion()) {
		w.line("fusion", quoted(c.Fusion))
	}
	if len(c.Inputs) > 0 {
		w.table("input")
		for _, in := range c.Inputs {
			w.line("input."+in.Name, strconv.Quote(shape(in.Shape)))
		}
	}
	w.table("data")
	w.count("data.pad", c.Data.Pad)
	w.count("data.resize", c.Data.Resize)
	w.list("data.mean", c.Data.Mean)
	w.list("data.std", c.Data.Std)
	w.text("data.label", c.Data.Label)
	w.count("data.fill", c.Data.Fill)
	w.count("data.window", c.Data.Window)
	w.text("data.header", c.Data.Header)
	w.table("arch")
	w.line("arch.divisor", strconv.Itoa(c.Divisor))
	if c.Blocks != nil {
		w.line("arch.blocks", quoted(c.Blocks))
	}
	for _, b := range c.Bases {
		w.line("arch."+b.Block+".expand_base", strconv.Quote(b.Base))
	}
	w.table("var.global_vars")
	w.list("var.global_vars.resolution", c.Resolution)
	w.table("var.stage_vars")
	w.list("var.stage_vars.width", c.Width)
	w.list("var.stage_vars.width_skipped", c.WidthSkipped)
	w.list("var.stage_vars.depth", c.Depth)
	w.list("var.stage_vars.depth_skipped", c.DepthSkipped)
	if c.DepthKeep > DefaultDepthKeep {
		w.line("var.stage_vars.depth_keep", strconv.Itoa(c.DepthKeep))
	}
	for _, l := range c.Skipped {
		w.list("var.stage_vars."+l.Block+"_skipped", l.Values)
	}
	w.table("var.block_vars")
	for _, l := range c.Vars {
		w.list(l.path(), l.Values)
	}
	for _, f := range c.Frozen {
		w.b.WriteByte('\n')
		f.write(&w.b)
	}
	return []byte(w.b.String())
}

type writer struct {
	b        strings.Builder
	comments Comments
	prefix   string // of the table that the next key stands in
	pending  string // header that is written before its first key
}

func (w *writer) table(name string) { w.prefix, w.pending = name+".", name }

func (w *writer) comment(path string) {
	for _, l := range w.comments[path] {
		fmt.Fprintf(&w.b, "%s\n", strings.TrimRight("# "+l, " "))
	}
}

func (w *writer) line(path, value string) {
	if w.pending != "" {
		w.b.WriteByte('\n')
		w.comment(w.pending)
		fmt.Fprintf(&w.b, "[%s]\n", w.pending)
		w.pending = ""
	}
	w.comment(path)
	parts := strings.Split(strings.TrimPrefix(path, w.prefix), ".")
	if strings.HasPrefix(path, "input.") {
		parts = []string{strings.TrimPrefix(path, "input.")}
	}
	for i, p := range parts {
		parts[i] = bare(p)
	}
	fmt.Fprintf(&w.b, "%s = %s\n", strings.Join(parts, "."), value)
}

func (w *writer) text(path, s string) {
	if s != "" {
		w.line(path, strconv.Quote(s))
	}
}

// count writes a number that is not zero.
func (w *writer) count(path string, n int) {
	if n != 0 {
		w.line(path, strconv.Itoa(n))
	}
}

func (w *writer) list(path string, list []float64) {
	if len(list) == 0 {
		return
	}
	var parts []string
	for _, x := range list {
		parts = append(parts, strconv.FormatFloat(x, 'g', -1, 64))
	}
	w.line(path, "["+strings.Join(parts, ", ")+"]")
}

// bare quotes a key that TOML does not allow to stand bare.
func bare(key string) string {
	for _, r := range key {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			continue
		}
		return strconv.Quote(key)
	}
	if key == "" {
		return `""`
	}
	return key
}

func quoted(list []string) string {
	var parts []string
	for _, s := range list {
		parts = append(parts, strconv.Quote(s))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func shape(s []int) string {
	var parts []string
	for _, n := range s {
		parts = append(parts, strconv.Itoa(n))
	}
	return strings.Join(parts, "x")
}
