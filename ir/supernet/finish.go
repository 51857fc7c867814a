package supernet

import (
	"fmt"
	"maps"
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// bound lists the shapes that are known before inference: those of inputs, and of parameters that choices move.
func (b *binder) bound() map[ir.ValueID][]dim.Dim {
	bind := maps.Clone(b.inputs)
	for _, n := range b.graph.Nodes {
		for _, id := range n.In {
			if id == 0 || b.graph.Values[id].Const == nil {
				continue
			}
			if s, moves := b.paramShape(id); moves {
				bind[id] = s
			}
		}
	}
	return bind
}

// infer starts to infer shapes. A Reshape's target that an exporter wrote as numbers follows from the coupling instead: the coupling knows what each axis of the
// result is made of, and the extents of these parts are known.
func (b *binder) infer(bind map[ir.ValueID][]dim.Dim) *op.Inference {
	known := &extents{} // those of space, above all
	b.known = known
	return op.Start(b.graph, op.Rules{
		Bind: bind,
		Made: func(id ir.ValueID, shape []dim.Dim) {
			for k, v := range b.coupling.Axes(id) {
				if b.graph.Values[id].Const != nil && b.follows(v) {
					continue // a positional embedding follows what it is added to
				}
				if k < len(shape) {
					known.find(b.coupling.Find(v), shape[k])
				}
			}
		},
		Table: func(id ir.ValueID) []dim.Dim { return b.table(id, known) },
		Target: func(n *ir.Node) []dim.Dim {
			var out []dim.Dim
			for _, v := range b.coupling.Axes(n.Out[0]) {
				out = append(out, b.composed(v, known))
			}
			return out
		},
	})
}

// composed computes the extent of a variable from its parts.
func (b *binder) composed(v axis.Var, known *extents) dim.Dim {
	v = b.coupling.Find(v)
	if d, ok := known.get(v); ok {
		return d
	}
	combine, parts := dim.Mul, b.coupling.Factors(v)
	if parts == nil {
		combine, parts = dim.Add, b.coupling.Terms(v)
	}
	if parts == nil {
		return b.extent(v)
	}
	d := b.composed(parts[0], known)
	for _, p := range parts[1:] {
		d = b.keep(combine(d, b.composed(p, known)))
	}
	return d
}

// paramShape returns the extents of a parameter and whether any of them moves.
func (b *binder) paramShape(id ir.ValueID) ([]dim.Dim, bool) {
	moves := false
	axes := b.coupling.Axes(id)
	s := make([]dim.Dim, len(axes))
	for k, v := range axes {
		s[k] = b.extent(v)
		_, fixed := s[k].IsConst()
		moves = moves || !fixed
	}
	return s, moves
}

// overrideGroup lets the group count of a convolution follow its channels, the heads of an attention its groups, and the hidden size of a recurrent layer its weights.
func (b *binder) overrideGroup(o *Op) {
	if groups, ok := b.coupling.Groups(o.Node); ok {
		if d := b.extent(groups); len(d.Deps()) > 0 {
			o.override("group", []dim.Dim{d})
		}
	}
	if queries, keys, ok := b.coupling.Heads(o.Node); ok && len(b.extent(queries).Deps()) > 0 {
		o.override("num_heads", []dim.Dim{b.extent(queries)})
		o.override("kv_num_heads", []dim.Dim{b.extent(keys)})
	}
	if spec, _ := op.Lookup(o.Node.Domain, o.Node.Op); spec.Axes == op.AxesRecurrent {
		if r := b.coupling.Axes(o.Node.Input(2)); len(r) == 3 && len(b.extent(r[2]).Deps()) > 0 {
			o.override("hidden_size", []dim.Dim{b.extent(r[2])})
		}
	}
}

// overrideSplit lets the sizes of a Split's parts follow their channels. Exporters write the original's sizes.
func (b *binder) overrideSplit(o *Op) {
	n := o.Node
	if n.Op != "Split" || n.Domain != "" {
		return
	}
	var sizes []dim.Dim
	moves := false
	for _, id := range n.Out {
		axes := b.coupling.Axes(id)
		k := int(n.Int("axis", 0))
		if k < 0 {
			k += len(axes)
		}
		if k < 0 || k >= len(axes) {
			return
		}
		d := b.extent(axes[k])
		sizes, moves = append(sizes, d), moves || len(d.Deps()) > 0
	}
	if moves {
		o.override("split", sizes)
	}
}

// agree checks that inference and coupling find the same extent for every axis that an operator's results share with a parameter.
func (b *binder) agree(o *Op) error {
	for _, id := range o.Node.Out {
		axes := b.coupling.Axes(id)
		for k, d := range b.net.Shapes[id] {
			if k >= len(axes) || b.spatial(axes[k]) {
				continue
			}
			if want := b.extent(axes[k]); len(want.Deps()) > 0 && !want.Equal(d) {
				return &op.NodeError{Node: o.Node, Err: fmt.Errorf("axis %d of %q would be %v by its operands but %v by its coupling", k, b.graph.Values[id].Name, d, want)}
			}
		}
	}
	return nil
}

// spatial tells whether an axis contains positions or the batch. The coupling does not know their extents.
func (b *binder) spatial(v axis.Var) bool {
	return slices.ContainsFunc(b.coupling.Leaves(v), func(l axis.Var) bool { return b.coupling.Is(l, axis.Spatial|axis.Batch) })
}

// makeOps makes the operators of a net, each in its stage and block.
func makeOps(g *ir.Graph, stages []*Stage) []*Op {
	out := make([]*Op, len(g.Nodes))
	for _, s := range stages {
		for _, it := range s.Items {
			for _, i := range it.Nodes {
				out[i] = &Op{Index: i, Node: g.Nodes[i], Stage: s.Index, Block: it.Block}
			}
		}
	}
	return out
}

// param describes how a parameter is cut.
func (b *binder) param(operand int, id ir.ValueID) Param {
	p := Param{Operand: operand, Value: id}
	_, moves := b.paramShape(id)
	var axes []Axis
	for k, v := range b.coupling.Axes(id) {
		a := b.axis(v)
		if placed, ok := b.placed(id, k); ok {
			a, moves = placed, true
		}
		axes = append(axes, a)
	}
	if moves {
		p.Axes = axes
	}
	return p
}

// axis says which positions of a variable are kept. It is the zero Axis if all are kept in every SubNet.
func (b *binder) axis(v axis.Var) Axis { return b.cut(v, b.extent) }

// cut says which positions of a variable are kept, if extent gives the extents of the variable and of its parts.
func (b *binder) cut(v axis.Var, extent func(v axis.Var) dim.Dim) Axis {
	d := extent(v)
	if len(d.Deps()) == 0 {
		return Axis{}
	}
	a := Axis{Size: b.coupling.Size(v)}
	parts := b.coupling.Factors(v)
	if parts == nil {
		parts = b.coupling.Terms(v)
		a.Sum = parts != nil
	}
	for _, p := range parts {
		part := b.cut(p, extent)
		part.Size = b.coupling.Size(p)
		a.Of = append(a.Of, part)
	}
	if parts == nil {
		a.Keep = d
		a.Centre = b.coupling.Is(v, axis.Kernel)
	}
	return a
}
