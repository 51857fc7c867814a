package nn

import (
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
)

// followers are attributes of carried operators that follow from their operands. Generated code leaves them out if choices move them. A Tape records them with the number
// that the SubNet's operands give.
var followers = map[string][]follower{
	"Conv": {groupsOf(1)}, "ConvInteger": {groupsOf(1)}, "DeformConv": {groupsOf(1)}, "QLinearConv": {groupsOf(3)}, "com.microsoft.FusedConv": {groupsOf(1)},
	"ConvTranspose": {{"group", func(in, out []Shape) (int, bool) { return ratioOf(out[0], 1, in[1], 1) }}},
	"com.microsoft.GroupQueryAttention": {
		{"num_heads", func(in, out []Shape) (int, bool) { return headsOf(out, 0) }},
		{"kv_num_heads", func(in, out []Shape) (int, bool) { return headsOf(out, 1) }},
	},
	"LSTM": {hiddenSize}, "GRU": {hiddenSize}, "RNN": {hiddenSize},
}

// follower is an attribute and how it follows from the shapes of operands and results.
type follower struct {
	name  string
	value func(in, out []Shape) (int, bool)
}

var hiddenSize = follower{"hidden_size", func(in, _ []Shape) (int, bool) {
	if len(in) < 3 || len(in[2]) != 3 {
		return 0, false
	}
	return in[2][2], true
}}

// headsOf is the number of heads of the queries or of the keys, if out has the keys of an attention as [batch, heads, tokens, size].
func headsOf(out []Shape, of int) (int, bool) {
	switch {
	case len(out) < 2 || len(out[1]) != 4:
		return 0, false
	case of == 1:
		return out[1][1], true
	}
	return ratioOf(out[0], 2, out[1], 3)
}

// groupsOf is the number of groups of a convolution. Its weight, operand w, has the input channels of one group.
func groupsOf(w int) follower {
	return follower{"group", func(in, _ []Shape) (int, bool) {
		if len(in) <= w {
			return 0, false
		}
		return ratioOf(in[0], 1, in[w], 1)
	}}
}

// ratioOf divides an extent of a shape by an extent of another one. ok is false if there is a remainder.
func ratioOf(a Shape, i int, b Shape, k int) (int, bool) {
	if len(a) <= i || len(b) <= k || b[k] < 1 || a[i]%b[k] != 0 {
		return 0, false
	}
	return a[i] / b[k], true
}

// Follows tells whether an attribute of an operator follows from the shapes of its operands and results, so that an Op may leave it out.
func Follows(domain, op, attr string) bool {
	return slices.ContainsFunc(followers[operators.Qualified(domain, op)], func(f follower) bool { return f.name == attr })
}

// follow returns the attributes of o with those that follow from shapes. A single group is the default, and left out.
func (t *Tape) follow(o Op, xs []Value, out []Shape) []Attr {
	attrs := slices.Clone(o.Attrs)
	var in []Shape
	for _, x := range xs {
		in = append(in, t.shape(x))
	}
	for _, f := range followers[operators.Qualified(o.Domain, o.Type)] {
		if slices.ContainsFunc(attrs, func(a Attr) bool { return a.Name == f.name }) {
			continue
		}
		if v, ok := f.value(in, out); ok && (v != 1 || f.name != "group") {
			attrs = append(attrs, intAttr(f.name, v))
		}
	}
	return attrs
}
