package pytorch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/ir"
)

// field is an attribute of a block's class: what its constructor takes.
type field struct {
	name  string
	value func(k int) (string, error) // of instance k
	note  string
}

// class is a class of blocks as it is emitted.
type class struct {
	*view.Class
	name   string
	fields []field
	attr   map[string]string // attributes, by names in the layout
	args   []string          // attributes of its arguments: names of choices
	inline []bool
	own    bool // it has choices of its own
}

// newClass names a class's attributes.
func newClass(c *view.Class, p *view.Package, name string) *class {
	out := &class{Class: c, name: name, attr: map[string]string{}}
	out.own = slices.ContainsFunc(c.Instances, func(i *view.Instance) bool { return len(i.Block.Genes) > 0 })
	taken := newNames("skip")
	for k, a := range c.Layout.Args {
		out.args = append(out.args, taken.first(snake(a.Name)))
		out.fields = append(out.fields, field{out.args[k], func(i int) (string, error) {
			if g := c.Instances[i].Args[k]; g >= 0 {
				return quote(p.Choices[g].Name), nil
			}
			return "None", nil
		}, "choice"})
	}
	for _, e := range c.Layout.Extent {
		out.attr[e.Name] = taken.first(snake(e.Name))
		out.fields = append(out.fields, field{out.attr[e.Name], func(i int) (string, error) { return table(e.Tables[i], e.Index), nil }, ""})
	}
	for k, rec := range c.Layout.Recs {
		call := c.Body.Calls[k]
		shown := out.shown(k)
		out.inline = append(out.inline, shown)
		if shown || rec == "" {
			continue
		}
		out.attr[rec] = taken.first(snake(rec))
		out.fields = append(out.fields, field{out.attr[rec], func(i int) (string, error) {
			r := c.Instances[i].Body.Calls[k].Rec
			if call.Method == view.Act {
				a, err := activation(*r.Act)
				return a.value(), err
			}
			return layer(r, windows(&c.Layout, &c.Body.Calls[k], k, i))
		}, ""})
	}
	return out
}

// shown tells whether a call's record stands in the code: it has no tensors, and is the same in all blocks but for its name.
func (c *class) shown(k int) bool {
	r := c.Body.Calls[k].Rec
	switch {
	case r.Op != nil:
		return true
	case r.Act != nil:
		first, _ := activation(*r.Act)
		return !slices.ContainsFunc(c.Instances, func(i *view.Instance) bool {
			a, _ := activation(*i.Body.Calls[k].Rec.Act)
			return a != first
		})
	case r.Pool != nil:
		text, _ := layer(r, nil)
		return text == ""
	}
	return false
}

// table writes a table of extents as nested lists.
func table(flat []int, index []view.Index) string {
	if len(index) == 0 {
		return fmt.Sprint(flat[0])
	}
	n := index[0].Card
	var items []string
	for k := range n {
		items = append(items, table(flat[k*len(flat)/n:(k+1)*len(flat)/n], index[1:]))
	}
	return "[" + strings.Join(items, ", ") + "]"
}

// place is the name in SubNets of a block, such as "stage3.1", or of the one whose weights it uses; "" when there are no choices.
func place(p *view.Package, b *view.Block) (string, error) {
	at := ""
	for _, g := range b.Moving() {
		c := p.Choices[g]
		name, ok := strings.CutSuffix(c.Name, "."+c.Kind)
		if !ok || at != "" && at != name {
			return "", fmt.Errorf("internal error: the choices of a block are called %s and %s", at, c.Name)
		}
		at = name
	}
	return at, nil
}

// instance writes the constructor call of block k, its arguments on lines of their own.
func (c *class) instance(p *view.Package, i *view.Instance, depth int) (string, error) {
	k := i.Number()
	at, err := place(p, i.Block)
	if err != nil {
		return "", err
	}
	var w writer
	fmt.Fprintf(&w, "%s(\n", c.name)
	if c.own {
		w.line(depth+1, "%s,", orNone(at))
	}
	for _, f := range c.fields {
		value, err := f.value(k)
		if err != nil {
			return "", err
		}
		w.line(depth+1, "%s=%s,", f.name, value)
	}
	if i.Skip {
		w.line(depth+1, "skip=True,")
	}
	w.WriteString(strings.Repeat("    ", depth) + ")")
	return w.String(), nil
}

func orNone(name string) string {
	if name == "" {
		return "None"
	}
	return quote(name)
}

// write writes the class.
func (c *class) write(p *view.Package, w *writer) error {
	w.line(0, "")
	w.line(0, "")
	w.line(0, "class %s(nn.Module):", c.name)
	w.line(1, `"""%s"""`, c.doc())
	w.line(0, "")
	params, skip := []string{"self"}, ""
	if c.own {
		params = append(params, "at")
	}
	for _, f := range c.fields {
		params = append(params, f.name)
	}
	if c.Skip == view.SomeSkip {
		skip = "skip"
		params = append(params, "skip=False")
	}
	w.line(1, "def __init__(%s):", strings.Join(params, ", "))
	w.line(2, "super().__init__()")
	if c.own {
		w.line(2, "self.at = at  # its place in SubNets")
	}
	for _, f := range c.fields {
		note := ""
		if f.note != "" {
			note = "  # name of a " + f.note
		}
		w.line(2, "self.%s = %s%s", f.name, f.name, note)
	}
	if skip != "" {
		w.line(2, "self.skip = skip  # the input is added to the result")
	}
	w.line(0, "")
	return c.forward(p, w)
}

func (c *class) doc() string {
	doc := ""
	if c.Type != nil {
		doc = c.Type.Doc
	}
	if doc == "" {
		doc = c.Doc
	}
	if doc = strings.TrimSuffix(strings.TrimPrefix(doc, "is "), "."); doc == "" {
		doc = "a block"
	}
	return docText(strings.ToUpper(doc[:1])+doc[1:]) + "."
}

func (c *class) forward(p *view.Package, w *writer) error {
	out := c.Body.Out
	kept := out
	if c.Skip == view.SomeSkip {
		kept = append([]ir.ValueID{c.Body.In[0]}, out...)
	}
	b := newBody(c.Body.In, view.Steps(c.Body.Calls), kept)
	params := b.Names(c.Body.In)
	f := &frame{body: b, layout: &c.Layout, attr: c.attr, local: map[int]bool{}, inline: c.inline, index: func(i view.Index) string {
		if i.Arg >= 0 {
			return "s[self." + c.args[i.Arg] + "]"
		}
		return fmt.Sprintf("s[self.at, %s]", quote(c.kind(p, i.Field)))
	}}
	f.locals(c.Body.Calls, 0)
	for k := range c.Body.Calls {
		f.call(&c.Body.Calls[k], k)
	}
	if c.Skip == view.SomeSkip {
		x, y := b.Name(c.Body.In[0]), b.Name(out[0])
		sum := y + " + " + x
		if c.SkipFirst {
			sum = x + " + " + y
		}
		b.line("return %s if self.skip else %s", sum, y)
		w.line(1, "def forward(self, %s, s):", strings.Join(params, ", "))
		w.WriteString(b.w.String())
		return joined(b.errs)
	}
	w.line(1, "def forward(self, %s, s):", strings.Join(params, ", "))
	w.WriteString(b.finish(out))
	return joined(b.errs)
}

// kind is the kind of a block's own choice, by its field.
func (c *class) kind(p *view.Package, field string) string {
	for _, i := range c.Instances {
		for _, g := range i.Block.Genes {
			if p.Choices[g].Field == field {
				return p.Choices[g].Kind
			}
		}
	}
	return ""
}
