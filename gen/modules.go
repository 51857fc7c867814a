package gen

import (
	"fmt"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/supernet"
)

// modules writes modules_gen.go: Build, a function for each section, a method for each class of blocks.
func modulesFile(f *jen.File, p *view.Package) error {
	m := &moduleWriter{f: f, p: p}
	m.build()
	for _, s := range p.Sections {
		if err := m.section(s); err != nil {
			return err
		}
	}
	for _, c := range p.Classes {
		m.class(c)
	}
	return nil
}

type moduleWriter struct {
	f *jen.File
	p *view.Package
}

// build writes SubNet.Build.
func (m *moduleWriter) build() {
	var steps []view.Step
	for _, s := range m.p.Sections {
		steps = append(steps, view.Step{In: s.In, Out: s.Out})
	}
	var outs []ir.ValueID
	for _, o := range m.p.Outputs {
		outs = append(outs, o.Value)
	}
	b := newBody(nil, steps, outs)
	pixels := m.pixels(b)
	for _, ins := range together(m.p.Inputs, func(in view.Input) supernet.Need { return in.Live }) {
		var calls []jen.Code
		var ids []ir.ValueID
		for _, in := range ins {
			shape := nnType("Shape").Values(m.inputShape(in, pixels)...)
			calls = append(calls, jen.Id("b").Dot("Input").Call(jen.Lit(in.Name), dtype(in.Type), shape))
			ids = append(ids, in.Value)
		}
		live := ins[0].Live
		var names []jen.Code
		if live.Below > 0 {
			names = b.absent(ids)
		}
		for k, call := range calls {
			if live.Below == 0 {
				b.add(b.target(ids[k]).Add(call))
				continue
			}
			calls[k] = jen.Add(names[k]).Op("=").Add(call)
		}
		if live.Below > 0 {
			b.add(jen.If(m.holds(live)).Block(calls...))
		}
	}
	for _, s := range m.p.Sections {
		args := append([]jen.Code{jen.Id("b")}, b.consume(s.In)...)
		for _, g := range s.Args {
			args = append(args, jen.Id("s").Dot(m.p.Choices[g].Value))
		}
		fn := jen.Id(s.Func)
		if s.Stage != nil {
			fn = jen.Id("s").Dot(s.Stage.Type).Dot(s.Func)
		}
		b.assign(s.Out, fn.Call(args...), false)
	}
	for _, outs := range together(m.p.Outputs, func(o view.Output) supernet.Need { return o.Live }) {
		var calls []jen.Code
		for _, o := range outs {
			calls = append(calls, jen.Id("b").Dot("Output").Call(jen.Lit(o.Name), jen.Id(b.Name(o.Value))))
		}
		if live := outs[0].Live; live.Below > 0 {
			calls = []jen.Code{jen.If(m.holds(live)).Block(calls...)}
		}
		b.code = append(b.code, calls...)
	}
	m.f.Comment("Build describes s to b, one call per operator, in execution order.")
	m.f.Func().Params(jen.Id("s").Id("SubNet")).Id("Build").Params(jen.Id("b").Add(nnType("Builder"))).Block(b.code...)
	m.f.Line()
}

// together joins neighbours that SubNets have under one condition.
func together[T any](list []T, live func(T) supernet.Need) (out [][]T) {
	for _, e := range list {
		if last := len(out) - 1; last >= 0 && live(e) == live(out[last][0]) {
			out[last] = append(out[last], e)
		} else {
			out = append(out, []T{e})
		}
	}
	return out
}

// holds is the condition that a depth has its blocks.
func (m *moduleWriter) holds(n supernet.Need) *jen.Statement {
	c := m.p.Choices[n.Choice]
	return jen.Id("s").Dot(c.Value).Dot("Blocks").Call().Op(">").Add(number(int(c.Candidates[n.Below])))
}

// pixels declares the resolution's side when an input has it, and returns its gene, or -1.
func (m *moduleWriter) pixels(b *body) int {
	for _, in := range m.p.Inputs {
		for _, d := range in.Shape {
			for _, g := range d.Deps() {
				if c := m.p.Choices[g]; view.IsSide(d, c) {
					b.add(jen.Id("px").Op(":=").Id("s").Dot(c.Value).Dot("Pixels").Call())
					return int(g)
				}
			}
		}
	}
	return -1
}

