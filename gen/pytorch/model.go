package pytorch

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/ir"
)

func joined(errs []error) error { return errors.Join(errs...) }

// modeler writes model.py.
type modeler struct {
	p        *view.Package
	w        writer
	classes  map[*view.Class]*class
	order    []*class
	sections map[*view.Section]string // class names
	errs     []error
}

// modelFile is model.py: SuperNet, a class for each section and for each form of block.
func modelFile(p *view.Package) (string, error) {
	m := &modeler{p: p, classes: map[*view.Class]*class{}, sections: map[*view.Section]string{}}
	taken := newNames(strings.Fields("BatchNorm Conv Grid LayerNorm Linear Net Param Pool SuperNet Tensor partial centre concat prefix product flatten global_average global_max hard_sigmoid")...)
	for _, s := range p.Sections {
		m.sections[s] = taken.first(view.Exported(s.Name))
	}
	for _, c := range p.Classes {
		name := c.GoName
		if c.Type != nil {
			name = c.Type.Name
		}
		k := newClass(c, p, taken.first(view.Exported(name)+strings.TrimPrefix(strings.TrimPrefix(c.Func, "build"), unexported(name))))
		m.classes[c] = k
		m.order = append(m.order, k)
	}
	m.supernet()
	for _, s := range p.Sections {
		m.section(s)
	}
	for _, c := range m.order {
		if err := c.write(p, &m.w); err != nil {
			m.errs = append(m.errs, err)
		}
	}
	text := m.w.String()
	var head writer
	head.line(0, `"""%s as a SuperNet. Modules hold its full tensors; forward(x, s) runs the SubNet s with parts of them."""`, docText(p.Title))
	head.line(0, "")
	if calls(text, "partial") {
		head.line(0, "from functools import partial")
		head.line(0, "")
	}
	if strings.Contains(text, "torch.") {
		head.line(0, "import torch")
	}
	if strings.Contains(text, "F.") {
		head.line(0, "import torch.nn.functional as F")
	}
	head.line(0, "from torch import Tensor, nn")
	head.line(0, "")
	for _, from := range modules {
		var used []string
		for _, n := range strings.Fields(from.names) {
			if calls(text, n) || n == "Net" {
				used = append(used, n)
			}
		}
		if used != nil {
			head.line(0, "from .%s import %s", from.name, strings.Join(used, ", "))
		}
	}
	head.line(0, "from .subnet import SubNet")
	return head.String() + text, joined(m.errs)
}

// modules are those of files/ that model.py takes names from.
var modules = []struct{ name, names string }{
	{"layers", "BatchNorm Conv Grid LayerNorm Linear Net Param Pool centre concat flatten global_average global_max hard_sigmoid prefix product"},
	{"operators", strings.Join(defined("operators"), " ")},
}

var definition = regexp.MustCompile(`(?m)^def (\w+)\(`)

