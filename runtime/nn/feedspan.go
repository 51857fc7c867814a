package nn

import "slices"

// bounds are the ranges that values of a graph must be in.
type bounds struct {
	graph   *Graph
	weights Weights
	spans   map[Value]*span
}

// want notes that operand k of n must be in a range.
func (b *bounds) want(n *Node, k int, low, high int64) {
	if k >= len(n.In) || n.In[k] == None || high < low {
		return
	}
	v := n.In[k]
	b.spans[v] = (&span{low, high}).both(b.spans[v])
}

// extent is the size of an axis of operand k, 0 where there is none.
func (b *bounds) extent(n *Node, k int, axis int64) int64 {
	if k >= len(n.In) {
		return 0
	}
	s := b.graph.Values[n.In[k]].Shape
	if axis < 0 {
		axis += int64(len(s))
	}
	if axis < 0 || axis >= int64(len(s)) {
		return 0
	}
	return int64(s[axis])
}

// known returns the numbers of operand k, nil if they depend on inputs.
func (b *bounds) known(n *Node, k int) []float64 {
	if k >= len(n.In) {
		return nil
	}
	i := b.graph.Values[n.In[k]]
	switch {
	case i.Const != nil:
		return i.Const.Numbers()
	case i.Param != nil && b.weights != nil && !i.Type.Fractional():
		if t, err := Fetch(b.weights, *i.Param); err == nil {
			return t.Numbers()
		}
	}
	return nil
}

// indexes makes the rule of an operator whose operand at picks positions of an axis of operand 0.
func indexes(at int) func(*bounds, *Node) {
	return func(b *bounds, n *Node) { b.want(n, at, 0, b.extent(n, 0, n.Int("axis", 0))-1) }
}

// tuples is the rule of operators whose operand 1 has positions of several axes.
func tuples(b *bounds, n *Node) {
	data, first := b.graph.Values[n.In[0]].Shape, int(n.Int("batch_dims", 0))
	last := int(b.extent(n, 1, -1))
	if first < 0 || last < 1 || first+last > len(data) {
		return
	}
	b.want(n, 1, 0, int64(slices.Min(data[first:first+last]))-1)
}

// exactly makes the rule of an operator whose operand at must be the given number.
func exactly(at int, number int64) func(*bounds, *Node) {
	return func(b *bounds, n *Node) { b.want(n, at, number, number) }
}

// rows makes the rule of an operator whose operands pick rows of other operands. pairs lists the two indices of each pair of operands.
func rows(pairs ...int) func(*bounds, *Node) {
	return func(b *bounds, n *Node) {
		for k := 0; k < len(pairs); k += 2 {
			b.want(n, pairs[k], 0, b.extent(n, pairs[k+1], 0)-1)
		}
	}
}

// lengths makes the rule of an operator whose operand at has the lengths of sequences along an axis of operand 0.
func lengths(at int, axis func(*Node) int64) func(*bounds, *Node) {
	return func(b *bounds, n *Node) { b.want(n, at, 1, b.extent(n, 0, axis(n))) }
}

// recurrent is the axis of time of LSTM, GRU and RNN.
func recurrent(n *Node) int64 { return n.Int("layout", 0) }

// classes is the rule of losses, whose labels are positions of the scores' axis 1.
func classes(b *bounds, n *Node) { b.want(n, 1, 0, b.extent(n, 0, 1)-1) }

// picking are the operators with operands that are positions, counts or lengths.
var picking = map[string]func(*bounds, *Node){
	"Gather": indexes(1), "GatherElements": indexes(1), "Scatter": indexes(1), "ScatterElements": indexes(1),
	"GatherND": tuples, "ScatterND": tuples, "TensorScatter": rows(2, 0),
	"Compress": exactly(1, 1), "Tile": exactly(1, 1), "Expand": exactly(1, 1), "Pad": exactly(1, 0),
	"Range": func(b *bounds, n *Node) {
		b.want(n, 0, 0, 0)
		b.want(n, 2, 1, 1)
	},
	"Slice": func(b *bounds, n *Node) {
		b.want(n, 1, 0, 0)
		b.want(n, 4, 1, 1)
	},
	"OneHot": func(b *bounds, n *Node) {
		if depth := b.known(n, 1); len(depth) == 1 {
			b.want(n, 0, 0, int64(depth[0])-1)
		}
	},
	"RoiAlign": func(b *bounds, n *Node) { b.want(n, 2, 0, b.extent(n, 0, 0)-1) },
	"LSTM":     lengths(4, recurrent), "GRU": lengths(4, recurrent), "RNN": lengths(4, recurrent),
	"ReverseSequence":           lengths(1, func(n *Node) int64 { return n.Int("time_axis", 0) }),
	"NegativeLogLikelihoodLoss": classes, "SoftmaxCrossEntropyLoss": classes,
	"RotaryEmbedding":                       rows(3, 1),
	"com.microsoft.RotaryEmbedding":         rows(1, 2),
	"com.microsoft.EmbedLayerNormalization": rows(0, 2, 1, 4, 8, 3),
	"com.microsoft.GroupQueryAttention":     lastPosition,
}

