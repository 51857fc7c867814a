package supernet

import (
	"maps"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// MACs are the multiply-accumulates of a node of a network without open axes. Products have them: convolutions, products of matrices, recurrent
// layers, attention. Operators that run subgraphs have those that the compiler counted. All others have none, or are not counted.
func MACs(g *nn.Graph, n *nn.Node) int64 {
	if rule := macs[operators.Qualified(n.Domain, n.Type)]; rule != nil {
		return rule(node{g, n})
	}
	return n.MACs
}

// Multiplying lists the operators that multiply and accumulate, sorted; those of other domains with the domain.
func Multiplying() []string { return slices.Sorted(maps.Keys(macs)) }

// node is one to be counted.
type node struct {
	*nn.Graph
	*nn.Node
}

// shape is that of operand k, nil where it is left out.
func (n node) shape(k int) nn.Shape {
	if k >= len(n.In) || n.In[k] == nn.None {
		return nil
	}
	return n.Values[n.In[k]].Shape
}

// result is the shape of the first result.
func (n node) result() nn.Shape { return n.Values[n.Out[0]].Shape }

// macs has the operators that multiply and accumulate.
var macs = map[string]func(n node) int64{
	"Conv":          func(n node) int64 { return n.filters(1) },
	"DeformConv":    func(n node) int64 { return n.filters(1) },
	"ConvInteger":   func(n node) int64 { return n.filters(1) },
	"QLinearConv":   func(n node) int64 { return n.filters(3) },
	"ConvTranspose": func(n node) int64 { return n.shape(0).Elements() * n.shape(1)[1:].Elements() },
	"MatMul":        func(n node) int64 { return n.rows() },
	"MatMulInteger": func(n node) int64 { return n.rows() },
	"QLinearMatMul": func(n node) int64 { return n.rows() },
	"Gemm":          func(n node) int64 { return n.matrices() },
	"Einsum":        einsum,
	"Attention":     attention,
	"LSTM":          recurrent,
	"GRU":           recurrent,
	"RNN":           recurrent,

	"com.microsoft.FusedConv":             func(n node) int64 { return n.filters(1) },
	"com.microsoft.FusedGemm":             func(n node) int64 { return n.matrices() },
	"com.microsoft.QGemm":                 func(n node) int64 { return n.matrices() },
	"com.microsoft.FusedMatMul":           func(n node) int64 { return n.turned() },
	"com.microsoft.MatMulNBits":           func(n node) int64 { return n.shape(0).Elements() * n.Int("N", 0) },
	"com.microsoft.DynamicQuantizeMatMul": func(n node) int64 { return n.rows() },
	"com.microsoft.MatMulIntegerToFloat":  func(n node) int64 { return n.rows() },
	"com.microsoft.DynamicQuantizeLSTM":   recurrent,
	"com.microsoft.Attention":             func(n node) int64 { return n.joined(4) },
	"com.microsoft.QAttention":            func(n node) int64 { return n.joined(8) },
	"com.microsoft.MultiHeadAttention":    multiHead,
	"com.microsoft.GroupQueryAttention":   groupQuery,
	"com.microsoft.MoE":                   experts,
}

// filters is a convolution with weights [out, in, window...] as operand k: each element of the result is a whole filter's sum.
func (n node) filters(k int) int64 { return n.result().Elements() * n.shape(k)[1:].Elements() }

// rows is a product whose first operand's last axis is summed.
func (n node) rows() int64 {
	x := n.shape(0)
	return n.result().Elements() * int64(x[len(x)-1])
}

// matrices is a product of two matrices, the first of which may lie the other way round.
func (n node) matrices() int64 {
	inner := n.shape(0)[1]
	if n.Int("transA", 0) != 0 {
		inner = n.shape(0)[0]
	}
	return n.result().Elements() * int64(inner)
}

// turned is rows, where the last axes may lie the other way round.
func (n node) turned() int64 {
	x := n.shape(0)
	inner := x[len(x)-1]
	if n.Int("transA", 0) != 0 && len(x) > 1 {
		inner = x[len(x)-2]
	}
	return n.result().Elements() * int64(inner)
}

// recurrent takes, at each step, the operand and the state of each element of the batch through the weights of all gates.
func recurrent(n node) int64 {
	x, w, r := n.shape(0), n.shape(1), n.shape(2)
	return int64(x[0]) * int64(x[1]) * (w.Elements() + r.Elements())
}

// attention multiplies queries with keys, then scores with values.
func attention(n node) int64 {
	k := n.shape(1)
	tokens := k[len(k)-2]
	if past := n.shape(4); past != nil { // those of a cache
		tokens += past[2]
	}
	return int64(tokens) * (n.shape(0).Elements() + n.result().Elements())
}

// joined is an attention behind the product that makes its queries, keys and values; the cache is operand k.
func (n node) joined(k int) int64 {
	x, w := n.shape(0), n.shape(1)
	queries := int64(w[1]) / 3
	if list := n.Ints("qkv_hidden_sizes"); len(list) == 3 {
		queries = list[0]
	}
	tokens := x[1]
	if past := n.shape(k); past != nil && n.Int("past_present_share_buffer", 0) == 0 {
		tokens += past[3]
	}
	rows := int64(x[0]) * int64(x[1])
	return rows*w.Elements() + int64(tokens)*(rows*queries+n.result().Elements())
}

// multiHead is an attention whose operands may be packed together.
func multiHead(n node) int64 {
	q, k, y := n.shape(0), n.shape(1), n.result().Elements()
	tokens, queries := q[1], q.Elements()
	switch {
	case len(q) == 5: // with keys and values
		queries = y
	case len(k) == 4: // heads before tokens
		tokens = k[2]
	case k != nil:
		tokens = k[1]
	}
	if past := n.shape(6); past != nil {
		tokens += past[2]
	}
	return int64(tokens) * (queries + y)
}

// groupQuery has as many keys as the result that holds them all.
func groupQuery(n node) int64 {
	tokens := n.shape(0)[1]
	if past := n.shape(3); past != nil {
		tokens += past[2]
	}
	if len(n.Out) > 1 && n.Out[1] != nn.None && len(n.Values[n.Out[1]].Shape) == 4 {
		tokens = n.Values[n.Out[1]].Shape[2]
	}
	return 2 * int64(tokens) * n.result().Elements()
}

// experts are networks of which each token goes through some.
func experts(n node) int64 {
	each := n.shape(2)[1:].Elements() + n.shape(4)[1:].Elements()
	if third := n.shape(6); third != nil {
		each += third[1:].Elements()
	}
	x := n.shape(0)
	return x[:len(x)-1].Elements() * n.Int("k", 1) * each
}
