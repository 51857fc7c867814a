package pytorch

import (
	"fmt"
	"strings"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/runtime/nn"
)

// body writes the statements of one forward method.
type body struct {
	*view.Locals
	w         writer
	depth     int
	constants map[ir.ValueID]nn.Attr
	errs      []error
}

func newBody(params []ir.ValueID, steps []view.Step, results []ir.ValueID) *body {
	return &body{Locals: view.NewLocals(params, steps, results), depth: 2, constants: map[ir.ValueID]nn.Attr{}}
}

// assign gives values the results of an expression.
func (b *body) assign(out []ir.ValueID, expr string) {
	targets := make([]string, len(out))
	for k, id := range out {
		targets[k], _ = b.Target(id)
	}
	b.line("%s = %s", strings.Join(targets, ", "), expr)
}

func (b *body) line(format string, args ...any) { b.w.line(b.depth, format, args...) }

// inPlace makes out the same variable as in, which statements under a condition change.
func (b *body) inPlace(in, out ir.ValueID) string {
	name, from := b.InPlace(in, out)
	if from != "" {
		b.line("%s = %s", name, from)
	}
	return name
}

// finish returns the results. An assignment that only they read becomes the return statement.
func (b *body) finish(out []ir.ValueID) string {
	text := b.w.String()
	results := strings.Join(b.Take(out), ", ")
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	last := lines[len(lines)-1]
	indent := strings.Repeat("    ", 2)
	if expr, ok := strings.CutPrefix(last, indent+results+" = "); ok && len(out) == 1 {
		lines[len(lines)-1] = indent + "return " + expr
		return strings.Join(lines, "\n") + "\n"
	}
	return text + indent + "return " + results + "\n"
}

// frame tells a call where its layers and extents are.
type frame struct {
	*body
	layout *view.Layout
	attr   map[string]string // attribute of a record or extent, by its name in the layout
	index  func(i view.Index) string
	local  map[int]bool // extents that have a variable
	inline []bool       // by call: its record stands in the code
}

// locals declares a variable for each extent that calls use more than once.
func (f *frame) locals(calls []view.Call, first int) {
	count := map[int]int{}
	for k := range calls {
		for _, e := range f.layout.Extents(first + k) {
			count[e]++
		}
	}
	for e := range f.layout.Extent {
		if count[e] > 1 && !f.local[e] {
			f.local[e] = true
			f.line("%s = %s", f.variable(e), f.load(e))
		}
	}
}

func (f *frame) variable(e int) string { return f.attr[f.layout.Extent[e].Name] }

func (f *frame) load(e int) string {
	s := "self." + f.variable(e)
	for _, i := range f.layout.Extent[e].Index {
		s += "[" + f.index(i) + "]"
	}
	return s
}

// extent is a number of a call; the open batch is -1, which a reshape infers.
func (f *frame) extent(s view.Slot) string {
	switch {
	case s.Extent < 0 && s.Batch:
		return "-1"
	case s.Extent < 0:
		return fmt.Sprint(s.Fixed)
	case f.layout.Extent[s.Extent].Tables[0][0] < 0: // open batches times what moves
		return "-1"
	case f.local[s.Extent]:
		return f.variable(s.Extent)
	}
	return f.load(s.Extent)
}

func (f *frame) extents(slots []view.Slot) []string {
	var out []string
	for _, s := range slots {
		out = append(out, f.extent(s))
	}
	return out
}

// keeps writes what a layer keeps, as keyword arguments; of a Param as a dict. Slots that it does not need are the rest.
func (f *frame) keeps(c *view.Call, slots []view.Slot) (text string, rest []view.Slot) {
	words := map[string]string{"Out": "cout", "OutPick": "cout", "In": "cin", "InPick": "cin", "Group": "group", "InGroups": "groups", "Crop": "kernel", "CutPick": "", "Cut": ""}
	var out []string
	for _, k := range c.Cuts {
		n, keep := 1, ""
		switch s := slots[0]; {
		case k.Pick != nil:
			n = k.Pick.Slots()
			keep = f.pick(*k.Pick, slots[:n])
		case s.LeftOut:
			slots = slots[1:]
			continue
		case k.Grid != nil:
			keep = fmt.Sprintf("Grid(%d, %d, %s)", k.Grid.Prefix, k.Grid.Side, f.extent(s))
		default:
			keep = f.extent(s)
		}
		slots = slots[n:]
		switch word := words[k.Verb]; {
		case c.Method == view.Param:
			keep = fmt.Sprintf("%d: %s", k.Axis, keep)
		case word != "":
			keep = word + "=" + keep
		}
		out = append(out, keep)
	}
	if c.Method == view.Param && len(out) > 0 {
		return "{" + strings.Join(out, ", ") + "}", slots
	}
	return strings.Join(out, ", "), slots
}

func (f *frame) pick(p view.Pick, slots []view.Slot) string {
	if len(p.Of) == 0 {
		fn := "prefix"
		if p.Centre {
			fn = "centre"
		}
		return fmt.Sprintf("%s(%d, %s)", fn, p.Size, f.extent(slots[0]))
	}
	var of []string
	for _, q := range p.Of {
		n := q.Slots()
		of = append(of, f.pick(q, slots[:n]))
		slots = slots[n:]
	}
	fn := "product"
	if p.Sum {
		fn = "concat"
	}
	return fn + "(" + strings.Join(of, ", ") + ")"
}

// call writes one Builder call; k is its index in the layout.
func (f *frame) call(c *view.Call, k int) {
	if a, ok := constant(c); ok {
		f.constants[c.Out[0]] = a
		return
	}
	args := &arguments{frame: f, call: c, index: k, slots: f.layout.Slots(c, k)}
	c.Visit(args)
	expr, err := forms[c.Method](args)
	f.fail(c, err)
	f.assign(c.Out, expr)
}

// constant is what a call that makes a constant makes it of.
func constant(c *view.Call) (nn.Attr, bool) {
	if c.IsLiteral() {
		return c.Const, true
	}
	if op := c.Rec.Op; op != nil && op.Type == "Constant" && op.Domain == "" && len(op.Attrs) == 1 {
		return op.Attrs[0], true
	}
	return nn.Attr{}, false
}

func (f *frame) fail(c *view.Call, err error) {
	if err != nil {
		f.errs = append(f.errs, fmt.Errorf("node %q: %w", c.Name, err))
	}
}