// defined lists the functions of a module of files/, sorted.
func defined(module string) []string {
	text, _ := files.ReadFile("files/supernet/" + module + ".py") // embedded; without it nothing would be imported, and no test pass
	var names []string
	for _, m := range definition.FindAllStringSubmatch(string(text), -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return names
}

// calls tells whether a function, not a method, is called in text, or made part of another one.
func calls(text, name string) bool {
	if strings.Contains(text, "partial("+name+",") {
		return true
	}
	for _, before := range []string{" ", "(", "="} {
		if strings.Contains(text, before+name+"(") {
			return true
		}
	}
	return false
}

func unexported(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToLower(name[:1]) + name[1:]
}

// supernet writes the class of the whole net.
func (m *modeler) supernet() {
	var all []view.Step
	for _, s := range m.p.Sections {
		all = append(all, view.Step{In: s.In, Out: s.Out})
	}
	out := []ir.ValueID{m.p.Outputs[0].Value}
	b := newBody([]ir.ValueID{m.p.Inputs[0].Value}, all, out)
	m.w.line(0, "")
	m.w.line(0, "")
	m.w.line(0, "class SuperNet(Net):")
	m.w.line(1, `"""The whole net."""`)
	m.w.line(0, "")
	m.w.line(1, "def __init__(self) -> None:")
	m.w.line(2, "super().__init__()")
	for _, s := range m.p.Sections {
		name := strings.ToLower(m.sections[s])
		m.w.line(2, "self.%s = %s()", name, m.sections[s])
		b.assign(s.Out, fmt.Sprintf("self.%s(%s, s)", name, strings.Join(b.Take(s.In), ", ")))
	}
	m.w.line(2, "self.tie()")
	m.w.line(0, "")
	m.w.line(1, "def forward(self, x: Tensor, s: SubNet) -> Tensor:")
	m.w.line(2, `"""x is [batch, channels, side, side], of the side that s asks for; the result are scores."""`)
	m.w.WriteString(b.finish(out))
}

// section writes the class of a section.
func (m *modeler) section(s *view.Section) {
	var calls []view.Step
	var own []view.Call
	for _, piece := range s.Pieces {
		if piece.Run != nil {
			calls = append(calls, view.Step{In: piece.In, Out: piece.Out})
		}
		calls = append(calls, view.Steps(piece.Calls)...)
		own = append(own, piece.Calls...)
	}
	b := newBody(s.In, calls, s.Out)
	params := b.Names(s.In)
	taken := newNames()
	f := &frame{body: b, layout: &s.Layout, attr: map[string]string{}, local: map[int]bool{}, index: func(i view.Index) string { return m.index(s, i) }}
	m.w.line(0, "")
	m.w.line(0, "")
	m.w.line(0, "class %s(nn.Module):", m.sections[s])
	m.w.line(1, `"""%s"""`, sectionDoc(s))
	m.w.line(0, "")
	m.w.line(1, "def __init__(self):")
	m.w.line(2, "super().__init__()")
	m.fields(s, f, own, taken)
	for _, piece := range s.Pieces {
		if piece.Run != nil {
			m.run(s, piece, b, taken)
			continue
		}
		if piece.Note != "" {
			b.line("# %s", view.Comment(piece.Note))
		}
		f.locals(piece.Calls, piece.First)
		for j := range piece.Calls {
			f.call(&piece.Calls[j], piece.First+j)
		}
	}
	m.errs = append(m.errs, b.errs...)
	m.w.line(0, "")
	m.w.line(1, "def forward(self, %s, s):", strings.Join(params, ", "))
	m.w.WriteString(b.finish(s.Out))
}

// fields writes the layers and tables of a section's own calls.
func (m *modeler) fields(s *view.Section, f *frame, own []view.Call, taken names) {
	for _, e := range s.Layout.Extent {
		f.attr[e.Name] = taken.first(snake(e.Name))
		m.w.line(2, "self.%s = %s%s", f.attr[e.Name], table(e.Tables[0], e.Index), by(e.Index, func(i view.Index) string { return m.choice(s, i) }))
	}
	for k, c := range own {
		text, err := layer(c.Rec, windows(&s.Layout, &c, k, 0))
		if err != nil {
			m.errs = append(m.errs, err)
		}
		f.inline = append(f.inline, true)
		if text == "" {
			continue
		}
		if rec := s.Layout.Recs[k]; rec != "" {
			f.attr[rec] = taken.first(snake(unexported(strings.TrimPrefix(rec, s.Name))))
			m.w.line(2, "self.%s = %s", f.attr[rec], text)
			continue
		}
		s.Layout.Recs[k] = fmt.Sprintf("pool%d", k)
		f.attr[s.Layout.Recs[k]] = taken.first(s.Layout.Recs[k])
		m.w.line(2, "self.%s = %s", f.attr[s.Layout.Recs[k]], text)
	}
}

// by says what a table is indexed by.
func by(index []view.Index, name func(view.Index) string) string {
	var list []string
	for _, i := range index {
		list = append(list, name(i))
	}
	if len(list) == 0 {
		return ""
	}
	return "  # by " + strings.Join(list, ", ")
}

// choice is the name of the choice that a section's table is indexed by.
func (m *modeler) choice(s *view.Section, i view.Index) string {
	if i.Arg >= 0 {
		return m.p.Choices[s.Args[i.Arg]].Name
	}
	for _, f := range s.Stage.Fields {
		if m.p.Choices[f.Gene].Field == i.Field {
			return m.p.Choices[f.Gene].Name
		}
	}
	return ""
}

func (m *modeler) index(s *view.Section, i view.Index) string {
	return fmt.Sprintf("s[%s]", quote(m.choice(s, i)))
}

// run writes a run of blocks: its constructor, and one call or a loop over those that are kept.
func (m *modeler) run(s *view.Section, piece view.Piece, b *body, taken names) {
	r := piece.Run
	c := m.classes[r.Class]
	bound, err := r.Bound(m.p)
	if err != nil {
		m.errs = append(m.errs, err)
		return
	}
	single := len(r.Instances) == 1
	name := snake(unexported(strings.TrimPrefix(r.Table, s.Name)))
	switch {
	case r.Table == s.Name && single:
		name = "block"
	case r.Table == s.Name:
		name = "blocks"
	}
	if name != "" && name[0] >= '0' && name[0] <= '9' { // the end of a name that would have been another's
		name = "block" + name
	}
	name = taken.first(name)
	m.build(r, c, name, single)
	switch {
	case single && bound == nil:
		b.assign(piece.Out, fmt.Sprintf("self.%s(%s, s)", name, strings.Join(b.Take(piece.In), ", ")))
		return
	}
	beside := strings.Join(append(b.Take(piece.In[1:]), "s"), ", ")
	x := b.inPlace(piece.In[0], piece.Out[0])
	if single {
		b.line("if s.blocks(%s) > %d:", quote(m.p.Choices[bound.Gene].Name), bound.Offset)
		b.line("    %s = self.%s(%s, %s)", x, name, x, beside)
		return
	}
	over := "self." + name
	if bound != nil {
		over += "[:" + m.kept(bound, len(r.Instances)) + "]"
	}
	b.line("for block in %s:", over)
	b.line("    %s = block(%s, %s)", x, x, beside)
}

// kept is how many of a run's blocks a SubNet keeps.
func (m *modeler) kept(bound *view.Bound, n int) string {
	text := fmt.Sprintf(" s.blocks(%s)", quote(m.p.Choices[bound.Gene].Name))
	if bound.Offset != 0 {
		text += fmt.Sprintf(" - %d", bound.Offset)
	}
	if bound.High {
		text = fmt.Sprintf(" min(%s, %d)", text[1:], n)
	}
	if bound.Low {
		text = fmt.Sprintf(" max(%s, 0)", text[1:])
	}
	return text
}

// build writes the constructors of a run's blocks.
func (m *modeler) build(r *view.Run, c *class, name string, single bool) {
	depth := 3
	if single {
		depth = 2
	} else {
		m.w.line(2, "self.%s = nn.ModuleList([", name)
	}
	for _, i := range r.Instances {
		text, err := c.instance(m.p, i, depth)
		if err != nil {
			m.errs = append(m.errs, err)
			return
		}
		if single {
			m.w.line(2, "self.%s = %s", name, text)
			return
		}
		m.w.line(3, "%s,", text)
	}
	m.w.line(2, "])")
}

func sectionDoc(s *view.Section) string {
	if s.Stage != nil {
		return docText(fmt.Sprintf("Stage %d: %s.", s.Stage.Index, s.Stage.Summary()))
	}
	first, last := s.Stages[0].Index, s.Stages[len(s.Stages)-1].Index
	if first == last {
		return fmt.Sprintf("Stage %d, in which nothing can be chosen.", first)
	}
	return fmt.Sprintf("Stages %d to %d, in which nothing can be chosen.", first, last)
}
