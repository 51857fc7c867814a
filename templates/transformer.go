package templates

import (
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir/supernet"
)

// linear has the properties of a product with a constant matrix that templates compare.
type linear struct {
	node    int
	in, out int
}

// linearAt describes node i if it is a Gemm or MatMul with a constant matrix. Some exporters transpose the matrix first.
func linearAt(f *supernet.Flow, i int) (linear, bool) {
	n := f.Node(i)
	if n.Op != "Gemm" && n.Op != "MatMul" || n.Domain != "" || len(n.In) < 2 {
		return linear{}, false
	}
	w, transposed := f.Const(i, 1), n.Op == "Gemm" && n.Int("transB", 0) != 0
	if p := f.Producer(n.In[1]); w == nil && p >= 0 && f.Node(p).Op == "Transpose" {
		w, transposed = f.Const(p, 0), true
	}
	if w == nil || len(w.Shape) != 2 {
		return linear{}, false
	}
	if transposed {
		return linear{i, w.Shape[1], w.Shape[0]}, true
	}
	return linear{i, w.Shape[0], w.Shape[1]}, true
}

// branch describes the longer branch of a residual.
type branch struct {
	linears  []linear
	products []int // of two activations
	softmax  bool
	convs    int
	muls     int
}

// residualBranch describes item i when it is x + f(x).
func residualBranch(f *supernet.Flow, i int) (b branch, ok bool) {
	if i >= len(f.Items) {
		return b, false
	}
	long, short, ok := f.Branches(f.Items[i])
	if !ok || len(short) > 0 {
		return b, false
	}
	for _, k := range long {
		l, isLinear := linearAt(f, k)
		_, isConv := convAt(f, k)
		switch {
		case isLinear:
			b.linears = append(b.linears, l)
		case isConv:
			b.convs++
		case f.Node(k).Op == "MatMul":
			b.products = append(b.products, k)
		case f.Node(k).Op == "Softmax":
			b.softmax = true
		case f.Node(k).Op == "Mul":
			b.muls++
		}
	}
	return b, true
}

func (b branch) isFFN() bool {
	return len(b.linears) == 2 && len(b.products) == 0 && b.convs == 0 && b.linears[0].in == b.linears[1].out && b.linears[0].out == b.linears[1].in
}

func (b branch) isAttention() bool { return b.softmax && len(b.products) >= 2 && len(b.linears) >= 2 }

// isGated tells whether the branch has two linear layers of one width, whose results are multiplied, before a third layer.
func (b branch) isGated() bool {
	if len(b.linears) != 3 || len(b.products) > 0 || b.convs > 0 || b.muls == 0 {
		return false
	}
	one, other, last := b.linears[0], b.linears[1], b.linears[2]
	return one.in == other.in && one.out == other.out && one.out == last.in && one.in == last.out
}

// ffn matches a residual of two linear layers, wide in the middle: a Transformer's feed-forward network. In a gated network, another layer is parallel to the
// first one.
func ffn(f *supernet.Flow, i int) (supernet.Match, bool) {
	b, ok := residualBranch(f, i)
	switch {
	case ok && b.isFFN():
		return supernet.Match{
			Items: 1, GoName: "FFN", Doc: "is a Transformer's feed-forward network (Vaswani et al. 2017, section 3.3)",
			Roles: map[int]string{b.linears[0].node: "expand", b.linears[1].node: "project"}, Inner: []int{b.linears[0].node}, Widens: true,
		}, true
	case ok && b.isGated():
		return gatedFFN(f, f.Items[i].Nodes, b)
	}
	return supernet.Match{}, false
}

// gatedFFN matches a gated feed-forward network, such as SwiGLU. The gate is the one of the two parallel layers that has an activation.
func gatedFFN(f *supernet.Flow, nodes []int, b branch) (supernet.Match, bool) {
	gate, expand, project := b.linears[0].node, b.linears[1].node, b.linears[2].node
	if activated(f, nodes, expand, gate) {
		gate, expand = expand, gate
	}
	if !activated(f, nodes, gate, expand) || activated(f, nodes, expand, gate) {
		return supernet.Match{}, false
	}
	return supernet.Match{
		Items: 1, GoName: "FFN", Doc: "is a Transformer's feed-forward network with a gate (Shazeer 2020)",
		Roles: map[int]string{gate: "gate", expand: "expand", project: "project"}, Inner: []int{expand, gate}, Widens: true,
	}, true
}

// activated tells whether the result of linear layer i goes through an activation, whole or in pieces, before it is combined with the result of the other
// layer.
func activated(f *supernet.Flow, nodes []int, i, other int) bool {
	makes := map[int]int{} // node -> the layers that it depends on
	for _, k := range nodes {
		n := f.Node(k)
		for _, id := range n.In {
			makes[k] |= makes[f.Producer(id)]
		}
		switch k {
		case i:
			makes[k] = 1
		case other:
			makes[k] = 2
		}
		if o, _ := operators.Lookup(n.Domain, n.Op); makes[k] == 1 && (o.Activation || n.Op == "Erf") {
			return true
		}
	}
	return false
}

// attention matches a residual with a softmax between two products of activations.
func attention(f *supernet.Flow, i int) (supernet.Match, bool) {
	b, ok := residualBranch(f, i)
	if !ok || !b.isAttention() {
		return supernet.Match{}, false
	}
	m := supernet.Match{Items: 1, GoName: "Attention", Doc: "is multi-head self-attention (Vaswani et al. 2017, section 3.2)", Roles: map[int]string{}}
	m.Roles[b.linears[len(b.linears)-1].node] = "project"
	if len(b.products) == 2 {
		m.Scores, m.Mix = b.products[0], b.products[1]
	}
	switch len(b.linears) {
	case 2:
		m.Roles[b.linears[0].node] = "qkv"
	case 4:
		for k, name := range []string{"query", "key", "value"} {
			m.Roles[b.linears[k].node] = name
		}
	}
	return m, true
}

// transformer matches an attention and the feed-forward network after it. Depth drops both or none.
func transformer(f *supernet.Flow, i int) (supernet.Match, bool) {
	a, ok := attention(f, i)
	if !ok {
		return supernet.Match{}, false
	}
	m, ok := ffn(f, i+1)
	if !ok || !f.Follows(i+1) {
		return supernet.Match{}, false
	}
	m.Scores, m.Mix = a.Scores, a.Mix
	m.Items, m.GoName, m.Doc = 2, "Transformer", "is multi-head self-attention and a feed-forward network (Vaswani et al. 2017)"
	for k, role := range a.Roles {
		m.Roles[k] = map[string]string{"project": "attend"}[role]
		if m.Roles[k] == "" {
			m.Roles[k] = role
		}
	}
	return m, true
}
