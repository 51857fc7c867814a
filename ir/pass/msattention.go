package pass

import (
	"math"

	"github.com/autotailor/autotailor/ir"
)

// joinedAttention is com.microsoft's Attention, whose queries, keys and values are one product. With a cache or rotary positions it stays.
func joinedAttention(w *composite) ir.ValueID {
	n := w.node
	for k := 1; k < len(n.Out); k++ {
		if w.read(n.Out[k]) {
			return 0
		}
	}
	sizes := n.Ints("qkv_hidden_sizes")
	if each := w.extent(n.In[1], 1) / 3; len(sizes) != 3 && each > 0 {
		sizes = []int64{int64(each), int64(each), int64(each)}
	}
	a := attending{composite: w, rank: len(w.shape(n.In[0])), heads: n.Int("num_heads", 0), shared: 1, causal: n.Int("unidirectional", 0) != 0}
	if n.Input(4) != 0 || n.Int("do_rotary", 0) != 0 || len(sizes) != 3 || !a.divides(sizes) {
		return 0
	}
	a.queries = w.extent(n.In[0], 1)
	a.keys = a.queries
	hidden, ok := a.hidden(n.Input(3))
	if !ok {
		return 0
	}
	joined := w.add("MatMul", nil, n.In[0], n.In[1])
	if b := n.Input(2); b != 0 {
		joined = w.add("Add", nil, joined, b)
	}
	a.in = w.several("Split", 3, []ir.Attr{axisAttr(2), {Name: "split", Kind: ir.AttrInts, Ints: sizes}}, joined)
	return a.write(hidden, n.Input(5))
}

// multiHeadAttention is com.microsoft's MultiHeadAttention of queries, keys and values that products made before, with a bias for the three perhaps. With
// a cache, or with operands that are packed, it stays.
func multiHeadAttention(w *composite) ir.ValueID {
	n := w.node
	for k := 1; k < len(n.Out); k++ {
		if w.read(n.Out[k]) {
			return 0
		}
	}
	a := attending{composite: w, rank: 3, heads: n.Int("num_heads", 0), shared: 1, causal: n.Int("unidirectional", 0) != 0}
	var sizes []int64
	for k := range 3 {
		id := n.Input(k)
		if id == 0 || len(w.shape(id)) != 3 {
			return 0
		}
		a.in, sizes = append(a.in, id), append(sizes, int64(w.extent(id, -1)))
	}
	if n.Input(6) != 0 || n.Input(7) != 0 || !a.divides(sizes) {
		return 0
	}
	a.queries, a.keys = w.extent(n.In[0], 1), w.extent(n.In[1], 1)
	hidden, ok := a.hidden(n.Input(4))
	if !ok {
		return 0
	}
	if b := n.Input(3); b != 0 {
		parts := w.several("Split", 3, []ir.Attr{axisAttr(0), {Name: "split", Kind: ir.AttrInts, Ints: sizes}}, b)
		for k := range a.in {
			a.in[k] = w.add("Add", nil, a.in[k], parts[k])
		}
	}
	return a.write(hidden, n.Input(5))
}

// divides tells whether widths of queries, keys and values fit the heads, and takes the scale from the first.
func (a *attending) divides(sizes []int64) bool {
	for _, size := range sizes {
		if a.heads < 1 || size < 1 || size%a.heads != 0 {
			return false
		}
	}
	if a.scale = float64(a.node.Float("scale", 0)); a.scale == 0 {
		a.scale = 1 / math.Sqrt(float64(sizes[0]/a.heads))
	}
	return a.rank == 3 && (!a.causal || a.keys >= 0)
}

// hidden is how to tell which keys do not count: there is no mask, or there are truths for each key, or how many keys count.
func (a *attending) hidden(mask ir.ValueID) (write func() ir.ValueID, ok bool) {
	s := a.shape(mask)
	if mask == 0 {
		return nil, !a.causal || a.queries > 0 && a.keys > 0
	}
	if a.causal && (a.queries == 0 || a.keys == 0) {
		return nil, false
	}
	switch x := a.shape(a.node.In[0]); {
	case len(s) == 2:
		return func() ir.ValueID {
			return a.of(a.unsqueeze(a.of(a.unsqueeze(a.cast(mask, ir.Bool), 1), ir.Bool), 1), ir.Bool)
		}, true
	case len(s) == 3:
		return func() ir.ValueID { return a.of(a.unsqueeze(a.cast(mask, ir.Bool), 1), ir.Bool) }, true
	case len(s) == 1 && s[0].Equal(x[0]) && a.keys > 0:
		return func() ir.ValueID {
			places := make([]int64, a.keys)
			for k := range places {
				places[k] = int64(k)
			}
			at := constantValue(a.g, a.node.Name+"_places", ir.FromInt64s([]int{1, 1, 1, a.keys}, places))
			count := a.of(a.unsqueeze(a.of(a.unsqueeze(a.of(a.unsqueeze(a.cast(mask, ir.Int64), 1), ir.Int64), 1), ir.Int64), 1), ir.Int64)
			return a.of(a.add("Less", nil, at, count), ir.Bool)
		}, true
	}
	return nil, false
}

