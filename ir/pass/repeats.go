package pass

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// plainRepeats writes what repeats each position of an axis several times in one form: Unsqueeze, Expand and Reshape. Exporters have queries share
// keys and values by a Gather of positions, by a Concat of Slices or by a Tile.
func plainRepeats(g *ir.Graph) error {
	r := repeater{g: g, others: substitutes{}}
	for _, n := range g.Nodes {
		r.others.read(n)
		if n.Domain == "" && (n.Op == "Tile" || n.Op == "Gather" || n.Op == "Concat") && r.vals == nil {
			r.vals, r.made = extents(g), producers(g)
		}
		switch {
		case is(n, "Tile") && r.tile(n):
		case is(n, "Gather") && r.gather(n):
		case is(n, "Concat") && r.concat(n):
		default:
			r.nodes = append(r.nodes, n)
		}
	}
	g.Nodes = r.nodes
	r.others.outputs(g)
	return nil
}

// repeater writes the nodes of a graph anew.
type repeater struct {
	g     *ir.Graph
	vals  []op.Operand
	made  []*ir.Node
	nodes []*ir.Node

	others substitutes
}

// tile makes an Expand of a Tile that repeats axes of extent 1 only.
func (r *repeater) tile(n *ir.Node) bool {
	x, times := r.vals[n.In[0]].Shape, integersOf(r.g, n.Input(1))
	if len(x) == 0 || len(times) != len(x) {
		return false
	}
	for k, t := range times {
		if size, fixed := x[k].IsConst(); t != 1 && (!fixed || size != 1 || t < 1) {
			return false
		}
	}
	if slices.Max(times) == 1 {
		r.others[n.Out[0]] = n.In[0]
		return !isOutput(r.g, n.Out[0]) && !isOutput(r.g, n.In[0])
	}
	n.Op, n.In = "Expand", []ir.ValueID{n.In[0], r.list(n, "times", times)}
	r.nodes = append(r.nodes, n)
	return true
}

// gather writes a Gather of the positions 0 0 1 1 and so on.
func (r *repeater) gather(n *ir.Node) bool {
	x, index := r.vals[n.In[0]].Shape, integersOf(r.g, n.Input(1))
	axis := int(n.Int("axis", 0))
	if axis < 0 {
		axis += len(x)
	}
	if axis >= len(x) || len(index) == 0 || len(r.g.Values[n.In[1]].Const.Shape) != 1 || r.g.Values[n.In[0]].Const != nil {
		return false
	}
	return r.repeat(n, n.In[0], axis, index)
}

// concat writes a Concat of Slices of one value, of one position each.
func (r *repeater) concat(n *ir.Node) bool {
	var index []int64
	x, axis := ir.ValueID(0), 0
	for k, id := range n.In {
		s := r.made[id]
		if !is(s, "Slice") {
			return false
		}
		run, ok := runOf(r.g, s, r.vals[s.In[0]].Shape)
		if !ok || run.end != run.start+1 || k > 0 && (s.In[0] != x || run.axis != axis) {
			return false
		}
		x, axis = s.In[0], run.axis
		index = append(index, int64(run.start))
	}
	at := int(n.Int("axis", 0))
	if at < 0 {
		at += len(r.vals[x].Shape)
	}
	return at == axis && r.repeat(n, x, axis, index)
}

// repeat writes n, which picks positions of an axis of x, when it takes all of them, in order, and each as often as the others.
func (r *repeater) repeat(n *ir.Node, x ir.ValueID, axis int, index []int64) bool {
	shape := r.vals[x].Shape
	size, fixed := shape[axis].IsConst()
	if !fixed || size < 1 || len(index)%size != 0 || len(index) == size {
		return false
	}
	times := len(index) / size
	for k, i := range index {
		if int(i) != k/times {
			return false
		}
	}
	target := make([]int64, len(shape))
	for k, d := range shape {
		switch n, fixed := d.IsConst(); {
		case fixed:
			target[k] = int64(n)
		case k == 0 && axis > 0 && d.Equal(dim.Batch()):
			target[k] = 0
		default:
			return false
		}
	}
	target[axis] = int64(len(index))
	more := slices.Repeat([]int64{1}, len(shape)+1)
	more[axis+1] = int64(times)
	apart, repeated := addValue(r.g, r.g.Values[x], n.Name+"_apart"), addValue(r.g, r.g.Values[x], n.Name+"_repeated")
	node := func(kind string, out ir.ValueID, attrs []ir.Attr, in ...ir.ValueID) *ir.Node {
		return &ir.Node{Op: kind, Name: n.Name + "_" + r.g.Values[out].Name, In: in, Out: []ir.ValueID{out}, Attrs: attrs, Scope: n.Scope, Meta: n.Meta}
	}
	r.nodes = append(r.nodes,
		node("Unsqueeze", apart, []ir.Attr{{Name: "axes", Kind: ir.AttrInts, Ints: []int64{int64(axis + 1)}}}, x),
		node("Expand", repeated, nil, apart, r.list(n, "times", more)),
	)
	n.Op, n.In, n.Attrs = "Reshape", []ir.ValueID{repeated, r.list(n, "shape", target)}, nil
	r.nodes = append(r.nodes, n)
	return true
}

func (r *repeater) list(n *ir.Node, name string, v []int64) ir.ValueID {
	return constantValue(r.g, n.Name+"_"+name, ir.FromInt64s([]int{len(v)}, v))
}

// integersOf are the elements of a constant of integers, nil for other values.
func integersOf(g *ir.Graph, id ir.ValueID) []int64 {
	if id == 0 || g.Values[id].Const == nil || g.Values[id].Const.Type != ir.Int64 && g.Values[id].Const.Type != ir.Int32 {
		return nil
	}
	list, _ := g.Values[id].Const.Int64s()
	return list
}
