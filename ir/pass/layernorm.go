package pass

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// fuseLayerNorm joins the pieces of a layer normalisation over the last axes, d/sqrt(mean(d*d)+epsilon)*scale+bias with d = x-mean(x),
// which exporters write before opset 17.
func fuseLayerNorm(g *ir.Graph) error {
	f := newFuser(g)
	var shapes [][]dim.Dim
	for _, n := range g.Nodes {
		if n.Op != "Sqrt" || n.Domain != "" {
			continue
		}
		if shapes == nil {
			bind, _ := inputExtents(g)
			shapes, _ = op.InferGraph(g, bind, nil) // of what is not known, no axis is known to be the last
		}
		f.layerNorm(n, shapes)
	}
	return nil // pieces that are left over are dead
}

// layerNorm rewrites the last node of the pattern around a Sqrt.
func (f *fuser) layerNorm(sqrt *ir.Node, shapes [][]dim.Dim) {
	variance, epsilon, ok := f.plus(f.made[sqrt.In[0]])
	if !ok || epsilon <= 0 {
		return
	}
	mean := f.made[variance]
	d, x := f.centred(f.squared(mean))
	if d == nil {
		return
	}
	axes := f.lastAxes(mean, shapes)
	if axes == 0 || f.lastAxes(f.made[d.In[1]], shapes) != axes {
		return
	}
	quotient := f.quotient(sqrt, x)
	scaled, scale := f.withTensor(quotient, "Mul", axes)
	if scaled == nil {
		return
	}
	last, in := scaled, []ir.ValueID{x, scale}
	if added, bias := f.withTensor(scaled, "Add", axes); added != nil {
		last, in = added, append(in, bias)
	}
	last.Op, last.In = "LayerNormalization", in
	last.Attrs = []ir.Attr{{Name: "axis", Kind: ir.AttrInt, Int: int64(-axes)}, {Name: "epsilon", Kind: ir.AttrFloat, Float: float32(epsilon)}}
}

// squared is d of a mean of d*d, 0 for other nodes.
func (f *fuser) squared(mean *ir.Node) ir.ValueID {
	if !is(mean, "ReduceMean") {
		return 0
	}
	switch n := f.made[mean.In[0]]; {
	case is(n, "Mul") && n.In[0] == n.In[1]:
		return n.In[0]
	case is(n, "Pow"):
		if c, ok := f.number(n.Input(1)); ok && c == 2 {
			return n.In[0]
		}
	}
	return 0
}

// centred takes d = x-mean(x) apart; its node is nil when id is something else.
func (f *fuser) centred(id ir.ValueID) (d *ir.Node, x ir.ValueID) {
	n := f.made[id]
	if !is(n, "Sub") {
		return nil, 0
	}
	if m := f.made[n.In[1]]; !is(m, "ReduceMean") || m.In[0] != n.In[0] {
		return nil, 0
	}
	return n, n.In[0]
}

// quotient is the node that divides x-mean(x), which exporters may compute twice, by a root.
func (f *fuser) quotient(sqrt *ir.Node, x ir.ValueID) *ir.Node {
	for _, r := range f.readers[sqrt.Out[0]] {
		if is(r, "Reciprocal") {
			for _, m := range f.readers[r.Out[0]] {
				if is(m, "Mul") {
					if _, y := f.centred(other(m, r.Out[0])); y == x {
						return m
					}
				}
			}
		}
		if is(r, "Div") && r.In[1] == sqrt.Out[0] {
			if _, y := f.centred(r.In[0]); y == x {
				return r
			}
		}
	}
	return nil
}

// withTensor is the single reader of n, if it combines n with a constant of as many axes, and that constant.
func (f *fuser) withTensor(n *ir.Node, op string, axes int) (*ir.Node, ir.ValueID) {
	r := f.only(n, op)
	if r == nil {
		return nil, 0
	}
	id := other(r, n.Out[0])
	if t := f.g.Values[id].Const; t == nil || len(t.Shape) != axes || slices.Contains(t.Shape, 1) {
		return nil, 0
	}
	return r, id
}

// lastAxes is how many axes a mean is over, when these are the last ones and are kept; else 0.
func (f *fuser) lastAxes(mean *ir.Node, shapes [][]dim.Dim) int {
	if !is(mean, "ReduceMean") || mean.Int("keepdims", 1) != 1 {
		return 0
	}
	axes := mean.Ints("axes")
	if len(mean.In) > 1 && mean.In[1] != 0 {
		if t := f.g.Values[mean.In[1]].Const; t != nil {
			axes, _ = t.Int64s()
		}
	}
	rank := int64(len(shapes[mean.In[0]]))
	var back []int64 // counted from the end
	for _, a := range axes {
		if a >= 0 {
			if rank == 0 {
				return 0
			}
			a -= rank
		}
		back = append(back, a)
	}
	slices.Sort(back)
	for k, a := range back {
		if a != int64(k-len(back)) {
			return 0
		}
	}
	return len(back)
}
