package gen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/ir"
)

// body writes the statements of one emitted function. Values get the few short names that a person would give them: a
// name is used again as soon as its value is dead.
type body struct {
	code  []jen.Code
	names map[ir.ValueID]string
	left  map[ir.ValueID]int // uses that are still to come
	pool  []string           // declared names whose values are dead
	used  int                // of shortNames
}

// shortNames are the names of values.
var shortNames = strings.Fields("x y z u v t")

// statement is one step of a body: what it reads and what it makes.
type statement struct {
	in, out []ir.ValueID
}

// newBody prepares a body with the given parameters, statements and results.
func newBody(params []ir.ValueID, steps []statement, results []ir.ValueID) *body {
	b := &body{names: map[ir.ValueID]string{0: "nn.None"}, left: map[ir.ValueID]int{}}
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

func (b *body) fresh() string {
	b.used++
	if b.used <= len(shortNames) {
		return shortNames[b.used-1]
	}
	return fmt.Sprintf("x%d", b.used-len(shortNames))
}

// consume ends the uses of operands; names of dead values become free. It returns the operands' expressions.
func (b *body) consume(ids []ir.ValueID) []jen.Code {
	var out []jen.Code
	for _, id := range ids {
		if id == 0 {
			out = append(out, nnType("None"))
			continue
		}
		out = append(out, jen.Id(b.names[id]))
	}
	var dead []string
	for _, id := range ids {
		if b.left[id]--; b.left[id] == 0 && id != 0 {
			if n := b.names[id]; !strings.Contains(n, "[") {
				dead = append(dead, n)
			}
		}
	}
	b.pool = append(dead, b.pool...)
	return out
}

// target names a new value and returns the left side of its assignment, operator included.
func (b *body) target(id ir.ValueID) *jen.Statement {
	if b.left[id] == 0 {
		return jen.Id("_").Op("=")
	}
	if len(b.pool) > 0 {
		b.names[id] = b.pool[0]
		b.pool = b.pool[1:]
		return jen.Id(b.names[id]).Op("=")
	}
	b.names[id] = b.fresh()
	return jen.Id(b.names[id]).Op(":=")
}

// assign gives values the results of an expression: one value, or a list when list is set.
func (b *body) assign(out []ir.ValueID, expr *jen.Statement, list bool) {
	switch {
	case list:
		var live []ir.ValueID
		for _, id := range out {
			if b.left[id] > 0 {
				live = append(live, id)
			}
		}
		if len(live) == 0 {
			b.add(expr)
			return
		}
		name := b.fresh()
		b.add(jen.Id(name).Op(":=").Add(expr))
		for k, id := range out {
			b.names[id] = fmt.Sprintf("%s[%d]", name, k)
		}
	case len(out) == 1:
		b.add(b.target(out[0]).Add(expr))
	default:
		b.tuple(out, expr)
	}
}

// tuple assigns the several results of a function.
func (b *body) tuple(out []ir.ValueID, expr *jen.Statement) {
	var names []jen.Code
	declared := true
	for _, id := range out {
		if b.left[id] == 0 {
			names = append(names, jen.Id("_"))
			continue
		}
		b.names[id] = b.fresh()
		declared = false
		names = append(names, jen.Id(b.names[id]))
	}
	assign := ":="
	if declared {
		assign = "="
	}
	b.add(jen.List(names...).Op(assign).Add(expr))
}

func (b *body) add(s jen.Code) { b.code = append(b.code, s) }

// inPlace makes out the same variable as in, which a conditional statement changes, and returns its name.
func (b *body) inPlace(in, out ir.ValueID) string {
	b.left[in]--
	name := b.names[in]
	if b.left[in] > 0 || strings.Contains(name, "[") {
		name = b.fresh()
		b.add(jen.Id(name).Op(":=").Id(b.names[in]))
	}
	b.names[out] = name
	return name
}

// frame tells a call where its records and extents are.
type frame struct {
	layout   *view.Layout
	record   func(name string) *jen.Statement
	table    func(name string) *jen.Statement
	receiver string
	local    map[int]bool // extents that have a local variable
}

// locals declares a variable for each extent that calls use more than once.
func (f *frame) locals(b *body, calls []view.Call, first int) {
	count := map[int]int{}
	for k := range calls {
		for _, e := range f.layout.Extents(first + k) {
			count[e]++
		}
	}
	for e := range f.layout.Extent {
		if count[e] > 1 && !f.local[e] {
			f.local[e] = true
			b.add(jen.Id(f.layout.Extent[e].Name).Op(":=").Add(f.load(e)))
		}
	}
}

// load is the indexed load of an extent.
func (f *frame) load(e int) *jen.Statement {
	x := f.layout.Extent[e]
	s := f.table(x.Name)
	for _, i := range x.Index {
		if i.Arg >= 0 {
			s.Index(jen.Id(f.layout.Args[i.Arg].Name).Dot("i"))
		} else {
			s.Index(jen.Id(f.receiver).Dot(i.Field).Dot("i"))
		}
	}
	return s
}

func (f *frame) extent(s view.Slot) *jen.Statement {
	switch {
	case s.Extent < 0 && s.Batch && s.Fixed == 1:
		return nnType("Batch")
	case s.Extent < 0 && s.Batch:
		return number(s.Fixed).Op("*").Add(nnType("Batch"))
	case s.Extent < 0:
		return number(s.Fixed)
	case f.local[s.Extent]:
		return jen.Id(f.layout.Extent[s.Extent].Name)
	}
	return f.load(s.Extent)
}

// call writes one Builder call; k is its index in the layout. With last set it returns the expression instead.
func (f *frame) call(b *body, c *view.Call, k int, last bool) *jen.Statement {
	in := b.consume(c.In)
	rec := f.recordOf(c, k)
	slots := f.layout.Slots(c, k)
	var args []jen.Code
	list := false
	switch c.Method {
	case "Param":
		args = []jen.Code{f.cut(rec, c, &slots)}
	case "Op":
		if c.Ranks != nil {
			rec = rec.Dot("Yields").Call(f.shapes(slots, c.Ranks)...)
		}
		args = append([]jen.Code{rec}, in...)
		list = true
	case "Concat":
		args = append(numbers(c.Ints), in...)
	case "Split":
		args = append(append(in, numbers(c.Ints)...), f.extents(slots)...)
		list = true
	case "Reshape":
		args = append(in, nnType("Shape").Values(f.extents(slots)...))
	case "Mean":
		args = append(append(in, jen.Lit(c.Keep)), numbers(c.Ints)...)
	default:
		args = append(args, in...)
		if rec != nil {
			args = append(args, f.cut(rec, c, &slots))
		}
		args = append(args, numbers(c.Ints)...)
	}
	expr := jen.Id("b").Dot(c.Method).Call(args...)
	if list && len(c.Out) == 1 {
		expr.Index(number(0))
		list = false
	}
	if last && !list && len(c.Out) == 1 {
		return expr
	}
	b.assign(c.Out, expr, list)
	return nil
}

func (f *frame) recordOf(c *view.Call, k int) *jen.Statement {
	if name := f.layout.Recs[k]; name != "" {
		return f.record(name)
	}
	if c.HasRecord() {
		return record(c.Rec)
	}
	return nil
}

func (f *frame) extents(slots []view.Slot) []jen.Code {
	var out []jen.Code
	for _, s := range slots {
		out = append(out, f.extent(s))
	}
	return out
}

// shapes are the literals of an Op's result shapes.
func (f *frame) shapes(slots []view.Slot, ranks []int) []jen.Code {
	var out []jen.Code
	for _, n := range ranks {
		out = append(out, nnType("Shape").Values(f.extents(slots[:n])...))
		slots = slots[n:]
	}
	return out
}

// cut appends the record's cuts, and takes their slots.
func (f *frame) cut(rec *jen.Statement, c *view.Call, slots *[]view.Slot) *jen.Statement {
	for _, k := range c.Cuts {
		if k.Pick != nil {
			n := k.Pick.Slots()
			rec.Dot(k.Verb).Call(append(axisArg(c, k), f.pick(*k.Pick, (*slots)[:n]))...)
			*slots = (*slots)[n:]
			continue
		}
		s := (*slots)[0]
		*slots = (*slots)[1:]
		if s.LeftOut {
			continue
		}
		rec.Dot(k.Verb).Call(append(axisArg(c, k), f.extent(s))...)
	}
	return rec
}

func axisArg(c *view.Call, k view.Cut) []jen.Code {
	switch {
	case k.Grid != nil:
		return []jen.Code{number(k.Axis), number(k.Grid.Prefix), number(k.Grid.Side)}
	case c.Method == "Param":
		return []jen.Code{number(k.Axis)}
	}
	return nil
}

func (f *frame) pick(p view.Pick, slots []view.Slot) *jen.Statement {
	if len(p.Of) == 0 {
		if p.Centre {
			n := f.extent(slots[0])
			from := jen.Parens(number(p.Size).Op("-").Add(n)).Op("/").Lit(2)
			return nnType("Pick").Values(jen.Id("Size").Op(":").Add(number(p.Size)), jen.Id("Keep").Op(":").Add(n), jen.Id("From").Op(":").Add(from))
		}
		return nnType("Prefix").Call(number(p.Size), f.extent(slots[0]))
	}
	var of []jen.Code
	for _, q := range p.Of {
		n := q.Slots()
		of = append(of, f.pick(q, slots[:n]))
		slots = slots[n:]
	}
	if p.Sum {
		return nnType("Sum").Call(of...)
	}
	return nnType("Product").Call(of...)
}

// signature is a function's parameters: builder, values, then what f.extra adds.
func signature(values []ir.ValueID, names map[ir.ValueID]string, extra ...jen.Code) []jen.Code {
	out := []jen.Code{jen.Id("b").Add(nnType("Builder"))}
	if len(values) > 0 {
		var ids []jen.Code
		for _, id := range values {
			ids = append(ids, jen.Id(names[id]))
		}
		out = append(out, jen.List(ids...).Add(nnType("Value")))
	}
	return append(out, extra...)
}

// results is the result list of a function.
func results(values []ir.ValueID) *jen.Statement {
	switch len(values) {
	case 0:
		return jen.Null()
	case 1:
		return nnType("Value")
	}
	var out []jen.Code
	for range values {
		out = append(out, nnType("Value"))
	}
	return jen.Parens(jen.List(out...))
}

// argParams declares the typed choices that a function gets from elsewhere; neighbours of one type share it.
func argParams(args []view.Arg) []jen.Code {
	var out []jen.Code
	for k := 0; k < len(args); {
		var names []jen.Code
		end := k
		for end < len(args) && args[end].Type == args[k].Type {
			names = append(names, jen.Id(args[end].Name))
			end++
		}
		out = append(out, jen.List(names...).Id(args[k].Type.Name))
		k = end
	}
	return out
}

// finish returns the function's code with its results.
func (b *body) finish(last *jen.Statement, out []ir.ValueID) []jen.Code {
	switch {
	case last != nil:
		b.add(jen.Return(last))
	case len(out) > 0:
		b.add(jen.Return(b.consume(out)...))
	}
	return slices.Clone(b.code)
}
