package pass

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// splitProjections takes queries, keys and values apart before they are cut into heads. Some networks compute all three in one product,
// reshape it to [batch, tokens, parts, heads, dimension], bring the parts to the front and pick each: all have the same dimension then.
// Taken apart first, values can have another dimension than queries, and each part is what its name says.
func splitProjections(g *ir.Graph) error {
	made, uses := producers(g), users(g)
	var vals []op.Operand
	at := map[*ir.Node][]*ir.Node{} // nodes that go before another one
	for _, n := range g.Nodes {
		p, ok := partsOf(g, n, made)
		if !ok || uses[n.In[0]] != 1 {
			continue
		}
		if vals == nil {
			vals = extents(g)
		}
		if !p.joins(vals[p.reshape.In[0]].Shape) {
			continue
		}
		picks, ok := p.picks(g, n.Out[0])
		if !ok {
			continue
		}
		at[n] = []*ir.Node{p.split(g)}
		for _, k := range picks {
			at[k.node] = append(at[k.node], p.head(g, k))
		}
	}
	var nodes []*ir.Node
	for _, n := range g.Nodes {
		nodes = append(append(nodes, at[n]...), n)
	}
	g.Nodes = nodes
	return nil
}

// extents infers the shapes of g, with an open batch where the graph allows one; those that cannot be inferred stay unknown.
func extents(g *ir.Graph) []op.Operand {
	bind, _ := inputExtents(g)
	vals, err := op.Infer(g, op.Rules{Bind: bind})
	if err == nil {
		return vals
	}
	for _, s := range bind {
		for k, d := range s {
			if d.IsBatch() {
				s[k] = dim.Const(1)
			}
		}
	}
	vals, _ = op.Infer(g, op.Rules{Bind: bind})
	return vals
}

// parts is a product that is reshaped to parts of heads, and transposed so that the parts come first.
type parts struct {
	reshape *ir.Node
	target  []int64 // batch, tokens, parts, heads, dimension
	perm    []int64 // of one part
	values  []ir.ValueID
}

// partsAxis is where the parts stand in the reshaped product.
const partsAxis = 2

// partsOf describes n when it is such a Transpose.
func partsOf(g *ir.Graph, n *ir.Node, made []*ir.Node) (*parts, bool) {
	perm := n.Ints("perm")
	if n.Op != "Transpose" || n.Domain != "" || len(perm) != 5 || perm[0] != partsAxis {
		return nil, false
	}
	r := made[n.In[0]]
	if r == nil || r.Op != "Reshape" || r.Domain != "" || g.Values[r.In[1]].Const == nil {
		return nil, false
	}
	target, err := g.Values[r.In[1]].Const.Int64s()
	if err != nil || len(target) != 5 || slices.Min(target[partsAxis:]) < 1 {
		return nil, false
	}
	p := &parts{reshape: r, target: target}
	for _, a := range perm[1:] {
		if a > partsAxis {
			a--
		}
		p.perm = append(p.perm, a)
	}
	return p, true
}

// joins tells whether a shape is [batch, tokens, parts * heads * dimension].
func (p *parts) joins(shape []dim.Dim) bool {
	if len(shape) != partsAxis+1 {
		return false
	}
	n, fixed := shape[partsAxis].IsConst()
	return fixed && int64(n) == p.target[2]*p.target[3]*p.target[4]
}

// picked is a node whose result is one of the parts.
type picked struct {
	node *ir.Node
	part int64
}

// picks finds the readers of the transposed parts, also behind a Split or Slice; ok is false when one of them does anything else.
func (p *parts) picks(g *ir.Graph, id ir.ValueID) (out []picked, ok bool) {
	if isOutput(g, id) {
		return nil, false
	}
	for _, n := range g.Nodes {
		if !slices.Contains(n.In, id) {
			continue
		}
		switch {
		case n.Op == "Gather" && n.Int("axis", 0) == 0:
			part, one := number(g, n.Input(1))
			if !one || part < 0 || len(g.Values[n.In[1]].Const.Shape) > 0 {
				return nil, false
			}
			out = append(out, picked{n, part})
		case n.Op == "Split" && n.Int("axis", 0) == 0 && int64(len(n.Out)) == p.target[partsAxis]:
			for k, v := range n.Out {
				if out, ok = squeezed(g, v, int64(k), out); !ok {
					return nil, false
				}
			}
		case n.Op == "Slice":
			part, one := p.slice(g, n)
			if !one {
				return nil, false
			}
			if out, ok = squeezed(g, n.Out[0], part, out); !ok {
				return nil, false
			}
		default:
			return nil, false
		}
	}
	return out, len(out) > 0
}

