package view

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/nn"
)

// writer is the supernet.Builder for emitted code. It makes the stages of a Package, and for each operator the calls of an nn.Builder.
type writer struct {
	p *Package
	t *translator
}

// Stage begins a stage.
func (w *writer) Stage(s *supernet.Stage) {
	out := &Stage{Index: s.Index, Name: fmt.Sprintf("stage%d", s.Index), Width: s.Width}
	for _, g := range s.Feature(w.t.net).Choices {
		out.Fields = append(out.Fields, Field{Gene: g})
	}
	if len(out.Fields) > 0 {
		out.Type = fmt.Sprintf("Stage%d", s.Index)
	}
	w.p.Stages = append(w.p.Stages, out)
}

// Item begins a block, or operators between blocks.
func (w *writer) Item(it supernet.Item) {
	s := w.p.Stages[len(w.p.Stages)-1]
	f := it.Feature(w.t.net)
	v := &Item{Nodes: it.Nodes, Body: Body{In: it.In, Out: it.Out, inGenes: w.p.widthGenes(f.In), outGenes: w.p.widthGenes(f.Out)}}
	if it.Block != nil {
		v.Block = w.block(s, it.Block)
	}
	s.Items = append(s.Items, v)
}

func (w *writer) block(s *Stage, b *supernet.Block) *Block {
	f := b.Feature(w.t.net)
	out := &Block{GoName: b.GoName, Template: b.Type, Doc: b.Doc, Stage: s.Index, Index: -1, Genes: f.Choices, Live: f.Live, lists: b.Lists}
	if out.GoName == "" {
		out.GoName = "Block"
	}
	if len(f.Choices) > 0 {
		out.Index = len(s.Elastic)
		s.Elastic = append(s.Elastic, out)
		s.Type = fmt.Sprintf("Stage%d", s.Index)
	}
	return out
}

// Skip is never called, because the original model has all blocks.
func (w *writer) Skip(supernet.Item) {}

// Op translates an operator.
func (w *writer) Op(o *supernet.Op, _ supernet.Active) {
	s := w.p.Stages[len(w.p.Stages)-1]
	it := s.Items[len(s.Items)-1]
	var roles map[int]string
	if o.Block != nil {
		roles = o.Block.Roles
	}
	it.Calls = append(it.Calls, w.t.op(o, roles[o.Index])...)
}

// widthGenes lists the choices on which shapes depend, without the resolution.
func (p *Package) widthGenes(shapes [][]dim.Dim) []dim.Choice {
	return slices.DeleteFunc(dim.Union(slices.Concat(shapes...)...), func(g dim.Choice) bool { return p.Choices[g].Stage < 0 })
}

// calls returns the package's calls by the node that they stand for.
func (p *Package) calls() map[int][]Call {
	out := map[int][]Call{}
	for _, s := range p.Stages {
		for _, it := range s.Items {
			for _, c := range it.Calls {
				out[c.Node] = append(out[c.Node], c)
			}
		}
	}
	return out
}

// Describe makes the calls of the whole net on b, for the SubNet of genes; without genes, for the original model.
func (p *Package) Describe(genes []uint8, b nn.Builder) error {
	if genes == nil {
		genes = make([]uint8, len(p.Choices))
	}
	d := &describer{builder: b, genes: genes, calls: p.calls(), values: map[ir.ValueID]nn.Value{}}
	for _, in := range p.Inputs {
		if d.values[in.Value] = nn.None; in.Live.Holds(genes) {
			d.values[in.Value] = b.Input(in.Name, in.Type, extents(in.Shape, genes))
		}
	}
	p.net.Build(d, genes)
	for _, out := range p.Outputs {
		if out.Live.Holds(genes) {
			b.Output(out.Name, d.values[out.Value])
		}
	}
	return d.err
}

// describer is the supernet.Builder that makes the calls of one SubNet.
type describer struct {
	builder nn.Builder
	genes   []uint8
	calls   map[int][]Call // by node
	values  map[ir.ValueID]nn.Value
	err     error
}

// Stage needs no call.
func (d *describer) Stage(*supernet.Stage) {}

// Item needs no call.
func (d *describer) Item(supernet.Item) {}

// Skip replaces the results of a removed block by its inputs.
func (d *describer) Skip(it supernet.Item) {
	if len(it.In) == 0 || len(it.Out) == 0 {
		d.err = fmt.Errorf("internal error: a removable block has %d inputs and %d outputs", len(it.In), len(it.Out))
		return
	}
	d.values[it.Out[0]] = d.values[it.In[0]]
}

// Op makes the calls of an operator.
func (d *describer) Op(o *supernet.Op, _ supernet.Active) {
	for _, c := range d.calls[o.Index] {
		apply(d.builder, &c, d.genes, d.values)
	}
}
