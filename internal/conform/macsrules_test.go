package conform

import (
	"strings"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/nn"
)

// product is a node with its operands and results, whose shapes count.
type product struct {
	*onnxpb.NodeProto
	values map[string]nn.Tensor
}

// in is the shape of operand k, nil where it is left out.
func (p product) in(k int) []int64 {
	if k >= len(p.GetInput()) || p.GetInput()[k] == "" {
		return nil
	}
	return p.shape(p.GetInput()[k])
}

func (p product) out() []int64 { return p.shape(p.GetOutput()[0]) }

func (p product) shape(name string) []int64 {
	out := []int64{}
	for _, d := range p.values[name].Shape {
		out = append(out, int64(d))
	}
	return out
}

// attr is an attribute of whole numbers, or what it stands for when it is left out.
func (p product) attr(name string, otherwise int64) int64 {
	for _, a := range p.GetAttribute() {
		if a.GetName() == name {
			return a.GetI()
		}
	}
	return otherwise
}

// products has the multiply-accumulates of every operator that is a product, by its definition in the ONNX standard.
var products = map[string]func(p product) int64{
	"Conv":          func(p product) int64 { return p.convolution(1) },
	"ConvInteger":   func(p product) int64 { return p.convolution(1) },
	"DeformConv":    func(p product) int64 { return p.convolution(1) },
	"QLinearConv":   func(p product) int64 { return p.convolution(3) },
	"ConvTranspose": product.transposed,
	"MatMul":        func(p product) int64 { return matmul(p.in(0), p.in(1)) },
	"MatMulInteger": func(p product) int64 { return matmul(p.in(0), p.in(1)) },
	"QLinearMatMul": func(p product) int64 { return matmul(p.in(0), p.in(3)) },
	"Gemm":          product.gemm,
	"Einsum":        product.einsum,
	"Attention":     product.attention,
	"LSTM":          func(p product) int64 { return p.recurrent(4) },
	"GRU":           func(p product) int64 { return p.recurrent(3) },
	"RNN":           func(p product) int64 { return p.recurrent(1) },

	"com.microsoft.FusedConv":             func(p product) int64 { return p.convolution(1) },
	"com.microsoft.FusedGemm":             product.gemm,
	"com.microsoft.DynamicQuantizeMatMul": func(p product) int64 { return matmul(p.in(0), p.in(1)) },
	"com.microsoft.MatMulIntegerToFloat":  func(p product) int64 { return matmul(p.in(0), p.in(1)) },
	"com.microsoft.Attention":             product.joinedAttention,
	"com.microsoft.MultiHeadAttention":    product.multiHead,
	"com.microsoft.GroupQueryAttention":   product.groupQuery,
	"com.microsoft.MoE":                   product.experts,
}

func times(list ...int64) int64 {
	n := int64(1)
	for _, d := range list {
		n *= d
	}
	return n
}

// convolution: each element of the result is a sum over the channels of its group and the window of the weights, operand w.
func (p product) convolution(w int) int64 {
	channels := p.in(0)[1] / p.attr("group", 1)
	return times(p.out()...) * channels * times(p.in(w)[2:]...)
}

// transposed: each element of the operand goes to a window of each channel of its group's result.
func (p product) transposed() int64 {
	channels := p.out()[1] / p.attr("group", 1)
	return times(p.in(0)...) * channels * times(p.in(1)[2:]...)
}

// matmul multiplies stacks of matrices as numpy does.
func matmul(a, b []int64) int64 {
	if len(a) == 1 {
		a = []int64{1, a[0]}
	}
	if len(b) == 1 {
		b = []int64{b[0], 1}
	}
	n := a[len(a)-2] * a[len(a)-1] * b[len(b)-1]
	a, b = a[:len(a)-2], b[:len(b)-2]
	for k := 1; k <= max(len(a), len(b)); k++ {
		one, two := int64(1), int64(1)
		if k <= len(a) {
			one = a[len(a)-k]
		}
		if k <= len(b) {
			two = b[len(b)-k]
		}
		if one == 1 {
			one = two
		}
		n *= one
	}
	return n
}

