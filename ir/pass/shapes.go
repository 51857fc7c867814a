package pass

import (
	"math"
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// foldShapes replaces shapes that the model computes at run time (Shape, Gather, Concat, ...) by constants: what the extents of the
// inputs determine is known now. An open batch becomes -1 in the target of a Reshape or Expand.
//
// What is known now may tell the extents behind it, such as those of a map that is padded to whole windows: it goes on until nothing is found.
func foldShapes(g *ir.Graph) error {
	bind, ok := inputExtents(g)
	if !ok {
		return nil // the compiler asks for the missing extents
	}
	for {
		before := len(g.Nodes)
		open, err := foldKnown(g, bind)
		if err != nil {
			return err
		}
		if len(g.Nodes) < before {
			continue
		}
		if open == nil || !fixBatch(g, bind) {
			return nil
		}
	}
}

// fixBatch gives inputs the batch 1 of the model where it has one, for models that cannot have another: they count it in with other axes,
// such as windows. It tells whether anything changed.
func fixBatch(g *ir.Graph, bind map[ir.ValueID][]dim.Dim) bool {
	changed := false
	for id, s := range bind {
		if len(s) > 0 && s[0].IsBatch() && g.Values[id].Shape[0].Size == 1 {
			s[0] = dim.Const(1)
			changed = true
		}
	}
	return changed
}

// foldKnown folds what inference finds in one go, and tells in open why it did not find everything.
func foldKnown(g *ir.Graph, bind map[ir.ValueID][]dim.Dim) (open, err error) {
	vals, open := op.Infer(g, op.Rules{Bind: bind}) // what cannot be inferred is not folded, and reported by the compiler
	for _, n := range g.Nodes {
		for k, id := range n.In {
			if id == 0 || k != 1 || n.Domain != "" || n.Op != "Reshape" && n.Op != "Expand" || g.Values[id].Const != nil {
				continue
			}
			if t := target(stated(n, vals), vals[n.In[0]].Shape, n.Op); t != nil {
				n.In[k] = constantValue(g, g.Values[id].Name+"_known", t)
				n.Attrs = slices.DeleteFunc(n.Attrs, func(a ir.Attr) bool { return a.Name == "allowzero" }) // a 0 copies here
			}
		}
		foldFactors(g, n, vals)
	}
	computed := computedSizes(g)
	filter(g, func(n *ir.Node) bool {
		if len(n.Out) != 1 || n.Out[0] == 0 || isOutput(g, n.Out[0]) || computed[n.Out[0]] {
			return true
		}
		t := known(vals[n.Out[0]])
		if t == nil {
			return true
		}
		setConstant(g.Values[n.Out[0]], t)
		return false
	})
	return open, foldIntegers(g) // of what is known now
}

// foldFactors gives a Resize factors for sizes that the model computes, as pass resize-factors does for those that it states. A map of
// one position has no factor that would hold for another resolution (the pooled branch of DeepLab): its sizes stay computed.
func foldFactors(g *ir.Graph, n *ir.Node, vals []op.Operand) {
	id := n.Input(3)
	if n.Op != "Resize" || n.Domain != "" || id == 0 || g.Values[id].Const != nil || !stretches(n) {
		return
	}
	x, ints := vals[n.In[0]].Shape, vals[id].Ints
	if len(x) == 0 || len(ints) != len(x) {
		return
	}
	sizes := make([]int64, len(ints))
	for k, d := range ints {
		size, fixed := d.IsConst()
		if !fixed && !d.Equal(x[k]) {
			return
		}
		if n, one := x[k].IsConst(); fixed && one && n == 1 && size != 1 {
			return
		}
		if sizes[k] = int64(size); !fixed {
			sizes[k] = int64(x[k].Original())
		}
	}
	if factors := factorsOf(sizes, x); factors != nil {
		n.In = []ir.ValueID{n.In[0], 0, floatConstant(g, n.Name+"_scales", factors)}
	}
}

// computedSizes is the set of values from which the sizes of a Resize are computed: they follow the resolution.
func computedSizes(g *ir.Graph) map[ir.ValueID]bool {
	made := producers(g)
	out := map[ir.ValueID]bool{}
	var walk func(id ir.ValueID)
	walk = func(id ir.ValueID) {
		if id == 0 || out[id] || made[id] == nil {
			return
		}
		out[id] = true
		if made[id].Op == "Shape" {
			return
		}
		for _, in := range made[id].In {
			walk(in)
		}
	}
	for _, n := range g.Nodes {
		if n.Op == "Resize" && n.Domain == "" {
			walk(n.Input(3))
		}
	}
	return out
}

// inputExtents are the shapes of all inputs with an open batch where the model may have one; ok is false when other axes are open.
func inputExtents(g *ir.Graph) (map[ir.ValueID][]dim.Dim, bool) {
	bind := map[ir.ValueID][]dim.Dim{}
	for _, id := range g.Inputs {
		v := g.Values[id]
		s := make([]dim.Dim, len(v.Shape))
		for k, d := range v.Shape {
			switch {
			case k == 0 && op.OpenBatch(g, id):
				s[k] = dim.Batch()
			case d.Size > 0:
				s[k] = dim.Const(d.Size)
			default:
				return nil, false
			}
		}
		bind[id] = s
	}
	return bind, true
}

// stated are the extents that the shape operand of a Reshape or Expand states. A target has one -1. Where an open batch needs it, an extent
// that follows from the others is stated.
func stated(n *ir.Node, vals []op.Operand) []dim.Dim {
	ints, in, out := slices.Clone(vals[n.In[1]].Ints), vals[n.In[0]].Shape, vals[n.Out[0]].Shape
	needs := false
	for k, d := range ints {
		needs = needs || d.IsBatch() && !copied(n.Op, d, in, k)
	}
	if len(out) != len(ints) || !needs {
		return ints
	}
	for k, d := range ints {
		if size, fixed := d.IsConst(); fixed && size == -1 {
			ints[k] = out[k]
		}
	}
	return ints
}

// target is the constant shape operand that ints stand for, nil when they are not known.
func target(ints, in []dim.Dim, operator string) *ir.Tensor {
	if ints == nil {
		return nil
	}
	out := make([]int64, len(ints))
	for k, d := range ints {
		n, fixed := d.IsConst()
		switch {
		case fixed:
			out[k] = int64(n)
		case !d.IsBatch():
			return nil
		case copied(operator, d, in, k):
			out[k] = 0 // as in the operand
		default:
			out[k] = -1
		}
	}
	return ir.FromInt64s([]int{len(out)}, out)
}

// copied tells whether a target can take axis k from the operand.
func copied(operator string, d dim.Dim, in []dim.Dim, k int) bool {
	return operator == "Reshape" && k < len(in) && in[k].Equal(d)
}

// known is the tensor of a value whose elements are all known, else nil.
func known(o op.Operand) *ir.Tensor {
	if o.Ints == nil || o.Const != nil || len(o.Shape) > 1 {
		return nil
	}
	list := make([]int64, len(o.Ints))
	for k, d := range o.Ints {
		n, fixed := d.IsConst()
		if !fixed {
			return nil
		}
		list[k] = int64(n)
	}
	if len(o.Shape) == 0 && len(list) == 1 {
		return ir.FromInt64s([]int{}, list)
	}
	return ir.FromInt64s([]int{len(list)}, list)
}

func isOutput(g *ir.Graph, id ir.ValueID) bool {
	for _, out := range g.Outputs {
		if out == id {
			return true
		}
	}
	return false
}

// setConstant makes a value a constant without a name of its own in the model.
func setConstant(v *ir.Value, t *ir.Tensor) {
	v.Const, v.Type, v.Shape = t, t.Type, fixed(t.Shape)
}

// fixed is a shape none of whose extents is open.
func fixed(extents []int) ir.Shape {
	s := make(ir.Shape, len(extents))
	for k, n := range extents {
		s[k] = ir.Dim{Size: n}
	}
	return s
}

func constantValue(g *ir.Graph, name string, t *ir.Tensor) ir.ValueID {
	v := &ir.Value{Name: name}
	setConstant(v, t)
	g.Values = append(g.Values, v)
	return ir.ValueID(len(g.Values) - 1)
}

// reshaped tells whether a node gives a single number, which stands in generated code, another shape.
func reshaped(g *ir.Graph, n *ir.Node) bool {
	if !is(n, "Unsqueeze") && !is(n, "Squeeze") && !is(n, "Reshape") || len(n.Out) != 1 || isOutput(g, n.Out[0]) {
		return false
	}
	t := g.Values[n.In[0]].Const
	return t != nil && t.Name == "" && t.Type == ir.Float32 && t.NumElements() == 1
}

// scalars evaluates operators on single numbers, which exporters leave of computations such as 1/sqrt(head dim).
var scalars = map[string]func(v []float64) float64{
	"Sqrt":       func(v []float64) float64 { return math.Sqrt(v[0]) },
	"Reciprocal": func(v []float64) float64 { return 1 / v[0] },
	"Log":        func(v []float64) float64 { return math.Log(v[0]) },
	"Exp":        func(v []float64) float64 { return math.Exp(v[0]) },
	"Neg":        func(v []float64) float64 { return -v[0] },
	"Add":        func(v []float64) float64 { return v[0] + v[1] },
	"Sub":        func(v []float64) float64 { return v[0] - v[1] },
	"Mul":        func(v []float64) float64 { return v[0] * v[1] },
	"Div":        func(v []float64) float64 { return v[0] / v[1] },
	"Pow":        func(v []float64) float64 { return math.Pow(v[0], v[1]) },
}

// foldScalars evaluates operators whose operands are all single float32 or integer constants, in float32 as runtimes do. A single number of no name
// that is given another shape is that number.
func foldScalars(g *ir.Graph) error {
	var ranks []int
	filter(g, func(n *ir.Node) bool {
		if reshaped(g, n) {
			if ranks == nil {
				ranks = inferredRanks(g)
			}
			rank := ranks[n.Out[0]]
			if rank == 0 { // not known, or a scalar
				return true
			}
			t := *g.Values[n.In[0]].Const
			t.Shape = slices.Repeat([]int{1}, rank)
			setConstant(g.Values[n.Out[0]], &t)
			return false
		}
		f, ok := scalars[n.Op]
		cast := n.Op == "Cast" && ir.DType(n.Int("to", 0)) == ir.Float32
		if n.Domain != "" || !ok && !cast || len(n.Out) != 1 || isOutput(g, n.Out[0]) {
			return true
		}
		var v []float64
		shape := []int{}
		for _, id := range n.In {
			x, ok := scalarOf(g.Values[id], cast)
			if !ok {
				return true
			}
			if v = append(v, x); len(g.Values[id].Const.Shape) > 0 {
				shape = []int{1}
			}
		}
		result := 0.0
		if cast {
			result = v[0]
		} else {
			result = f(v)
		}
		setConstant(g.Values[n.Out[0]], ir.FromFloat32s(shape, []float32{float32(result)}))
		return false
	})
	return nil
}

// scalarOf is the number of a constant with one element: float32, or an integer when one is asked for.
func scalarOf(v *ir.Value, integer bool) (float64, bool) {
	if v == nil || v.Const == nil || len(v.Const.Shape) > 1 || v.Const.NumElements() != 1 {
		return 0, false
	}
	if list, err := v.Const.Float32s(); err == nil {
		return float64(list[0]), true
	}
	if list, err := v.Const.Int64s(); err == nil && integer {
		return float64(list[0]), true
	}
	return 0, false
}
