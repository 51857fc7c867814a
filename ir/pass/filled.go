package pass

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// filledExpands spreads one number where a model fills a tensor with it: of channels that are all the same any number can go, which nobody knows of
// a shape that is an operand. Lists of extents and masks stay what they are.
func filledExpands(g *ir.Graph) error {
	var vals []op.Operand
	for _, n := range g.Nodes {
		if !is(n, "ConstantOfShape") || !fillsFloats(n) {
			continue
		}
		if vals == nil {
			vals = extents(g)
		}
		to := target(vals[n.In[0]].Ints, nil, "Expand")
		if to == nil || to.NumElements() < 2 {
			continue
		}
		number := fillValue(g, n)
		if number < 0 {
			continue
		}
		n.Op, n.Attrs, n.In = "Expand", nil, []ir.ValueID{number, constantValue(g, n.Name+"_extents", to)}
	}
	return nil
}

// fillsFloats tells whether the number of a ConstantOfShape is a float.
func fillsFloats(n *ir.Node) bool {
	for _, a := range n.Attrs {
		if t, ok := a.Tensor(); ok && a.Name == "value" {
			v := (&ir.Tensor{Tensor: t}).Type
			return v == ir.Float32 || v == ir.Float16 || v == ir.Float64
		}
	}
	return true
}

// joinedPads writes a Pad of channels, such as that of a shortcut to a wider layer (ResNet's option A, BlazeFace), as the Concat that it is: of
// channels of one number, which can go, and those that are padded. Space is padded by a Pad still.
func joinedPads(g *ir.Graph) error {
	var vals []op.Operand
	var space *axis.Coupling
	var nodes []*ir.Node
	for _, n := range g.Nodes {
		p := pad{g: g, n: n}
		if is(n, "Pad") && n.String("mode", "constant") == "constant" && len(n.Out) == 1 && p.read() {
			if vals == nil {
				vals = extents(g)
				space = coupled(g, vals)
			}
			if p.joins(vals[n.In[0]].Shape, space) {
				nodes = append(nodes, p.nodes...)
				continue
			}
		}
		nodes = append(nodes, n)
	}
	g.Nodes = nodes
	return nil
}

// pad is a Pad that is written anew.
type pad struct {
	g     *ir.Graph
	n     *ir.Node
	pads  []int64    // two numbers for each axis
	value ir.ValueID // what is there in place of elements
	nodes []*ir.Node
}

// read finds out how far a Pad pads, and with what.
func (p *pad) read() bool {
	if p.pads = p.n.Ints("pads"); p.pads == nil {
		p.pads = integersOf(p.g, p.n.Input(1))
	}
	p.value = p.n.Input(2)
	if p.value == 0 {
		p.value = constantValue(p.g, p.n.Name+"_number", ir.FromFloat32s([]int{}, []float32{float32(p.n.Float("value", 0))}))
	}
	t := p.g.Values[p.value].Const
	return t != nil && t.Type == ir.Float32 && t.NumElements() == 1 && slices.ContainsFunc(p.pads, func(v int64) bool { return v > 0 })
}

// joins makes the nodes where the Pad pads one axis that is no space.
func (p *pad) joins(x []dim.Dim, space *axis.Coupling) bool {
	rank := len(x)
	axes := space.Axes(p.n.In[0])
	if rank == 0 || len(p.pads) != 2*rank || len(axes) != rank {
		return false
	}
	along := -1
	for k := 1; k < rank; k++ {
		if p.pads[k] == 0 && p.pads[k+rank] == 0 || space.Is(axes[k], axis.Spatial|axis.Batch) {
			continue
		}
		if along >= 0 || p.pads[k] < 0 || p.pads[k+rank] < 0 {
			return false
		}
		along = k
	}
	if along < 0 {
		return false
	}
	before, after := p.pads[along], p.pads[along+rank]
	in := p.n.In[0]
	rest := slices.Clone(p.pads)
	rest[along], rest[along+rank] = 0, 0
	shape := slices.Clone(x)
	if slices.ContainsFunc(rest, func(v int64) bool { return v != 0 }) {
		for k := range shape {
			if more := int(rest[k] + rest[k+rank]); more != 0 {
				shape[k] = dim.Map(func(n int) int { return n + more }, shape[k])
			}
		}
		in = p.add("Pad", "space", p.padAttrs(rest), p.padOperands(rest)...)
	}
	var parts []ir.ValueID
	for k, size := range []int64{before, after} {
		if k == 1 {
			parts = append(parts, in)
		}
		if size == 0 {
			continue
		}
		shape[along] = dim.Const(int(size))
		to := target(shape, nil, "Expand")
		if to == nil {
			return false
		}
		side := []string{"before", "after"}[k]
		parts = append(parts, p.add("Expand", side, nil, p.value, constantValue(p.g, p.n.Name+"_"+side+"_extents", to)))
	}
	p.nodes = append(p.nodes, &ir.Node{
		Op: "Concat", Name: p.n.Name, Scope: p.n.Scope, Meta: p.n.Meta, In: parts, Out: p.n.Out,
		Attrs: []ir.Attr{{Name: "axis", Kind: ir.AttrInt, Int: int64(along)}},
	})
	return true
}

// padAttrs and padOperands say how far the Pad of space pads, as the Pad before did.
func (p *pad) padAttrs(pads []int64) []ir.Attr {
	out := slices.Clone(p.n.Attrs)
	for k := range out {
		if out[k].Name == "pads" {
			out[k].Ints = pads
		}
	}
	return out
}

func (p *pad) padOperands(pads []int64) []ir.ValueID {
	in := slices.Clone(p.n.In)
	if len(in) > 1 {
		in[1] = constantValue(p.g, p.n.Name+"_space_pads", ir.FromInt64s([]int{len(pads)}, pads))
	}
	return in
}

// add makes a node with one result beside the Pad.
func (p *pad) add(op, name string, attrs []ir.Attr, in ...ir.ValueID) ir.ValueID {
	p.g.Values = append(p.g.Values, &ir.Value{Name: p.n.Name + "_" + name, Type: p.g.Values[p.n.Out[0]].Type})
	out := ir.ValueID(len(p.g.Values) - 1)
	p.nodes = append(p.nodes, &ir.Node{Op: op, Name: p.n.Name + "_" + name, Scope: p.n.Scope, Meta: p.n.Meta, In: in, Out: []ir.ValueID{out}, Attrs: attrs})
	return out
}
