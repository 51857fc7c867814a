package pass

import (
	"fmt"
	"maps"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// composite writes the operators that one operator stands for.
type composite struct {
	g     *ir.Graph
	node  *ir.Node
	vals  []op.Operand // what is known of the values before
	nodes []*ir.Node
}

// composites has what takes an operator apart; it returns 0 for one that stays as it is.
var composites = map[string]func(w *composite) ir.ValueID{
	"Attention": attention, "RotaryEmbedding": rotary,
	"com.microsoft.FusedConv": fusedConv, "com.microsoft.FusedGemm": fusedGemm, "com.microsoft.FusedMatMul": fusedMatMul,
	"com.microsoft.Gelu": gelu("none"), "com.microsoft.BiasGelu": gelu("none"), "com.microsoft.FastGelu": gelu("tanh"), "com.microsoft.QuickGelu": quickGelu,
	"com.microsoft.Attention": joinedAttention, "com.microsoft.MultiHeadAttention": multiHeadAttention, "com.microsoft.EmbedLayerNormalization": embedLayerNorm,
	"com.microsoft.RotaryEmbedding": joinedRotary, "SimplifiedLayerNormalization": rmsNorm,
	"com.microsoft.SkipLayerNormalization": skipLayerNorm, "com.microsoft.SkipSimplifiedLayerNormalization": skipRMSNorm,
}

// TakenApart lists operators that passes write as others, so that whoever has those has them too.
func TakenApart() []string { return append(slices.Sorted(maps.Keys(composites)), "Einsum") }

// plainComposites takes operators apart that stand for several others: axes, engines and exports know those.
func plainComposites(g *ir.Graph) error {
	var vals []op.Operand
	var nodes []*ir.Node
	for _, n := range g.Nodes {
		apart := composites[operators.Qualified(n.Domain, n.Op)]
		if apart == nil || !whole(n) {
			nodes = append(nodes, n)
			continue
		}
		if vals == nil {
			vals = extents(g)
		}
		w := &composite{g: g, node: n, vals: vals}
		if id := apart(w); id == 0 {
			nodes = append(nodes, n)
			continue
		}
		last := w.nodes[len(w.nodes)-1]
		last.Name, last.Out[0], last.Meta = n.Name, n.Out[0], n.Meta
		nodes = append(nodes, w.nodes...)
	}
	g.Nodes = nodes
	return nil
}

// whole tells whether a node has its result and the operands that its operator cannot do without. Of others, shape inference says what is missing.
func whole(n *ir.Node) bool {
	spec, _ := op.Lookup(n.Domain, n.Op)
	for k := range spec.Operands {
		if n.Input(k) == 0 {
			return false
		}
	}
	return len(n.Out) > 0 && n.Out[0] != 0
}

// add appends an operator with one result.
func (w *composite) add(kind string, attrs []ir.Attr, in ...ir.ValueID) ir.ValueID {
	return w.several(kind, 1, attrs, in...)[0]
}

// several appends an operator with so many results.
func (w *composite) several(kind string, results int, attrs []ir.Attr, in ...ir.ValueID) []ir.ValueID {
	n := &ir.Node{Op: kind, Name: fmt.Sprintf("%s_%d", w.node.Name, len(w.nodes)), In: in, Attrs: attrs, Scope: w.node.Scope}
	for k := range results {
		name := n.Name
		if k > 0 {
			name += fmt.Sprintf("_%d", k)
		}
		n.Out = append(n.Out, addValue(w.g, w.g.Values[w.node.Out[0]], name))
	}
	w.nodes = append(w.nodes, n)
	return n.Out
}

// reshape gives a value another shape: 0 keeps an extent, -1 follows from the others.
func (w *composite) reshape(x ir.ValueID, shape ...int64) ir.ValueID {
	return w.add("Reshape", nil, x, constantValue(w.g, fmt.Sprintf("%s_shape%d", w.node.Name, len(w.nodes)), ir.FromInt64s([]int{len(shape)}, shape)))
}

func (w *composite) transpose(x ir.ValueID, perm ...int64) ir.ValueID {
	return w.add("Transpose", []ir.Attr{{Name: "perm", Kind: ir.AttrInts, Ints: perm}}, x)
}

func (w *composite) unsqueeze(x ir.ValueID, axis int64) ir.ValueID {
	return w.add("Unsqueeze", []ir.Attr{{Name: "axes", Kind: ir.AttrInts, Ints: []int64{axis}}}, x)
}

// halves cuts a value in two along an axis.
func (w *composite) halves(x ir.ValueID, axis int64) (first, second ir.ValueID) {
	out := w.several("Split", 2, []ir.Attr{axisAttr(axis)}, x)
	return out[0], out[1]
}

func axisAttr(axis int64) ir.Attr { return ir.Attr{Name: "axis", Kind: ir.AttrInt, Int: axis} }

// number is a constant of one number.
func (w *composite) number(name string, v float64) ir.ValueID {
	return constantValue(w.g, w.node.Name+"_"+name, ir.FromFloat32s(nil, []float32{float32(v)}))
}

// extent is one that no choice moves, 0 for others. Axes may count from the end.
func (w *composite) extent(id ir.ValueID, axis int) int {
	s := w.vals[id].Shape
	if axis < 0 {
		axis += len(s)
	}
	if axis < 0 || axis >= len(s) || s[axis].IsBatch() {
		return 0
	}
	n, fixed := s[axis].IsConst()
	if !fixed {
		return 0
	}
	return n
}

func (w *composite) shape(id ir.ValueID) []dim.Dim { return w.vals[id].Shape }

// rotary turns pairs of elements of each head by an angle that grows with the position (RoFormer, Su et al. 2021).
func rotary(w *composite) ir.ValueID {
	n := w.node
	return w.rotate(n.In[1], n.In[2], n.Input(3), n.Int("num_heads", 0))
}

// rotate turns the heads of the first operand by tables of cosines and sines, of which places, if there are some, pick rows.
func (w *composite) rotate(cos, sin, places ir.ValueID, heads int64) ir.ValueID {
	n, x := w.node, w.node.In[0]
	rank := len(w.shape(x))
	switch {
	case rank == 4:
		x = w.transpose(x, 0, 2, 1, 3)
	case rank == 3 && heads > 0:
		x = w.reshape(x, 0, 0, heads, -1)
	default:
		return 0
	}
	var tables [2]ir.ValueID // of cosines and sines, by position
	for k, t := range []ir.ValueID{cos, sin} {
		if places != 0 {
			t = w.add("Gather", []ir.Attr{axisAttr(0)}, t, places)
		}
		tables[k] = w.unsqueeze(t, 2)
	}
	size := w.extent(n.In[0], -1)
	if rank == 3 {
		size /= int(heads)
	}
	turned := int(n.Int("rotary_embedding_dim", 0))
	rest := ir.ValueID(0)
	if turned > 0 && turned != size {
		if size == 0 {
			return 0
		}
		out := w.several("Split", 2, []ir.Attr{axisAttr(3), {Name: "split", Kind: ir.AttrInts, Ints: []int64{int64(turned), int64(size - turned)}}}, x)
		x, rest = out[0], out[1]
	}
	if x = w.turn(x, tables, n.Int("interleaved", 0) != 0); rest != 0 {
		x = w.add("Concat", []ir.Attr{axisAttr(3)}, x, rest)
	}
	if rank == 4 {
		return w.transpose(x, 0, 2, 1, 3)
	}
	return w.reshape(x, 0, 0, -1)
}

// turn multiplies pairs, as complex numbers, by those of the tables. The elements of a pair are neighbours, or in the halves of a head.
func (w *composite) turn(x ir.ValueID, tables [2]ir.ValueID, neighbours bool) ir.ValueID {
	var a, b ir.ValueID
	if neighbours {
		a, b = w.halves(w.reshape(x, 0, 0, 0, -1, 2), 4)
		a, b = w.reshape(a, 0, 0, 0, -1), w.reshape(b, 0, 0, 0, -1)
	} else {
		a, b = w.halves(x, 3)
	}
	times := func(x, y ir.ValueID) ir.ValueID { return w.add("Mul", nil, x, y) }
	first := w.add("Sub", nil, times(a, tables[0]), times(b, tables[1]))
	second := w.add("Add", nil, times(a, tables[1]), times(b, tables[0]))
	if !neighbours {
		return w.add("Concat", []ir.Attr{axisAttr(3)}, first, second)
	}
	pairs := w.add("Concat", []ir.Attr{axisAttr(4)}, w.unsqueeze(first, 4), w.unsqueeze(second, 4))
	return w.reshape(pairs, 0, 0, 0, -1)
}
