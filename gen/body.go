package gen

import (
	"fmt"
	"slices"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/runtime/nn"
)

// body writes the statements of one emitted function.
type body struct {
	*view.Locals
	code   []jen.Code
	sets   map[int]bool                  // statements of code that give a variable another value, and declare none
	inline map[ir.ValueID]*jen.Statement // values that stand where they are read
}

// newBody prepares a body with the given parameters, statements and results.
func newBody(params []ir.ValueID, steps []view.Step, results []ir.ValueID) *body {
	return &body{Locals: view.NewLocals(params, steps, results), sets: map[int]bool{}, inline: map[ir.ValueID]*jen.Statement{}}
}

func (b *body) add(s jen.Code) { b.code = append(b.code, s) }

// consume ends the uses of operands and returns their expressions.
func (b *body) consume(ids []ir.ValueID) []jen.Code {
	var out []jen.Code
	for k, name := range b.Take(ids) {
		switch {
		case ids[k] == 0:
			out = append(out, nnType("None"))
		case b.inline[ids[k]] != nil:
			out = append(out, b.inline[ids[k]])
		default:
			out = append(out, jen.Id(name))
		}
	}
	return out
}

// target names a new value and returns the left side of its assignment, operator included.
func (b *body) target(id ir.ValueID) *jen.Statement {
	return set(b.Target(id))
}

// set is the left side of an assignment to a variable.
func set(name string, isNew bool) *jen.Statement {
	if isNew {
		return jen.Id(name).Op(":=")
	}
	return jen.Id(name).Op("=")
}

// assign gives values the results of an expression: one value, or a list when list is set.
func (b *body) assign(out []ir.ValueID, expr *jen.Statement, list bool) {
	switch {
	case list && !slices.ContainsFunc(out, b.Read):
		b.add(expr)
	case list:
		name := b.Fresh()
		b.add(jen.Id(name).Op(":=").Add(expr))
		for k, id := range out {
			b.Bind(id, fmt.Sprintf("%s[%d]", name, k))
		}
	case len(out) == 1:
		name, isNew := b.Target(out[0])
		b.sets[len(b.code)] = !isNew
		b.add(set(name, isNew).Add(expr))
	default:
		b.tuple(out, expr)
	}
}

// tuple assigns the several results of a function.
func (b *body) tuple(out []ir.ValueID, expr *jen.Statement) {
	var names []jen.Code
	assign := "="
	for _, id := range out {
		name := "_"
		if b.Read(id) {
			name, assign = b.Fresh(), ":="
			b.Bind(id, name)
		}
		names = append(names, jen.Id(name))
	}
	b.add(jen.List(names...).Op(assign).Add(expr))
}

// absent declares values that a conditional statement makes, and returns their names.
func (b *body) absent(out []ir.ValueID) []jen.Code {
	var names, declared, none []jen.Code
	for _, id := range out {
		if !b.Read(id) {
			names = append(names, jen.Id("_"))
			continue
		}
		b.Bind(id, b.Fresh())
		name := jen.Id(b.Name(id))
		names, declared, none = append(names, name), append(declared, name), append(none, nnType("None"))
	}
	if len(declared) > 0 {
		b.add(jen.List(declared...).Op(":=").List(none...))
	}
	return names
}

