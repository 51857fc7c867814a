package view

import (
	"fmt"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Interpret makes the same calls on b as the emitted package's Build for the SubNet of genes. It uses only data that is printed: it looks extents up in tables by the
// choices, calls the method of a class for each block, and leaves blocks out by the bounds of runs. It never evaluates a moving dim.Dim, and uses nothing of the
// compiled net that the printed code lacks. So its result can be compared with the compiled net.
func (p *Package) Interpret(genes []uint8, b nn.Builder) error {
	r := &runner{p: p, genes: genes, b: b}
	values := map[ir.ValueID]nn.Value{}
	for _, in := range p.Inputs {
		if values[in.Value] = nn.None; in.Live.Holds(genes) {
			values[in.Value] = b.Input(in.Name, in.Type, extents(in.Shape, genes))
		}
	}
	for _, s := range p.Sections {
		r.section(s, values)
	}
	for _, o := range p.Outputs {
		if o.Live.Holds(genes) {
			b.Output(o.Name, values[o.Value])
		}
	}
	return r.err
}

// runner executes the emitted code for one SubNet.
type runner struct {
	p     *Package
	genes []uint8
	b     nn.Builder
	err   error // the first
}

func (r *runner) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("internal error: "+format, args...)
	}
}

// section runs a section. It reads only the values that the section's function takes, and passes on only the values that the function returns.
func (r *runner) section(s *Section, values map[ir.ValueID]nn.Value) {
	own := map[ir.ValueID]nn.Value{}
	for _, id := range s.In {
		own[id] = values[id]
	}
	for _, piece := range s.Pieces {
		for k := range piece.Calls {
			r.call(&s.Layout, &piece.Calls[k], piece.First+k, 0, func(x Index) int { return r.sectionGene(s, x) }, own)
		}
		if piece.Run != nil {
			r.run(piece, own)
		}
	}
	for _, id := range s.Out {
		values[id] = own[id]
	}
}

func (r *runner) sectionGene(s *Section, x Index) int {
	if x.Arg >= 0 {
		return s.Args[x.Arg]
	}
	for _, f := range s.Stage.Fields {
		if f.Name == x.Field {
			return f.Gene
		}
	}
	return -1
}

// run calls the class's method for the blocks that are kept: the first ones, up to the bound.
func (r *runner) run(piece Piece, values map[ir.ValueID]nn.Value) {
	bound, err := piece.Run.Bound(r.p)
	if err != nil {
		r.fail("%w", err)
		return
	}
	kept := len(piece.Run.Instances)
	if bound != nil {
		c := r.p.Choices[bound.Gene]
		n := int(c.Candidates[r.genes[bound.Gene]]) - bound.Offset
		if n < 0 && !bound.Low || n > kept && !bound.High {
			r.fail("the bound of %s excludes %d of %d blocks", c.Name, n, kept)
		}
		kept = min(max(n, 0), kept)
	}
	in := make([]nn.Value, len(piece.In))
	for k, id := range piece.In {
		in[k] = values[id]
	}
	out := in
	for _, i := range piece.Run.Instances[:kept] {
		out = r.block(piece.Run, i, in)
		in = append([]nn.Value{out[0]}, in[1:]...) // values beside the main flow are the same for all blocks
	}
	for k, id := range piece.Out {
		values[id] = out[k]
	}
}

func (r *runner) block(run *Run, i *Instance, in []nn.Value) []nn.Value {
	c := run.Class
	values := map[ir.ValueID]nn.Value{}
	for k, id := range c.Body.In {
		values[id] = in[k]
	}
	for k := range c.Body.Calls {
		call := c.Body.Calls[k] // the wiring is the class's, the record may be the block's own
		if c.Layout.Recs[k] != "" {
			call.Rec = i.Body.Calls[k].Rec
		}
		r.call(&c.Layout, &call, k, i.Number(), func(x Index) int {
			if x.Arg >= 0 {
				return run.Args[x.Arg]
			}
			for _, g := range i.Block.Moving() {
				if r.p.Choices[g].Field == x.Field {
					return g
				}
			}
			return -1
		}, values)
	}
	out := make([]nn.Value, len(c.Body.Out))
	for k, id := range c.Body.Out {
		out[k] = values[id]
	}
	if i.Skip {
		if c.Skip != SomeSkip {
			r.fail("a block of %s has a flag that its class does not know", c.Func)
		}
		if c.SkipFirst {
			return []nn.Value{r.b.Add(in[0], out[0])}
		}
		return []nn.Value{r.b.Add(out[0], in[0])}
	}
	return out
}

// call makes a call with the numbers in its slots.
func (r *runner) call(l *Layout, c *Call, k, instance int, gene func(Index) int, values map[ir.ValueID]nn.Value) {
	fixed := *c
	fixed.Cuts, fixed.Dims = nil, nil
	slots := l.Slots(c, k)
	number := func() (n int, leftOut bool) {
		s := slots[0]
		slots = slots[1:]
		switch {
		case s.LeftOut:
			return 0, true
		case s.Extent < 0 && s.Batch:
			return s.Fixed * nn.Batch, false
		case s.Extent < 0:
			return s.Fixed, false
		}
		e := l.Extent[s.Extent]
		at := 0
		for _, x := range e.Index {
			g, v := gene(x), 0
			if g >= 0 {
				v = int(r.genes[g])
			}
			at = at*x.Card + v
		}
		return e.Tables[instance][at], false
	}
	var pick func(p Pick) *Pick
	pick = func(p Pick) *Pick {
		if len(p.Of) == 0 {
			n, _ := number()
			p.Keep = dim.Const(n)
			return &p
		}
		of := p.Of
		p.Of = nil
		for _, q := range of {
			p.Of = append(p.Of, *pick(q))
		}
		return &p
	}
	for _, cut := range c.Cuts {
		if cut.Pick != nil {
			cut.Pick = pick(*cut.Pick)
			fixed.Cuts = append(fixed.Cuts, cut)
			continue
		}
		n, leftOut := number()
		if cut.N = dim.Const(n); !leftOut {
			cut.Full = -1 // the emitted code cuts, whatever is kept
			fixed.Cuts = append(fixed.Cuts, cut)
		}
	}
	for range c.Dims {
		n, _ := number()
		d := dim.Const(n)
		if n < 0 {
			d, _ = dim.Mul(dim.Batch(), dim.Const(-n))
		}
		fixed.Dims = append(fixed.Dims, d)
	}
	if len(slots) > 0 {
		r.fail("%v leaves %d numbers", c.Method, len(slots))
	}
	apply(r.b, &fixed, nil, values)
}