func (m *moduleWriter) inputShape(in view.Input, pixels int) []jen.Code {
	var out []jen.Code
	for _, d := range in.Shape {
		n, fixed := d.IsConst()
		switch _, batch := d.Batches(); {
		case batch:
			out = append(out, nnType("Batch"))
		case fixed:
			out = append(out, number(n))
		case pixels >= 0 && view.IsSide(d, m.p.Choices[pixels]):
			out = append(out, jen.Id("px"))
		default: // another axis that follows the resolution: its values stand in the code
			g := d.Deps()[0]
			out = append(out, jen.Index(jen.Op("...")).Int().Values(numbers(d.Values())...).Index(jen.Id("s").Dot(m.p.Choices[g].Value).Dot("i")))
		}
	}
	return out
}

// section writes the function of a section.
func (m *moduleWriter) section(s *view.Section) error {
	var steps []view.Step
	for _, piece := range s.Pieces {
		if piece.Run != nil {
			steps = append(steps, view.Step{In: piece.In, Out: piece.Out})
		}
		steps = append(steps, view.Steps(piece.Calls)...)
	}
	b := newBody(s.In, steps, s.Out)
	params := signature(s.In, b.Locals, argParams(s.Layout.Args)...)
	f := &frame{
		layout: &s.Layout, receiver: "s", local: map[int]bool{},
		record: func(name string) *jen.Statement { return jen.Id(name) },
		table:  func(name string) *jen.Statement { return jen.Id(s.Name + view.Exported(name)) },
	}
	var last *jen.Statement
	for k, piece := range s.Pieces {
		final := k == len(s.Pieces)-1 && len(s.Out) == 1
		if piece.Run != nil {
			var err error
			if last, err = m.run(b, s, piece, final && piece.Out[0] == s.Out[0]); err != nil {
				return err
			}
			continue
		}
		if piece.Note != "" {
			b.add(jen.Comment(view.Comment(piece.Note)))
		}
		f.locals(b, piece.Calls, piece.First)
		last = f.calls(b, piece.Calls, piece.First, final && piece.Calls[len(piece.Calls)-1].Out[0] == s.Out[0])
	}
	m.f.Comment(sectionDoc(s))
	fn := m.f.Func()
	if s.Stage != nil {
		fn.Params(jen.Id("s").Id(s.Stage.Type))
	}
	fn.Id(s.Func).Params(params...).Add(results(s.Out)).Block(b.finish(last, s.Out)...)
	m.f.Line()
	return nil
}

func sectionDoc(s *view.Section) string {
	if s.Stage != nil {
		return fmt.Sprintf("build adds stage %d to b.", s.Stage.Index)
	}
	first, last := s.Stages[0].Index, s.Stages[len(s.Stages)-1].Index
	if first == last {
		return fmt.Sprintf("%s adds stage %d to b. It has no choices.", s.Func, first)
	}
	return fmt.Sprintf("%s adds stages %d to %d to b. They have no choices.", s.Func, first, last)
}

// run writes a run of blocks: one call, or a loop over those that are kept.
func (m *moduleWriter) run(b *body, s *view.Section, piece view.Piece, last bool) (*jen.Statement, error) {
	r := piece.Run
	bound, err := r.Bound(m.p)
	if err != nil {
		return nil, err
	}
	if len(r.Instances) == 1 && bound == nil {
		args := append([]jen.Code{jen.Id("b")}, b.consume(piece.In)...)
		expr := m.blockCall(s, r, r.Receiver(s.Stage), jen.Op("&").Id(r.Table), args)
		if last && len(piece.Out) == 1 {
			return expr, nil
		}
		b.assign(piece.Out, expr, false)
		return nil, nil
	}
	beside := b.consume(piece.In[1:])
	name := b.inPlace(piece.In[0], piece.Out[0])
	args := append([]jen.Code{jen.Id("b"), jen.Id(name)}, beside...)
	made := append([]jen.Code{jen.Id(name)}, b.absent(piece.Out[1:])...)
	call := func(receiver string, at *jen.Statement) *jen.Statement {
		return jen.List(made...).Op("=").Add(m.blockCall(s, r, receiver, at, args))
	}
	switch list, from := r.List(s.Stage); {
	case len(r.Instances) == 1:
		kept := jen.Id(s.Gene(m.p, bound.Gene)).Dot("Blocks").Call().Op(">").Add(number(bound.Offset))
		b.add(jen.If(kept).Block(call(r.Receiver(s.Stage), jen.Op("&").Id(r.Table))))
	case list != "":
		over := slice(list, from, m.upto(s, r, bound, from, len(s.Stage.Elastic)))
		at := jen.Op("&").Id(r.Table).Index(jen.Id("i"))
		b.add(jen.For(jen.List(jen.Id("i"), jen.Id("m")).Op(":=").Range().Id(over)).Block(call("m", at)))
	default:
		over := slice(r.Table, 0, m.upto(s, r, bound, 0, len(r.Instances)))
		at := jen.Op("&").Id(r.Table).Index(jen.Id("i"))
		b.add(jen.For(jen.Id("i").Op(":=").Range().Id(over)).Block(call(r.Receiver(s.Stage), at)))
	}
	return nil, nil
}

