package pytorch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/runtime/nn"
)

// body writes the statements of one forward method. A name is used again as soon as its value is dead, as people do.
type body struct {
	w         writer
	depth     int
	names     map[ir.ValueID]string
	constants map[ir.ValueID]nn.Attr
	left      map[ir.ValueID]int // uses that are still to come
	pool      []string           // names whose values are dead
	used      int                // of shortNames
	errs      []error
}

var shortNames = strings.Fields("x y z u v t")

// step is what a statement reads and makes.
type step struct{ in, out []ir.ValueID }

func newBody(params []ir.ValueID, steps []step, results []ir.ValueID) *body {
	b := &body{depth: 2, names: map[ir.ValueID]string{}, constants: map[ir.ValueID]nn.Attr{}, left: map[ir.ValueID]int{}}
	for _, s := range steps {
		for _, id := range s.in {
			b.left[id]++
		}
	}
	for _, id := range results {
		b.left[id]++
	}
	for _, id := range params {
		b.names[id] = b.fresh()
	}
	return b
}

func steps(calls []view.Call) []step {
	var out []step
	for _, c := range calls {
		out = append(out, step{c.In, c.Out})
	}
	return out
}

func (b *body) fresh() string {
	b.used++
	if b.used <= len(shortNames) {
		return shortNames[b.used-1]
	}
	return fmt.Sprintf("x%d", b.used-len(shortNames))
}

// consume ends uses of operands and returns their names.
func (b *body) consume(ids []ir.ValueID) []string {
	var out, dead []string
	for _, id := range ids {
		out = append(out, b.names[id])
	}
	for _, id := range ids {
		if b.left[id]--; b.left[id] == 0 && b.names[id] != "" {
			dead = append(dead, b.names[id])
		}
	}
	b.pool = append(dead, b.pool...)
	return out
}

// target names a new value.
func (b *body) target(id ir.ValueID) string {
	switch {
	case b.left[id] == 0:
		return "_"
	case len(b.pool) > 0:
		b.names[id] = b.pool[0]
		b.pool = b.pool[1:]
	default:
		b.names[id] = b.fresh()
	}
	return b.names[id]
}

// assign gives values the results of an expression.
func (b *body) assign(out []ir.ValueID, expr string) {
	targets := make([]string, len(out))
	for k, id := range out {
		targets[k] = b.target(id)
	}
	b.line("%s = %s", strings.Join(targets, ", "), expr)
}

func (b *body) line(format string, args ...any) { b.w.line(b.depth, format, args...) }

// inPlace makes out the same variable as in, which statements under a condition change.
func (b *body) inPlace(in, out ir.ValueID) string {
	b.left[in]--
	name := b.names[in]
	if b.left[in] > 0 {
		name = b.fresh()
		b.line("%s = %s", name, b.names[in])
	}
	b.names[out] = name
	return name
}

// finish returns the results. An assignment that only they read becomes the return statement.
func (b *body) finish(out []ir.ValueID) string {
	text := b.w.String()
	results := strings.Join(b.consume(out), ", ")
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

// keeps writes what a layer keeps, as keyword arguments; of a Param as a dict.
func (f *frame) keeps(c *view.Call, slots []view.Slot) string {
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
		case c.Method == "Param":
			keep = fmt.Sprintf("%d: %s", k.Axis, keep)
		case word != "":
			keep = word + "=" + keep
		}
		out = append(out, keep)
	}
	if c.Method == "Param" && len(out) > 0 {
		return "{" + strings.Join(out, ", ") + "}"
	}
	return strings.Join(out, ", ")
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
	if c.Method == "Op" && c.Rec.Op.Type == "Constant" && c.Rec.Op.Domain == "" && len(c.Rec.Op.Attrs) == 1 {
		f.constants[c.Out[0]] = c.Rec.Op.Attrs[0]
		return
	}
	device := f.device(c.In)
	ids := slices.Clone(c.In)
	var in []string
	for i, name := range f.consume(ids) {
		if a, ok := f.constants[ids[i]]; ok {
			text, err := literal(a, device)
			f.fail(c, err)
			name = text
		}
		in = append(in, name)
	}
	expr, err := f.expression(c, k, in, f.layout.Slots(c, k))
	f.fail(c, err)
	f.assign(c.Out, expr)
}

// device is an operand whose device a constant has to be on.
func (f *frame) device(in []ir.ValueID) string {
	for _, id := range in {
		if n := f.names[id]; n != "" {
			return n
		}
	}
	return ""
}

func (f *frame) fail(c *view.Call, err error) {
	if err != nil {
		name := ""
		if c.Rec.Op != nil {
			name = fmt.Sprintf("node %q: ", c.Rec.Op.Name)
		}
		f.errs = append(f.errs, fmt.Errorf("%s%w", name, err))
	}
}

func (f *frame) expression(c *view.Call, k int, in []string, slots []view.Slot) (string, error) {
	switch c.Method {
	case "Conv", "Linear", "BatchNorm", "LayerNorm", "Param":
		args := in
		if keeps := f.keeps(c, slots); keeps != "" {
			args = append(slices.Clone(in), keeps)
		}
		return fmt.Sprintf("self.%s(%s)", f.attr[f.layout.Recs[k]], strings.Join(args, ", ")), nil
	case "Act":
		if !f.inline[k] {
			return fmt.Sprintf("self.%s(%s)", f.attr[f.layout.Recs[k]], in[0]), nil
		}
		a, err := activation(*c.Rec.Act)
		return a.call(in[0]), err
	case "Pool":
		switch c.Rec.Pool.Kind {
		case nn.GlobalAverage:
			return "global_average(" + in[0] + ")", nil
		case nn.GlobalMax:
			return "global_max(" + in[0] + ")", nil
		}
		return fmt.Sprintf("self.%s(%s)", f.attr[f.layout.Recs[k]], in[0]), nil
	case "Softmax":
		return fmt.Sprintf("%s.softmax(%d)", in[0], c.Ints[0]), nil
	case "Mean":
		return fmt.Sprintf("%s.mean(%s, keepdim=%s)", in[0], tuple(numbers(c.Ints)), python(c.Keep)), nil
	case "Flatten":
		if c.Ints[0] == 1 {
			return in[0] + ".flatten(1)", nil
		}
		return fmt.Sprintf("flatten(%s, %d)", in[0], c.Ints[0]), nil
	case "Reshape":
		return fmt.Sprintf("%s.reshape(%s)", in[0], strings.Join(f.extents(slots), ", ")), nil
	case "Transpose":
		return fmt.Sprintf("%s.permute(%s)", in[0], strings.Join(numbers(c.Ints), ", ")), nil
	case "Concat":
		return fmt.Sprintf("torch.cat(%s, %d)", tuple(in), c.Ints[0]), nil
	case "Split":
		return fmt.Sprintf("%s.split([%s], %d)", in[0], strings.Join(f.extents(slots), ", "), c.Ints[0]), nil
	case "Op":
		return f.carried(c, in, f.extents(slots))
	}
	o, ok := operators.Lookup("", c.Method) // a method that is called like its operator
	if !ok || o.Torch == "" || len(in) != 2 {
		return "", fmt.Errorf("%s has no PyTorch form", c.Method)
	}
	return fmt.Sprintf(o.Torch, in[0], in[1]), nil
}