// slice tells which part a Slice takes.
func (p *parts) slice(g *ir.Graph, n *ir.Node) (part int64, ok bool) {
	from, ok1 := number(g, n.Input(1))
	to, ok2 := number(g, n.Input(2))
	axis, ok3 := number(g, n.Input(3))
	if to > p.target[partsAxis] {
		to = p.target[partsAxis]
	}
	return from, ok1 && ok2 && ok3 && axis == 0 && from >= 0 && to == from+1
}

// squeezed adds the Squeezes that make part k of a value, which must have no other readers.
func squeezed(g *ir.Graph, id ir.ValueID, k int64, list []picked) ([]picked, bool) {
	if isOutput(g, id) {
		return nil, false
	}
	for _, n := range g.Nodes {
		if !slices.Contains(n.In, id) {
			continue
		}
		if n.Op != "Squeeze" || !slices.Equal(axesOf(g, n), []int64{0}) {
			return nil, false
		}
		list = append(list, picked{n, k})
	}
	return list, true
}

// number is the value of a constant with one integer.
func number(g *ir.Graph, id ir.ValueID) (int64, bool) {
	if id == 0 || g.Values[id].Const == nil || g.Values[id].Const.NumElements() != 1 {
		return 0, false
	}
	list, err := g.Values[id].Const.Int64s()
	return first(list), err == nil
}

func first(list []int64) int64 {
	if len(list) == 0 {
		return 0
	}
	return list[0]
}

// split makes the node that takes the product apart.
func (p *parts) split(g *ir.Graph) *ir.Node {
	whole := p.reshape.In[0]
	width := p.target[3] * p.target[4]
	sizes := make([]int64, p.target[partsAxis])
	for k := range sizes {
		sizes[k] = width
		p.values = append(p.values, addValue(g, g.Values[whole], p.reshape.Name+"_part"))
	}
	return &ir.Node{
		Op: "Split", Name: p.reshape.Name + "_parts", In: []ir.ValueID{whole}, Out: p.values, Scope: p.reshape.Scope, Meta: p.reshape.Meta,
		Attrs: []ir.Attr{{Name: "axis", Kind: ir.AttrInt, Int: partsAxis}, {Name: "split", Kind: ir.AttrInts, Ints: sizes}},
	}
}

// head makes the node that cuts one part into heads, and a Transpose of the node that picked the part.
func (p *parts) head(g *ir.Graph, k picked) *ir.Node {
	target := append(slices.Clone(p.target[:partsAxis]), p.target[partsAxis+1:]...)
	shape := constantValue(g, k.node.Name+"_shape", ir.FromInt64s([]int{len(target)}, target))
	heads := addValue(g, g.Values[k.node.Out[0]], k.node.Name+"_heads")
	k.node.Op, k.node.In, k.node.Attrs = "Transpose", []ir.ValueID{heads}, []ir.Attr{{Name: "perm", Kind: ir.AttrInts, Ints: p.perm}}
	return &ir.Node{
		Op: "Reshape", Name: k.node.Name + "_reshape", In: []ir.ValueID{p.values[k.part], shape}, Out: []ir.ValueID{heads},
		Scope: k.node.Scope, Meta: k.node.Meta, Attrs: p.reshape.Attrs,
	}
}

// addValue adds a value of the type of another one, whose shape is not known yet.
func addValue(g *ir.Graph, like *ir.Value, name string) ir.ValueID {
	g.Values = append(g.Values, &ir.Value{Name: name, Type: like.Type})
	return ir.ValueID(len(g.Values) - 1)
}