// lastPosition is the rule of GroupQueryAttention: seqlens_k is the last position of a sequence, total_sequence_length the longest length.
func lastPosition(b *bounds, n *Node) {
	total := b.extent(n, 0, 1) + b.extent(n, 3, 2)
	b.want(n, 5, total-1, total-1)
	b.want(n, 6, total, total)
}

// carrying are the operators that pass a range on: their result must be in s, and so their operands must be in a range.
var carrying = map[string]func(b *bounds, n *Node, s span){
	"Identity": same, "Reshape": same, "Flatten": same, "Squeeze": same, "Unsqueeze": same, "Transpose": same, "Expand": same, "Tile": same,
	"Slice": same, "Split": same, "Cast": same, "Pad": same, "Gather": same, "GatherElements": same, "GatherND": same, "Dropout": same,
	"ReduceMax": same, "ReduceMin": same, "Floor": same, "Round": same, "Ceil": same, "Trilu": same, "Range": same,
	"Concat": all, "Max": all, "Min": all, "ScatterND": ends, "ScatterElements": ends,
	"Where": func(b *bounds, n *Node, s span) {
		b.want(n, 1, s.low, s.high)
		b.want(n, 2, s.low, s.high)
	},
	"Add": sum, "Sub": difference, "Mul": product, "Div": quotient,
}

// same is the rule of operators whose result has only numbers of operand 0.
func same(b *bounds, n *Node, s span) { b.want(n, 0, s.low, s.high) }

// all is the rule of operators whose result has numbers of all operands.
func all(b *bounds, n *Node, s span) {
	for k := range n.In {
		b.want(n, k, s.low, s.high)
	}
}

// ends is the rule of operators whose result has numbers of operands 0 and 2.
func ends(b *bounds, n *Node, s span) {
	b.want(n, 0, s.low, s.high)
	b.want(n, 2, s.low, s.high)
}

// sum is the rule of Add. A constant shifts the range. Two operands that depend on inputs share the range.
func sum(b *bounds, n *Node, s span) {
	for k := range 2 {
		if c := b.known(n, 1-k); len(c) > 0 {
			b.want(n, k, s.low-int64(slices.Min(c)), s.high-int64(slices.Max(c)))
			return
		}
	}
	b.want(n, 0, s.low/2, s.high/2)
	b.want(n, 1, s.low/2, s.high/2)
}

// difference is the rule of Sub.
func difference(b *bounds, n *Node, s span) {
	if c := b.known(n, 1); len(c) > 0 {
		b.want(n, 0, s.low+int64(slices.Max(c)), s.high+int64(slices.Min(c)))
	} else if c := b.known(n, 0); len(c) > 0 {
		b.want(n, 1, int64(slices.Max(c))-s.high, int64(slices.Min(c))-s.low)
	}
}

// product is the rule of Mul by a positive constant, and by flags that depend on inputs.
func product(b *bounds, n *Node, s span) {
	for k := range 2 {
		if c := b.known(n, 1-k); len(c) > 0 {
			if most := slices.Max(c); slices.Min(c) >= 0 && most >= 1 && s.low <= 0 {
				b.want(n, k, 0, int64(float64(s.high)/most))
			}
			return
		}
	}
	if s.low <= 0 {
		b.want(n, 0, 0, s.high)
	}
}

// quotient is the rule of Div by a positive constant.
func quotient(b *bounds, n *Node, s span) {
	if c := b.known(n, 1); len(c) == 1 && c[0] >= 1 && s.high < widest/int64(c[0]) {
		b.want(n, 0, s.low*int64(c[0]), s.high*int64(c[0]))
	}
}
