package view

import (
	"fmt"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/runtime/nn"
)

// apply makes one call on b for the SubNet of genes: what the emitted code does, without emitting it. values maps the
// graph's values to the Builder's.
func apply(b nn.Builder, c *Call, genes []uint8, values map[ir.ValueID]nn.Value) {
	in := make([]nn.Value, len(c.In))
	for k, id := range c.In {
		in[k] = values[id]
	}
	for k, v := range invoke(b, c, genes, in) {
		if k < len(c.Out) {
			values[c.Out[k]] = v
		}
	}
}

func invoke(b nn.Builder, c *Call, genes []uint8, in []nn.Value) []nn.Value {
	single := func(v nn.Value) []nn.Value { return []nn.Value{v} }
	switch c.Method {
	case "Conv":
		return single(b.Conv(in[0], cutConv(*c.Rec.Conv, c.Cuts, genes)))
	case "Linear":
		return single(b.Linear(in[0], cutLinear(*c.Rec.Linear, c.Cuts, genes)))
	case "BatchNorm":
		n := *c.Rec.BatchNorm
		for _, k := range c.Cuts {
			switch {
			case !k.moves():
			case k.Pick != nil:
				n = n.CutPick(pick(*k.Pick, genes))
			default:
				n = n.Cut(k.N.At(genes))
			}
		}
		return single(b.BatchNorm(in[0], n))
	case "LayerNorm":
		n := *c.Rec.LayerNorm
		for _, k := range c.Cuts {
			switch {
			case !k.moves():
			case k.Pick != nil:
				n = n.CutPick(pick(*k.Pick, genes))
			default:
				n = n.Cut(k.N.At(genes))
			}
		}
		return single(b.LayerNorm(in[0], n))
	case "Param":
		return single(b.Param(cutParam(*c.Rec.Param, c.Cuts, genes)))
	case "Act":
		return single(b.Act(in[0], *c.Rec.Act))
	case "Pool":
		return single(b.Pool(in[0], *c.Rec.Pool))
	case "Softmax":
		return single(b.Softmax(in[0], c.Ints[0]))
	case "Mean":
		return single(b.Mean(in[0], c.Keep, c.Ints...))
	case "Flatten":
		return single(b.Flatten(in[0], c.Ints[0]))
	case "Reshape":
		return single(b.Reshape(in[0], extents(c.Dims, genes)))
	case "Transpose":
		return single(b.Transpose(in[0], c.Ints...))
	case "Concat":
		return single(b.Concat(c.Ints[0], in...))
	case "Split":
		return b.Split(in[0], c.Ints[0], extents(c.Dims, genes)...)
	case "Op":
		op := *c.Rec.Op
		if c.Ranks != nil {
			op = op.Yields(shapes(extents(c.Dims, genes), c.Ranks)...)
		}
		return b.Op(op, in...)
	}
	return single(binaries[c.Method](b, in[0], in[1]))
}

var binaries = map[string]func(b nn.Builder, x, y nn.Value) nn.Value{
	"Add":    nn.Builder.Add,
	"Sub":    nn.Builder.Sub,
	"Mul":    nn.Builder.Mul,
	"Div":    nn.Builder.Div,
	"MatMul": nn.Builder.MatMul,
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

func cutConv(r nn.Conv, cuts []Cut, genes []uint8) nn.Conv {
	for _, k := range cuts {
		switch {
		case !k.moves():
		case k.Verb == "Out":
			r = r.Out(k.N.At(genes))
		case k.Verb == "In":
			r = r.In(k.N.At(genes))
		case k.Verb == "Group":
			r = r.Group(k.N.At(genes))
		case k.Verb == "InGroups":
			r = r.InGroups(k.N.At(genes))
		case k.Verb == "Crop":
			r = r.Crop(k.N.At(genes))
		case k.Verb == "OutPick":
			r = r.OutPick(pick(*k.Pick, genes))
		case k.Verb == "InPick":
			r = r.InPick(pick(*k.Pick, genes))
		}
	}
	return r
}

func cutLinear(r nn.Linear, cuts []Cut, genes []uint8) nn.Linear {
	for _, k := range cuts {
		switch {
		case !k.moves():
		case k.Verb == "Out":
			r = r.Out(k.N.At(genes))
		case k.Verb == "In":
			r = r.In(k.N.At(genes))
		case k.Verb == "OutPick":
			r = r.OutPick(pick(*k.Pick, genes))
		case k.Verb == "InPick":
			r = r.InPick(pick(*k.Pick, genes))
		}
	}
	return r
}

func cutParam(r nn.Param, cuts []Cut, genes []uint8) nn.Param {
	for _, k := range cuts {
		switch {
		case !k.moves():
		case k.Pick != nil:
			r = r.Pick(k.Axis, pick(*k.Pick, genes))
		case k.Grid != nil:
			r = r.Grid(k.Axis, k.Grid.Prefix, k.Grid.Side, k.N.At(genes))
		default:
			r = r.Cut(k.Axis, k.N.At(genes))
		}
	}
	return r
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

// Describe makes the calls of the whole net on b, for the SubNet of genes.
func (p *Package) Describe(genes []uint8, b nn.Builder) error {
	values := map[ir.ValueID]nn.Value{}
	for _, in := range p.Inputs {
		values[in.Value] = b.Input(in.Name, in.Type, extents(in.Shape, genes))
	}
	for _, s := range p.Stages {
		for _, it := range s.Items {
			if it.Block != nil && !p.Choices.holds(it.Block.Live, genes) {
				if len(it.In) != 1 || len(it.Out) != 1 {
					return fmt.Errorf("stage %d: a removable block has %d inputs and %d outputs", s.Index, len(it.In), len(it.Out))
				}
				values[it.Out[0]] = values[it.In[0]]
				continue
			}
			for k := range it.Calls {
				apply(b, &it.Calls[k], genes, values)
			}
		}
	}
	for _, out := range p.Outputs {
		b.Output(out.Name, values[out.Value])
	}
	return nil
}