// inPlace makes out the same variable as in, which a conditional statement changes, and returns its name.
func (b *body) inPlace(in, out ir.ValueID) string {
	name, from := b.InPlace(in, out)
	if from != "" {
		b.add(jen.Id(name).Op(":=").Id(from))
	}
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

// calls writes Builder calls; first is the index of the first in the layout. With last set it returns the expression of the last instead, if
// that is one value.
func (f *frame) calls(b *body, calls []view.Call, first int, last bool) *jen.Statement {
	var expr *jen.Statement
	inline := b.Inline(calls)
	for k := range calls {
		expr = f.call(b, &calls[k], first+k, inline[k], last && k == len(calls)-1)
	}
	return expr
}

// call writes one Builder call; k is its index in the layout. With inline set the call that reads its value writes it; with last set it is returned.
func (f *frame) call(b *body, c *view.Call, k int, inline, last bool) *jen.Statement {
	args := &arguments{frame: f, body: b, index: k, slots: f.layout.Slots(c, k)}
	c.Visit(args)
	expr := jen.Id("b").Dot(c.Method.String()).Call(args.list...)
	if inline {
		b.inline[c.Out[0]] = expr
		return nil
	}
	list := c.Method.Several()
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

// arguments is the visitor that writes a call's arguments.
type arguments struct {
	*frame
	body  *body
	index int         // of the call in the layout
	slots []view.Slot // that are still to be written
	list  []jen.Code
}

func (a *arguments) add(args ...jen.Code) { a.list = append(a.list, args...) }

// take writes the next n extents.
func (a *arguments) take(n int) []jen.Code {
	out := a.extents(a.slots[:n])
	a.slots = a.slots[n:]
	return out
}

func (a *arguments) Operands(ids []ir.ValueID) { a.add(a.body.consume(ids)...) }
func (a *arguments) Numbers(list []int)        { a.add(numbers(list)...) }
func (a *arguments) Flag(on bool)              { a.add(jen.Lit(on)) }
func (a *arguments) Sizes(dims []dim.Dim)      { a.add(a.take(len(dims))...) }
func (a *arguments) Shape(dims []dim.Dim)      { a.add(nnType("Shape").Values(a.take(len(dims))...)) }

func (a *arguments) Type(t nn.DType)    { a.add(dtype(t)) }
func (a *arguments) Constant(c nn.Attr) { a.add(literal(c)...) }

func (a *arguments) Ranges(list []nn.Range) {
	for _, r := range list {
		var f fields
		f.add("Axis", nonzero(r.Axis))
		f.add("From", nonzero(r.From))
		f.add("To", wide(r.To))
		f.add("Step", nonzero(r.Step))
		a.add(nnType("Range").Values(f...))
	}
}

func (a *arguments) Record(c *view.Call) {
	var rec *jen.Statement
	if name := a.layout.Recs[a.index]; name != "" {
		rec = a.record(name)
	} else {
		rec = record(c.Rec)
	}
	a.add(a.cut(rec, c, &a.slots))
}

// Yields gives the record, which was added last, the shapes of its results.
func (a *arguments) Yields(_ []dim.Dim, ranks []int) {
	var shapes []jen.Code
	for _, n := range ranks {
		shapes = append(shapes, nnType("Shape").Values(a.take(n)...))
	}
	last := len(a.list) - 1
	a.list[last] = jen.Add(a.list[last]).Dot("Yields").Call(shapes...)
}

func (f *frame) extents(slots []view.Slot) []jen.Code {
	var out []jen.Code
	for _, s := range slots {
		out = append(out, f.extent(s))
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
	case c.Method == view.Param:
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
func signature(values []ir.ValueID, names *view.Locals, extra ...jen.Code) []jen.Code {
	out := []jen.Code{jen.Id("b").Add(nnType("Builder"))}
	if len(values) > 0 {
		var ids []jen.Code
		for _, id := range values {
			ids = append(ids, jen.Id(names.Name(id)))
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
	return b.inPieces()
}

// pieceOf is how many statements a piece of a long function has.
const pieceOf = 2500

// inPieces lets statements that only set variables be functions within the function, where they are very many: Go's compiler takes minutes for a
// function of 100,000 statements, and seconds for its pieces.
func (b *body) inPieces() []jen.Code {
	var out []jen.Code
	for k := 0; k < len(b.code); {
		end := k
		for b.sets[end] {
			end++
		}
		if end-k < 2*pieceOf {
			end = max(end, k+1)
			out, k = append(out, b.code[k:end]...), end
			continue
		}
		for piece := range slices.Chunk(b.code[k:end], pieceOf) {
			out = append(out, jen.Func().Params().Block(piece...).Call())
		}
		k = end
	}
	return out
}
