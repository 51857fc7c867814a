package view

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/nn"
)

// fitting restricts a rule: its calls are used only if their results have the shapes that the compiler found. The Builder derives the shapes of these methods
// itself, while a carried operator states its shapes.
func fitting(r rule) rule {
	return func(t *translator, i int, o *supernet.Op) ([]Call, error) {
		calls, err := r(t, i, o)
		if err == nil && !t.fits(calls, o) {
			return nil, errNoMethod
		}
		return calls, err
	}
}

// fits makes the calls for every SubNet that differs from the original in one choice, and compares the result with the compiler's.
func (t *translator) fits(calls []Call, o *supernet.Op) bool {
	if len(o.Node.Out) != 1 || slices.Contains(o.Node.In, 0) && o.Node.Op != "Resize" {
		return false
	}
	out := o.Node.Out[0]
	want := t.net.Shapes[out]
	genes := make([]uint8, len(t.net.Choices))
	if !t.makes(calls, o, genes) {
		return false
	}
	for _, g := range dim.Union(want...) {
		for v := range t.net.Choices[g].Candidates {
			genes[g] = uint8(v)
			if !t.makes(calls, o, genes) {
				return false
			}
		}
		genes[g] = 0
	}
	return true
}

// makes tells whether the calls give o's result the compiler's shape, for the SubNet of genes.
func (t *translator) makes(calls []Call, o *supernet.Op, genes []uint8) bool {
	tape, values := nn.NewTape(), map[ir.ValueID]nn.Value{}
	for _, id := range o.Node.In {
		if id == 0 {
			continue
		}
		v := t.net.Graph.Values[id]
		values[id] = tape.Input(v.Name, nn.DType(v.Type), extents(t.net.Shapes[id], genes))
	}
	for k := range calls {
		apply(tape, &calls[k], genes, values)
	}
	out := o.Node.Out[0]
	tape.Output("out", values[out])
	g, err := tape.Graph()
	if err != nil {
		return false
	}
	got := g.Values[g.Outputs[0]]
	v := t.net.Graph.Values[out]
	return t.net.Shapes[out] != nil && slices.Equal(got.Shape, extents(t.net.Shapes[out], genes)) && (v.Type == ir.Undefined || got.Type == nn.DType(v.Type))
}

func (t *translator) cast(_ int, o *supernet.Op) ([]Call, error) {
	calls, in, err := t.operands(o)
	to, ok := o.Node.Attr("to")
	if len(o.Node.Attrs) != 1 || !ok {
		return nil, errNoMethod
	}
	return append(calls, Call{Method: Cast, In: in, Out: o.Node.Out, Type: nn.DType(to.Int)}), err
}

// slice makes ranges if all bounds are constants. The operands of the original Slice follow from them: always axes, and steps if any range has one.
func (t *translator) slice(_ int, o *supernet.Op) ([]Call, error) {
	n := o.Node
	if len(n.In) < 4 || len(n.Attrs) > 0 || t.net.Graph.Values[n.In[0]].Const != nil {
		return nil, errNoMethod
	}
	var lists [4][]int64 // starts, ends, axes, steps
	for k := range lists {
		if k+1 >= len(n.In) {
			break
		}
		var ok bool
		if lists[k], ok = t.list(n.In[k+1]); !ok || len(lists[k]) != len(lists[0]) {
			return nil, errNoMethod
		}
	}
	c := single(Slice, o)
	for k, from := range lists[0] {
		r := nn.Range{Axis: int(lists[2][k]), From: from, To: lists[1][k]}
		if lists[3] != nil {
			if r.Step = lists[3][k]; r.Step == 0 {
				return nil, errNoMethod
			}
		}
		c.Ranges = append(c.Ranges, r)
	}
	return calling(c)
}

// list reads a constant that a Builder's Ints makes.
func (t *translator) list(id ir.ValueID) ([]int64, bool) {
	c := t.net.Graph.Values[id].Const
	if c == nil || len(c.Shape) != 1 || c.Type != ir.DType(nn.Int64) {
		return nil, false
	}
	return integers(c)
}

func (t *translator) gather(_ int, o *supernet.Op) ([]Call, error) {
	calls, in, err := t.operands(o)
	return append(calls, Call{Method: Gather, In: in, Out: o.Node.Out, Ints: []int{int(o.Node.Int("axis", 0))}}), err
}

// expand makes an Expand to the shape that the model states. The open batch is -1, and extents that choices move follow the choices.
func (t *translator) expand(_ int, o *supernet.Op) ([]Call, error) {
	calls, in, err := t.operands(&supernet.Op{Node: &ir.Node{Op: o.Node.Op, In: o.Node.In[:1]}, Params: o.Params})
	to, ok := t.list(o.Node.In[1])
	if !ok || err != nil {
		return nil, errNoMethod
	}
	c := Call{Method: Expand, In: in, Out: o.Node.Out}
	for k, n := range to {
		if fresh := len(to) - len(t.net.Shapes[o.Node.In[0]]); k < fresh && n == 1 { // PyTorch cannot express it
			return nil, errNoMethod
		}
		switch d := t.net.Shapes[o.Node.Out[0]][k]; {
		case n == nn.Batch:
			c.Dims = append(c.Dims, dim.Batch())
		case n > 1 && len(d.Deps()) > 0:
			c.Dims = append(c.Dims, d)
		default:
			c.Dims = append(c.Dims, dim.Const(int(n)))
		}
	}
	return append(calls, c), nil
}

// resize has factors that are constants.
func (t *translator) resize(_ int, o *supernet.Op) ([]Call, error) {
	n := o.Node
	if len(n.In) != 3 || n.In[1] != 0 || n.In[2] == 0 {
		return nil, errNoMethod
	}
	scales, ok := float32s(t.net.Graph.Values[n.In[2]].Const)
	if !ok {
		return nil, errNoMethod
	}
	r := nn.Resize{Scales: scales}
	texts := map[string]*string{"mode": &r.Mode, "coordinate_transformation_mode": &r.Coordinates, "nearest_mode": &r.Nearest}
	for _, a := range n.Attrs {
		switch to := texts[a.Name]; {
		case to != nil && a.String != "":
			*to = a.String
		case a.Name == "cubic_coeff_a" && a.Float != 0:
			r.CubicA = a.Float
		default:
			return nil, errNoMethod
		}
	}
	c := single(Resize, o)
	c.Rec.Resize = &r
	return calling(c)
}