// upto is the upper bound of the slice over a run's blocks that starts at from, "" for all of the list's total.
func (m *moduleWriter) upto(s *view.Section, r *view.Run, bound *view.Bound, from, total int) string {
	end := from + len(r.Instances)
	if bound == nil {
		if end == total {
			return ""
		}
		return fmt.Sprint(end)
	}
	upto := minus(s.Gene(m.p, bound.Gene)+".Blocks()", bound.Offset-from)
	if bound.High {
		upto = fmt.Sprintf("min(%s, %d)", upto, end)
	}
	if bound.Low {
		upto = fmt.Sprintf("max(%s, %d)", upto, from)
	}
	return upto
}

// blockCall is a call of a class's build method or function.
func (m *moduleWriter) blockCall(s *view.Section, r *view.Run, receiver string, at *jen.Statement, args []jen.Code) *jen.Statement {
	args = append(args, at)
	for k, g := range r.Args {
		if g < 0 {
			args = append(args, jen.Id(r.Class.Layout.Args[k].Type.Original()))
			continue
		}
		args = append(args, jen.Id(s.Gene(m.p, g)))
	}
	if r.Class.Type == nil {
		return jen.Id(r.Class.Func).Call(args...)
	}
	return jen.Id(receiver).Dot(r.Class.Func).Call(args...)
}

// minus renders a-n without a needless zero.
func minus(a string, n int) string {
	switch {
	case n == 0:
		return a
	case n < 0:
		return fmt.Sprintf("%s+%d", a, -n)
	}
	return fmt.Sprintf("%s-%d", a, n)
}

// slice renders list[from:upto] without needless bounds.
func slice(list string, from int, upto string) string {
	if from == 0 && upto == "" {
		return list
	}
	lower := ""
	if from > 0 {
		lower = fmt.Sprint(from)
	}
	return fmt.Sprintf("%s[%s:%s]", list, lower, upto)
}

// class writes the instance struct of a class and its build method.
func (m *moduleWriter) class(c *view.Class) {
	m.instanceType(c)
	calls := c.Body.Calls
	out := c.Body.Out
	skip := c.Skip == view.SomeSkip
	kept := out
	if skip {
		kept = append([]ir.ValueID{c.Body.In[0]}, out...)
	}
	b := newBody(c.Body.In, view.Steps(calls), kept)
	params := signature(c.Body.In, b.Locals, append([]jen.Code{jen.Id("at").Op("*").Id(c.At)}, argParams(c.Layout.Args)...)...)
	field := func(name string) *jen.Statement { return jen.Id("at").Dot(name) }
	f := &frame{layout: &c.Layout, receiver: "m", local: map[int]bool{}, record: field, table: field}
	f.locals(b, calls, 0)
	last := f.calls(b, calls, 0, !skip && len(out) == 1 && calls[len(calls)-1].Out[0] == out[0])
	if skip {
		x, y := b.Name(c.Body.In[0]), b.Name(out[0])
		b.add(jen.If(jen.Id("at").Dot("skip")).Block(jen.Id(y).Op("=").Id("b").Dot("Add").Call(m.skipOperands(c, x, y)...)))
	}
	m.f.Comment(view.Comment(fmt.Sprintf("%s adds one block to b. The tensors and widths of its place in the network are in at.", c.Func)))
	fn := m.f.Func()
	if c.Type != nil {
		recv := jen.Id(c.Type.Name)
		if f.usesReceiver() {
			recv = jen.Id("m").Id(c.Type.Name)
		}
		fn.Params(recv)
	}
	fn.Id(c.Func).Params(params...).Add(results(out)).Block(b.finish(last, out)...)
	m.f.Line()
}

func (m *moduleWriter) skipOperands(c *view.Class, x, y string) []jen.Code {
	if c.SkipFirst {
		return []jen.Code{jen.Id(x), jen.Id(y)}
	}
	return []jen.Code{jen.Id(y), jen.Id(x)}
}

// usesReceiver tells whether the method reads its receiver's choices.
func (f *frame) usesReceiver() bool {
	for _, e := range f.layout.Extent {
		for _, i := range e.Index {
			if i.Arg < 0 {
				return true
			}
		}
	}
	return false
}