func (p product) gemm() int64 {
	rows, inner, columns := p.in(0)[0], p.in(0)[1], p.in(1)[1]
	if p.attr("transA", 0) != 0 {
		rows, inner = inner, rows
	}
	if p.attr("transB", 0) != 0 {
		columns = p.in(1)[0]
	}
	return rows * inner * columns
}

// einsum of two operands runs over all letters. Where the result has them all nothing is summed: such a product is element-wise, and costs nothing.
func (p product) einsum() int64 {
	text := ""
	for _, a := range p.GetAttribute() {
		if a.GetName() == "equation" {
			text = strings.ReplaceAll(string(a.GetS()), " ", "")
		}
	}
	terms, result, _ := strings.Cut(text, "->")
	size := map[rune]int64{}
	list := strings.Split(terms, ",")
	for k, term := range list {
		shape := p.in(k)
		if at := strings.Index(term, "..."); at >= 0 { // letters that no equation has
			fill := len(shape) - len(term) + 3
			term = term[:at] + "~!@#$%"[6-fill:] + term[at+3:]
		}
		for i, r := range []rune(term) {
			size[r] = max(size[r], shape[i])
		}
	}
	if len(list) < 2 || len(p.out()) == len(size) && result != "" {
		return 0
	}
	n := int64(1)
	for _, d := range size {
		n *= d
	}
	return n
}

// attention: every head multiplies its queries with the keys of all tokens, and the scores with the values.
func (p product) attention() int64 {
	q, k := p.in(0), p.in(1)
	tokens := k[len(k)-2]
	if past := p.in(4); past != nil {
		tokens += past[2]
	}
	return tokens * (times(q...) + times(p.out()...))
}

// recurrent: in each step and direction every gate multiplies the operand and the state.
func (p product) recurrent(gates int64) int64 {
	x, hidden := p.in(0), p.attr("hidden_size", 0)
	if hidden == 0 {
		hidden = p.in(2)[2]
	}
	return x[0] * x[1] * p.in(1)[0] * gates * hidden * (x[2] + hidden)
}

// joinedAttention projects tokens by one matrix to queries, keys and values of one width.
func (p product) joinedAttention() int64 {
	x, w := p.in(0), p.in(1)
	past := int64(0)
	if cache := p.in(4); cache != nil {
		past = cache[3]
	}
	batch, tokens, width := x[0], x[1], w[1]/3
	return batch*tokens*x[2]*w[1] + 2*batch*tokens*(tokens+past)*width
}

// multiHead has keys of [batch, tokens, width], or with the heads before the tokens.
func (p product) multiHead() int64 {
	q, k, out := p.in(0), p.in(1), p.out()
	tokens := q[1]
	if len(k) == 4 {
		tokens = k[2]
	} else if k != nil {
		tokens = k[1]
	}
	if cache := p.in(6); cache != nil {
		tokens += cache[2]
	}
	width := out[2]
	if len(q) == 3 {
		width = q[2]
	}
	return q[0] * q[1] * tokens * (width + out[2])
}

// groupQuery has a cache that is as long as all tokens.
func (p product) groupQuery() int64 {
	out := p.out()
	tokens := out[1]
	if cache := p.in(3); cache != nil {
		tokens += cache[2]
	}
	if len(p.GetOutput()) > 1 && p.GetOutput()[1] != "" {
		tokens = p.shape(p.GetOutput()[1])[2]
	}
	return 2 * out[0] * out[1] * tokens * out[2]
}

// experts takes every token through k of the experts, of two layers each.
func (p product) experts() int64 {
	tokens := times(p.in(0)...) / p.in(0)[len(p.in(0))-1]
	return tokens * p.attr("k", 1) * (times(p.in(2)[1:]...) + times(p.in(4)[1:]...))
}