// cast gives a value another element type.
func (w *composite) cast(id ir.ValueID, t ir.DType) ir.ValueID {
	return w.of(w.add("Cast", []ir.Attr{{Name: "to", Kind: ir.AttrInt, Int: int64(t)}}, id), t)
}

// of says that a new value has another element type than the node's result.
func (w *composite) of(id ir.ValueID, t ir.DType) ir.ValueID {
	w.g.Values[id].Type = t
	return id
}

// maskFilter is what ONNX Runtime adds to the scores of keys that do not count.
const maskFilter = -10000

// write makes the operators. counts makes truths of which keys count, where there is a mask; bias is what is added to the scores.
func (a *attending) write(counts func() ir.ValueID, bias ir.ValueID) ir.ValueID {
	q, k, v := a.projections()
	scores := a.add("Mul", nil, a.add("MatMul", nil, q, k), a.number("scale", a.scale))
	if a.causal {
		scores = a.add("Add", nil, scores, a.future(a.queries, a.keys))
	}
	if counts != nil {
		filter := float64(a.node.Float("mask_filter_value", maskFilter))
		scores = a.add("Add", nil, scores, a.add("Where", nil, counts(), a.number("counts", 0), a.number("hidden", filter)))
	}
	if bias != 0 {
		scores = a.add("Add", nil, scores, bias)
	}
	y := a.add("MatMul", nil, a.add("Softmax", []ir.Attr{axisAttr(-1)}, scores), v)
	return a.reshape(a.transpose(y, 0, 2, 1, 3), 0, 0, -1)
}

// embedLayerNorm adds up rows of tables of tokens, places and kinds of text, then normalises. It also counts the tokens that a mask leaves.
func embedLayerNorm(w *composite) ir.ValueID {
	n := w.node
	tokens := w.extent(n.In[0], 1)
	counted := w.read(w.out(1))
	if len(w.shape(n.In[0])) != 2 || counted && n.Input(7) == 0 || n.Input(8) == 0 && tokens == 0 || n.Int("mask_index_type", 0) > 1 {
		return 0
	}
	places := n.Input(8)
	if places == 0 {
		list := make([]int64, tokens)
		for k := range list {
			list[k] = int64(k)
		}
		places = constantValue(w.g, n.Name+"_places", ir.FromInt64s([]int{tokens}, list))
	}
	row := func(table, at ir.ValueID) ir.ValueID { return w.add("Gather", []ir.Attr{axisAttr(0)}, table, at) }
	sum := row(n.In[2], n.In[0])
	if s := n.Input(1); s != 0 && n.Input(4) != 0 {
		sum = w.add("Add", nil, sum, row(n.In[4], s))
	}
	sum = w.add("Add", nil, sum, row(n.In[3], places))
	if id := w.out(2); w.read(id) {
		sum = id
		w.nodes[len(w.nodes)-1].Out[0] = id
	}
	if counted {
		axes := []ir.Attr{{Name: "axes", Kind: ir.AttrInts, Ints: []int64{1}}, {Name: "keepdims", Kind: ir.AttrInt}}
		kept := w.add("ReduceSum", axes, n.In[7])
		w.of(kept, ir.Int32)
		w.nodes[len(w.nodes)-1].Out[0] = n.Out[1]
	}
	attrs := []ir.Attr{axisAttr(-1), {Name: "epsilon", Kind: ir.AttrFloat, Float: n.Float("epsilon", 1e-12)}}
	return w.add("LayerNormalization", attrs, sum, n.In[5], n.In[6])
}

// out is a result, 0 for one that the node does not have.
func (w *composite) out(k int) ir.ValueID {
	if k < len(w.node.Out) {
		return w.node.Out[k]
	}
	return 0
}

// joinedRotary is com.microsoft's RotaryEmbedding, whose places come before the tables. One place is that of the first token.
func joinedRotary(w *composite) ir.ValueID {
	n := w.node
	places, cos, sin := n.In[1], n.In[2], n.In[3]
	x, heads := w.shape(n.In[0]), n.Int("num_heads", 0)
	if n.Int("is_packed_batching", 0) != 0 || n.Float("scale", 1) != 1 {
		return 0
	}
	if turned := int64(2 * w.extent(cos, 1)); heads == 0 && len(x) == 3 && turned > 0 && n.Int("rotary_embedding_dim", 0) == 0 {
		heads = int64(w.extent(n.In[0], 2)) / turned
	}
	if len(w.shape(places)) == 1 {
		tokens := w.extent(n.In[0], len(x)-2)
		if tokens == 0 {
			return 0
		}
		list := make([]int64, tokens)
		for k := range list {
			list[k] = int64(k)
		}
		at := constantValue(w.g, n.Name+"_places", ir.FromInt64s([]int{1, tokens}, list))
		places = w.of(w.add("Add", nil, at, places), ir.Int64)
	} else if len(w.shape(places)) != 2 {
		return 0
	}
	return w.rotate(cos, sin, places, heads)
}
