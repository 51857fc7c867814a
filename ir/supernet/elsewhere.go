package supernet

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// computed compares the net at another resolution with the model itself at that resolution. Passes turned numbers that the model computes from extents into
// constants, which may be right only at the model's own resolution. It returns the first node that would differ.
func (k baked) computed(input ir.ValueID, bind map[ir.ValueID][]dim.Dim) error {
	if k.config.Elsewhere == nil {
		return nil
	}
	var shape []int
	for i, d := range bind[input] {
		n, fixed := d.IsConst()
		if !fixed {
			n = k.graph.Values[input].Shape[i].Size
		}
		shape = append(shape, n)
	}
	g, open, err := k.config.Elsewhere(k.graph, k.graph.Values[input].Name, shape)
	if g == nil || err != nil {
		return err
	}
	there := other{baked: k, g: g, made: map[string]*ir.Node{}}
	for _, n := range g.Nodes {
		there.made[nameOf(g, n)] = n
	}
	own := map[ir.ValueID][]dim.Dim{}
	for _, id := range g.Inputs {
		for _, same := range k.graph.Inputs {
			if k.graph.Values[same].Name == g.Values[id].Name {
				own[id] = bind[same]
			}
		}
	}
	there.shapes, err = op.InferGraph(g, own, nil)
	switch there.fits = err == nil; {
	case !open:
		there.shapes = nil
	case err != nil:
		return err
	}
	return there.compare()
}

// other is the model as it is at another resolution.
type other struct {
	baked
	g      *ir.Graph
	made   map[string]*ir.Node // by the name of the first result
	shapes [][]dim.Dim         // nil where the model may state some of them
	fits   bool                // the shapes that the model states fit this resolution; otherwise passes may have left nodes unchanged
}

// nameOf is the name of a node's first result.
func nameOf(g *ir.Graph, n *ir.Node) string {
	for _, id := range n.Out {
		if id != 0 {
			return g.Values[id].Name
		}
	}
	return ""
}

// compare returns an error that names the first node that differs at the other resolution.
func (o other) compare() error {
	for _, n := range o.graph.Nodes {
		m := o.made[nameOf(o.graph, n)]
		if !o.fits && (m == nil || n.Op != m.Op || len(n.In) != len(m.In)) {
			continue
		}
		if m == nil {
			return &op.NodeError{Node: n, Err: fmt.Errorf("it depends on extents whether the model has it")}
		}
		if why := o.differs(n, m); why != "" {
			return &op.NodeError{Node: n, Err: fmt.Errorf("%s, which the model computes from extents", why)}
		}
	}
	if o.fits && len(o.g.Nodes) > len(o.graph.Nodes) {
		here := map[string]bool{}
		for _, n := range o.graph.Nodes {
			here[nameOf(o.graph, n)] = true
		}
		for _, m := range o.g.Nodes {
			if !here[nameOf(o.g, m)] {
				return &op.NodeError{Node: m, Err: fmt.Errorf("it exists at this resolution, but not at the model's own")}
			}
		}
	}
	return nil
}

// differs says which part of node n differs in m, its counterpart at the other resolution, "" if none does.
func (o other) differs(n, m *ir.Node) string {
	if n.Op != m.Op || len(n.In) != len(m.In) || len(n.Out) != len(m.Out) {
		return fmt.Sprintf("it is %s of %d operands there", m.Op, len(m.In))
	}
	if name := o.attribute(n, m); name != "" {
		return fmt.Sprintf("its attribute %s is another one", name)
	}
	for k, id := range n.In {
		if id == 0 || m.In[k] == 0 || states[n.Op][k] {
			continue
		}
		here, there := o.graph.Values[id].Const, o.g.Values[m.In[k]].Const
		if n.Op == "Resize" && o.shapes == nil || !o.fits && (here == nil || there == nil) {
			continue // sizes that the model states have a rule of their own
		}
		if !same(here, there) && (here == nil || there == nil || len(o.movedAxes(id)) == 0) {
			return fmt.Sprintf("its operand %q is another one", o.graph.Values[id].Name)
		}
	}
	for k, id := range n.Out {
		if id == 0 || o.shapes == nil {
			continue
		}
		was, is := o.after.Shape(id), o.shapes[m.Out[k]]
		if was != nil && is != nil && !slices.EqualFunc(was, is, func(a, b dim.Dim) bool { return a.IsBatch() || b.IsBatch() || a.Original() == b.Original() }) {
			return fmt.Sprintf("its result has the shape %v, and not %v", is, was)
		}
	}
	return ""
}

// attribute returns the name of the first attribute that differs between n and m, "" if none does. Passes that left m unchanged did not add or remove attributes.
func (o other) attribute(n, m *ir.Node) string {
	for _, a := range n.Attrs {
		b, ok := m.Attr(a.Name)
		if ok && !equalAttrs(a, b) || !ok && o.fits {
			return a.Name
		}
	}
	for _, b := range m.Attrs {
		if _, ok := n.Attr(b.Name); !ok && o.fits {
			return b.Name
		}
	}
	return ""
}

// equalAttrs tells whether two attributes have the same value. Tensors and graphs are not computed from extents.
func equalAttrs(a, b ir.Attr) bool {
	return a.Int == b.Int && a.Float == b.Float && a.String == b.String && slices.Equal(a.Ints, b.Ints) && slices.Equal(a.Floats, b.Floats)
}

// states lists the operands that say nothing but the shape of the result, by operator. Bounds of a Slice have a rule of their own.
var states = map[string]map[int]bool{
	"Reshape": {1: true}, "Expand": {1: true}, "Tile": {1: true}, "ConstantOfShape": {0: true}, "Slice": {1: true, 2: true},
}

// same tells whether two operands are equal constants, or both no constants.
func same(a, b *ir.Tensor) bool {
	switch {
	case a == nil || b == nil:
		return a == b
	case a.Name != "" || b.Name != "":
		return a.Name == b.Name
	}
	x, err1 := a.Bytes()
	y, err2 := b.Bytes()
	return err1 == nil && err2 == nil && slices.Equal(a.Shape, b.Shape) && bytes.Equal(x, y)
}
