package pass

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/op"
)

// plainProducts rewrites Einsum to a MatMul of transposed operands, or to Mul where nothing is summed. More than two operands are taken one
// after the other. Equations that take a diagonal stay.
func plainProducts(g *ir.Graph) error {
	var ranks []int
	var nodes []*ir.Node
	for _, n := range g.Nodes {
		if !is(n, "Einsum") {
			nodes = append(nodes, n)
			continue
		}
		if ranks == nil {
			ranks = inferredRanks(g)
		}
		if e, ok := equation(n, ranks); ok {
			nodes = append(nodes, (&einsum{g: g, node: n}).rewrite(e)...)
		} else {
			nodes = append(nodes, n)
		}
	}
	g.Nodes = nodes
	return nil
}

// equation reads that of an Einsum; ok is false for what stays as it is. Of one that is wrong, shape inference says so.
func equation(n *ir.Node, ranks []int) (e op.Equation, ok bool) {
	var of []int
	for _, id := range n.In {
		if rank := ranks[id]; rank > 0 {
			of = append(of, rank)
		} else {
			of = append(of, -1) // not known
		}
	}
	e, err := op.ReadEquation(n.String("equation", ""), of)
	return e, err == nil && !slices.ContainsFunc(append(slices.Clone(e.In), e.Out), repeats)
}

// repeats tells whether a letter names several axes, as of a diagonal.
func repeats(axes string) bool { return len(union("", axes)) < len(axes) }

// einsum rewrites one node.
type einsum struct {
	g     *ir.Graph
	node  *ir.Node
	nodes []*ir.Node
}

// term is a value and the letters of its axes.
type term struct {
	id   ir.ValueID
	axes string
}

// none is the letter of an axis of 1 where a MatMul needs one.
const none = "_"

func (w *einsum) rewrite(e op.Equation) []*ir.Node {
	x := term{w.node.In[0], e.In[0]}
	for k, axes := range e.In[1:] {
		y, later := term{w.node.In[k+1], axes}, e.Out+strings.Join(e.In[k+2:], "")
		x = w.product(w.sum(x, y.axes+later), w.sum(y, x.axes+later), later)
	}
	w.order(w.sum(x, e.Out), e.Out)
	if len(w.nodes) == 0 {
		w.add("Identity", nil, x.id)
	}
	last := w.nodes[len(w.nodes)-1]
	last.Name, last.Out[0], last.Meta = w.node.Name, w.node.Out[0], w.node.Meta
	return w.nodes
}

// product multiplies, and sums over letters that are not needed later.
func (w *einsum) product(x, y term, later string) term {
	all := union(later, x.axes+y.axes)
	summed := minus(common(x.axes, y.axes), later)
	if summed == "" {
		return term{w.add("Mul", nil, w.align(x, all, all).id, w.align(y, all, all).id), all}
	}
	row, col := minus(x.axes, y.axes), minus(y.axes, x.axes)
	if free := common(all, row+col); free != "" && strings.HasSuffix(common(all, row), free[len(free)-1:]) {
		x, y, row, col = y, x, col, row // so that the result's last axis is already in its place
	}
	m, n := last(common(all, row)), last(common(all, col))
	lead := minus(minus(all, summed), m+n)
	a := w.joined(w.align(x, lead+m+summed, lead), len(summed))
	if len(summed) == 1 {
		y = w.align(y, lead+summed+n, lead)
	} else {
		y = w.swap(w.joined(w.align(y, lead+n+summed, lead), len(summed)))
	}
	return w.squeeze(term{w.add("MatMul", nil, a.id, y.id), lead + m + n})
}

// align brings the axes of x into an order, with 1 for those that it does not have; such of lead that come first are left away.
func (w *einsum) align(x term, order, lead string) term {
	x = w.order(x, common(order, x.axes))
	for len(order) > 0 && strings.Contains(lead, order[:1]) && !strings.Contains(x.axes, order[:1]) {
		order = order[1:]
	}
	var missing []int64
	for k, r := range order {
		if !strings.ContainsRune(x.axes, r) {
			missing = append(missing, int64(k))
		}
	}
	if missing == nil {
		return x
	}
	return term{w.add("Unsqueeze", []ir.Attr{{Name: "axes", Kind: ir.AttrInts, Ints: missing}}, x.id), order}
}

// joined makes one axis of the last ones.
func (w *einsum) joined(x term, count int) term {
	if count == 1 {
		return x
	}
	keep := len(x.axes) - count
	target := make([]int64, keep+1) // 0 is an extent as it is
	target[keep] = -1
	shape := constantValue(w.g, w.node.Name+"_shape", ir.FromInt64s([]int{len(target)}, target))
	return term{w.add("Reshape", nil, x.id, shape), x.axes[:keep+1]}
}

// swap exchanges the last two axes.
func (w *einsum) swap(x term) term {
	k := len(x.axes) - 2
	return w.order(x, x.axes[:k]+x.axes[k+1:]+x.axes[k:k+1])
}

// order transposes.
func (w *einsum) order(x term, axes string) term {
	if x.axes == axes {
		return x
	}
	perm := make([]int64, len(axes))
	for k, r := range axes {
		perm[k] = int64(strings.IndexRune(x.axes, r))
	}
	return term{w.add("Transpose", []ir.Attr{{Name: "perm", Kind: ir.AttrInts, Ints: perm}}, x.id), axes}
}

// sum sums over the axes that are not among those to keep.
func (w *einsum) sum(x term, keep string) term {
	gone := minus(x.axes, keep)
	if gone == "" {
		return x
	}
	attrs := []ir.Attr{{Name: "axes", Kind: ir.AttrInts, Ints: positions(x.axes, gone)}, {Name: "keepdims", Kind: ir.AttrInt}}
	return term{w.add("ReduceSum", attrs, x.id), minus(x.axes, gone)}
}

// squeeze removes axes that only MatMul needed.
func (w *einsum) squeeze(x term) term {
	if !strings.Contains(x.axes, none) {
		return x
	}
	return term{w.add("Squeeze", []ir.Attr{{Name: "axes", Kind: ir.AttrInts, Ints: positions(x.axes, none)}}, x.id), minus(x.axes, none)}
}

// add adds a node with one result.
func (w *einsum) add(kind string, attrs []ir.Attr, in ...ir.ValueID) ir.ValueID {
	name := fmt.Sprintf("%s_%d", w.node.Name, len(w.nodes))
	out := addValue(w.g, w.g.Values[w.node.Out[0]], name)
	w.nodes = append(w.nodes, &ir.Node{Op: kind, Name: name, In: in, Out: []ir.ValueID{out}, Attrs: attrs, Scope: w.node.Scope})
	return out
}

// union are the letters that terms have, each once: those needed later first, in that order.
func union(later, terms string) (out string) {
	for _, r := range later + terms {
		if strings.ContainsRune(terms, r) && !strings.ContainsRune(out, r) {
			out += string(r)
		}
	}
	return out
}

// common are the letters of list that are among others.
func common(list, others string) string { return minus(list, minus(list, others)) }

// minus are the letters of list that are not among others.
func minus(list, others string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(others, r) {
			return -1
		}
		return r
	}, list)
}

// last is the last letter, and that of an axis of 1 when there is none.
func last(letters string) string {
	if letters == "" {
		return none
	}
	return letters[len(letters)-1:]
}

// positions of letters among axes.
func positions(axes, letters string) (out []int64) {
	for k, r := range axes {
		if strings.ContainsRune(letters, r) {
			out = append(out, int64(k))
		}
	}
	return out
}
