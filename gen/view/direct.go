package view

import (
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/runtime/nn"
)

// apply makes one call on b for the SubNet of genes, as the emitted code would. values maps the graph's values to the Builder's.
func apply(b nn.Builder, c *Call, genes []uint8, values map[ir.ValueID]nn.Value) {
	a := &arguments{genes: genes, values: values}
	c.Visit(a)
	for k, v := range signatures[c.Method].call(b, a) {
		if k < len(c.Out) {
			values[c.Out[k]] = v
		}
	}
}

// arguments is the Visitor that computes the arguments of a call for one SubNet.
type arguments struct {
	genes    []uint8
	values   map[ir.ValueID]nn.Value
	in       []nn.Value
	rec      Rec
	ints     []int
	keep     bool
	extents  []int
	ranges   []nn.Range
	dtype    nn.DType
	constant nn.Attr
}

func (a *arguments) Operands(ids []ir.ValueID) {
	for _, id := range ids {
		a.in = append(a.in, a.values[id])
	}
}

func (a *arguments) Record(c *Call)       { a.rec = c.Rec.cut(c.Cuts, a.genes) }
func (a *arguments) Numbers(list []int)   { a.ints = list }
func (a *arguments) Flag(on bool)         { a.keep = on }
func (a *arguments) Sizes(dims []dim.Dim) { a.extents = extents(dims, a.genes) }
func (a *arguments) Shape(dims []dim.Dim) { a.Sizes(dims) }

func (a *arguments) Ranges(list []nn.Range) { a.ranges = list }
func (a *arguments) Type(t nn.DType)        { a.dtype = t }
func (a *arguments) Constant(c nn.Attr)     { a.constant = c }

func (a *arguments) Yields(dims []dim.Dim, ranks []int) {
	op := a.rec.Op.Yields(shapes(extents(dims, a.genes), ranks)...)
	a.rec.Op = &op
}

func extents(ds []dim.Dim, genes []uint8) []int {
	out := make([]int, len(ds))
	for k, d := range ds {
		out[k] = extent(d, genes)
	}
	return out
}

// shapes cuts extents into shapes of the given ranks.
func shapes(list, ranks []int) []nn.Shape {
	var out []nn.Shape
	for _, n := range ranks {
		out = append(out, append(nn.Shape{}, list[:n]...))
		list = list[n:]
	}
	return out
}

// extent is d at genes, a multiple of nn.Batch for the open batch.
func extent(d dim.Dim, genes []uint8) int {
	if d.IsBatch() {
		return d.At(genes) * nn.Batch
	}
	return d.At(genes)
}

// cut applies cuts to the record.
func (r Rec) cut(cuts []Cut, genes []uint8) Rec {
	for _, k := range cuts {
		if !k.moves() {
			continue
		}
		switch {
		case r.Conv != nil:
			c := cutConv(*r.Conv, k, genes)
			r.Conv = &c
		case r.Linear != nil:
			l := cutLinear(*r.Linear, k, genes)
			r.Linear = &l
		case r.BatchNorm != nil:
			n := cutNorm(*r.BatchNorm, k, genes)
			r.BatchNorm = &n
		case r.LayerNorm != nil:
			n := cutNorm(*r.LayerNorm, k, genes)
			r.LayerNorm = &n
		case r.Param != nil:
			p := cutParam(*r.Param, k, genes)
			r.Param = &p
		}
	}
	return r
}

// cutNorm cuts the record of a normalisation.
func cutNorm[N interface {
	Cut(n int) N
	CutPick(p nn.Pick) N
}](n N, k Cut, genes []uint8) N {
	if k.Pick != nil {
		return n.CutPick(pick(*k.Pick, genes))
	}
	return n.Cut(k.N.At(genes))
}

func cutConv(r nn.Conv, k Cut, genes []uint8) nn.Conv {
	switch k.Verb {
	case "Out":
		return r.Out(k.N.At(genes))
	case "In":
		return r.In(k.N.At(genes))
	case "Group":
		return r.Group(k.N.At(genes))
	case "InGroups":
		return r.InGroups(k.N.At(genes))
	case "Crop":
		return r.Crop(k.N.At(genes))
	case "OutPick":
		return r.OutPick(pick(*k.Pick, genes))
	}
	return r.InPick(pick(*k.Pick, genes))
}

func cutLinear(r nn.Linear, k Cut, genes []uint8) nn.Linear {
	switch k.Verb {
	case "Out":
		return r.Out(k.N.At(genes))
	case "In":
		return r.In(k.N.At(genes))
	case "OutPick":
		return r.OutPick(pick(*k.Pick, genes))
	}
	return r.InPick(pick(*k.Pick, genes))
}

func cutParam(r nn.Param, k Cut, genes []uint8) nn.Param {
	switch {
	case k.Pick != nil:
		return r.Pick(k.Axis, pick(*k.Pick, genes))
	case k.Grid != nil:
		return r.Grid(k.Axis, k.Grid.Prefix, k.Grid.Side, k.N.At(genes))
	}
	return r.Cut(k.Axis, k.N.At(genes))
}

func pick(p Pick, genes []uint8) nn.Pick {
	switch {
	case len(p.Of) == 0 && p.Centre:
		n := p.Keep.At(genes)
		return nn.Pick{Size: p.Size, Keep: n, From: (p.Size - n) / 2}
	case len(p.Of) == 0:
		return nn.Prefix(p.Size, p.Keep.At(genes))
	}
	var of []nn.Pick
	for _, q := range p.Of {
		of = append(of, pick(q, genes))
	}
	if p.Sum {
		return nn.Sum(of...)
	}
	return nn.Product(of...)
}
