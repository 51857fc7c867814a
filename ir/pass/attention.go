package pass

import (
	"math"

	"github.com/autotailor/autotailor/ir"
)

// attention is scaled dot-product attention (Vaswani et al. 2017) in several heads, of which some may share keys and values (grouped queries, Ainslie
// et al. 2023). It becomes what exporters write for it, so that heads are found in it. With a cache of earlier tokens, with more than one
// result or with a soft cap, it stays.
func attention(w *composite) ir.ValueID {
	a, ok := w.attending()
	if !ok {
		return 0
	}
	q, k, v := a.projections()
	scores := w.add("Mul", nil, w.add("MatMul", nil, q, k), w.number("scale", a.scale))
	if a.causal {
		scores = w.add("Add", nil, scores, w.future(a.queries, a.keys))
	}
	if mask := w.node.Input(3); mask != 0 {
		scores = w.add("Add", nil, scores, a.mask(mask))
	}
	y := w.add("MatMul", nil, w.add("Softmax", []ir.Attr{axisAttr(-1)}, scores), v)
	switch {
	case a.rank == 4 && a.shared > 1:
		return w.reshape(y, 0, a.heads*a.shared, int64(a.queries), -1)
	case a.rank == 4: // in a new value also where nothing is left to do
		return y
	case a.shared > 1:
		return w.reshape(w.transpose(y, 0, 3, 1, 2, 4), 0, 0, -1)
	}
	return w.reshape(w.transpose(y, 0, 2, 1, 3), 0, 0, -1)
}

// attending is what an Attention says.
type attending struct {
	*composite
	in            []ir.ValueID // queries, keys and values
	rank          int          // 3 for tokens of all heads, 4 for heads of tokens
	heads, shared int64        // of keys and values, and how many queries share one
	queries, keys int          // tokens, where they are fixed
	scale         float64
	causal        bool
}

// attending reads the node; ok is false for one that stays as it is.
func (w *composite) attending() (a attending, ok bool) {
	n := w.node
	a = attending{composite: w, in: n.In, rank: len(w.shape(n.In[0])), causal: n.Int("is_causal", 0) != 0}
	for _, id := range n.In[:3] {
		if len(w.shape(id)) != a.rank {
			return a, false
		}
	}
	if len(n.Out) > 1 || n.Input(4) != 0 || n.Input(5) != 0 || n.Input(6) != 0 || n.Float("softcap", 0) != 0 {
		return a, false
	}
	all, size := n.Int("q_num_heads", 0), w.extent(n.In[0], -1)
	a.heads = n.Int("kv_num_heads", 0)
	if a.rank == 4 {
		all, a.heads = int64(w.extent(n.In[0], 1)), int64(w.extent(n.In[1], 1))
	}
	if a.rank != 3 && a.rank != 4 || all < 1 || a.heads < 1 || all%a.heads != 0 {
		return a, false
	}
	if a.rank == 3 {
		size /= int(all)
	}
	a.shared = all / a.heads
	a.queries, a.keys = w.extent(n.In[0], a.rank-2), w.extent(n.In[1], a.rank-2)
	a.scale = float64(n.Float("scale", 0))
	if a.scale == 0 && size > 0 {
		a.scale = 1 / math.Sqrt(float64(size))
	}
	fits := a.rank == 3 || a.shared == 1 || a.queries > 0
	fits = fits && (!a.causal || a.queries > 0 && a.keys > 0)
	return a, fits && a.scale != 0 && a.maskable(n.Input(3))
}

// maskable tells whether a mask broadcasts where queries share heads, too.
func (a *attending) maskable(mask ir.ValueID) bool {
	switch rank := len(a.shape(mask)); {
	case mask == 0 || rank == 2:
		return true
	case rank != 3 && rank != 4:
		return false
	default:
		return a.shared == 1 || a.extent(mask, -3) == 1
	}
}

// projections are queries, keys and values with their heads in front, keys turned for the product.
func (a *attending) projections() (q, k, v ir.ValueID) {
	in := a.in
	if k := in[1]; a.rank == 4 {
		if k = a.transpose(k, 0, 1, 3, 2); a.shared == 1 {
			return in[0], k, in[2]
		}
		return a.reshape(in[0], 0, a.heads, a.shared, int64(a.queries), -1), a.unsqueeze(k, 2), a.unsqueeze(in[2], 2)
	}
	if k, v = a.reshape(in[1], 0, 0, a.heads, -1), a.reshape(in[2], 0, 0, a.heads, -1); a.shared == 1 {
		return a.transpose(a.reshape(in[0], 0, 0, a.heads, -1), 0, 2, 1, 3), a.transpose(k, 0, 2, 3, 1), a.transpose(v, 0, 2, 1, 3)
	}
	q = a.transpose(a.reshape(in[0], 0, 0, a.heads, a.shared, -1), 0, 2, 3, 1, 4)
	return q, a.unsqueeze(a.transpose(k, 0, 2, 3, 1), 2), a.unsqueeze(a.transpose(v, 0, 2, 1, 3), 2)
}

// mask is what is added to scores: a mask of truths says which may count.
func (a *attending) mask(id ir.ValueID) ir.ValueID {
	rank := len(a.shape(id))
	if a.g.Values[id].Type == ir.Bool {
		id = a.add("Where", nil, id, a.number("counts", 0), a.number("hidden", math.Inf(-1)))
	}
	if a.shared > 1 && rank == 4 {
		id = a.unsqueeze(id, 2)
	}
	return id
}

// future hides, from each query, the keys that come after it.
func (w *composite) future(queries, keys int) ir.ValueID {
	shape := constantValue(w.g, w.node.Name+"_square", ir.FromInt64s([]int{2}, []int64{int64(queries), int64(keys)}))
	first := constantValue(w.g, w.node.Name+"_first", ir.FromInt64s(nil, []int64{1}))
	return w.add("Trilu", nil, w.add("Expand", nil, w.number("future", math.Inf(-1)), shape), first)
}
