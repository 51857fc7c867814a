package pass

import (
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// joinedActivation says what the parameters of an activation are called that a product is joined with.
var joinedActivation = map[string][]string{
	"Relu": {}, "Tanh": {}, "Sigmoid": {}, "LeakyRelu": {"alpha"}, "Clip": {"min", "max"}, "HardSigmoid": {"alpha", "beta"},
	"Elu": {"alpha"}, "Softplus": {}, "Softsign": {}, "ThresholdedRelu": {"alpha"}, "Celu": {"alpha"}, "Selu": {"alpha", "gamma"},
}

// fusedConv is a Conv to whose result a map may be added before an activation. Its activation has a list of parameters.
func fusedConv(w *composite) ir.ValueID {
	list, _ := w.node.Attr("activation_params")
	given := list.Floats
	act, ok := w.activation(func(k int, _ string) (float32, bool) {
		if k >= len(given) {
			return 0, false
		}
		return given[k], true
	})
	if !ok {
		return 0
	}
	y := w.add("Conv", w.attrsWithout("activation", "activation_params"), w.operands(3)...)
	if sum := w.node.Input(3); sum != 0 {
		y = w.add("Add", nil, y, sum)
	}
	return w.activated(y, act)
}

// fusedGemm is a Gemm before an activation, whose parameters are attributes.
func fusedGemm(w *composite) ir.ValueID {
	act, ok := w.activation(func(_ int, name string) (float32, bool) {
		a, ok := w.node.Attr("activation_" + name)
		return a.Float, ok && a.Kind == ir.AttrFloat
	})
	if !ok {
		return 0
	}
	attrs := w.attrsWithout("activation", "activation_alpha", "activation_beta", "activation_gamma")
	return w.activated(w.add("Gemm", attrs, w.operands(3)...), act)
}

// activation reads the activation of a joined operator; it is nil where there is none. It is not ok for one that ONNX Runtime does not know, or
// that lacks a parameter.
func (w *composite) activation(param func(k int, name string) (float32, bool)) (*ir.Node, bool) {
	a, given := w.node.Attr("activation")
	if !given {
		return nil, true
	}
	names, ok := joinedActivation[a.String]
	if !ok {
		return nil, false
	}
	act := &ir.Node{Op: a.String}
	for k, name := range names {
		v, ok := param(k, name)
		if !ok {
			return nil, false
		}
		act.Attrs = append(act.Attrs, ir.Attr{Name: name, Kind: ir.AttrFloat, Float: v})
	}
	return act, true
}

func (w *composite) activated(y ir.ValueID, act *ir.Node) ir.ValueID {
	if act == nil {
		return y
	}
	return w.add(act.Op, act.Attrs, y)
}

// operands are the node's first n, without those at their end that are absent.
func (w *composite) operands(n int) []ir.ValueID {
	in := slices.Clone(w.node.In[:min(n, len(w.node.In))])
	for len(in) > 0 && in[len(in)-1] == 0 {
		in = in[:len(in)-1]
	}
	return in
}

// attrsWithout are the node's attributes but for some.
func (w *composite) attrsWithout(names ...string) []ir.Attr {
	return slices.DeleteFunc(slices.Clone(w.node.Attrs), func(a ir.Attr) bool { return slices.Contains(names, a.Name) })
}

// fusedMatMul is a MatMul whose operands may be transposed, times a factor. Where matrices are not in the last two axes, it stays.
func fusedMatMul(w *composite) ir.ValueID {
	n := w.node
	if n.Int("transBatchA", 0) != 0 || n.Int("transBatchB", 0) != 0 {
		return 0
	}
	alpha := n.Float("alpha", 1)
	if alpha != 1 && !w.float32() {
		return 0
	}
	in := slices.Clone(n.In[:2])
	for k, name := range []string{"transA", "transB"} {
		rank := len(w.shape(in[k]))
		switch {
		case n.Int(name, 0) == 0:
		case rank == 0:
			return 0
		case rank > 1:
			perm := make([]int64, rank)
			for i := range perm {
				perm[i] = int64(i)
			}
			perm[rank-2], perm[rank-1] = perm[rank-1], perm[rank-2]
			in[k] = w.transpose(in[k], perm...)
		}
	}
	y := w.add("MatMul", nil, in...)
	if alpha != 1 {
		y = w.add("Mul", nil, y, w.number("alpha", float64(alpha)))
	}
	return y
}

// float32 tells whether numbers can be joined with the first operand: constants of these passes have this type.
func (w *composite) float32() bool { return w.vals[w.node.In[0]].Type == ir.Float32 }

// gelu is a GELU, by erf or by tanh, of an operand to which a bias may be added.
func gelu(approximate string) func(w *composite) ir.ValueID {
	return func(w *composite) ir.ValueID {
		x := w.node.In[0]
		if bias := w.node.Input(1); bias != 0 {
			x = w.add("Add", nil, x, bias)
		}
		var attrs []ir.Attr
		if approximate != "none" {
			attrs = []ir.Attr{{Name: "approximate", Kind: ir.AttrString, String: approximate}}
		}
		return w.add("Gelu", attrs, x)
	}
}

// quickGelu is x*sigmoid(alpha*x).
func quickGelu(w *composite) ir.ValueID {
	x := w.node.In[0]
	alpha := w.node.Float("alpha", 1.702)
	gate := x
	if alpha != 1 {
		if !w.float32() {
			return 0
		}
		gate = w.add("Mul", nil, x, w.number("alpha", float64(alpha)))
	}
	return w.add("Mul", nil, x, w.add("Sigmoid", nil, gate))
}

// skipLayerNorm normalises the last axis of a sum. The sum may be read, too; where mean or deviation is, the operator stays.
func skipLayerNorm(w *composite) ir.ValueID {
	sum, epsilon, ok := w.skipped(4)
	if !ok {
		return 0
	}
	in := []ir.ValueID{sum, w.node.In[2]}
	if beta := w.node.Input(3); beta != 0 {
		in = append(in, beta)
	}
	return w.add("LayerNormalization", []ir.Attr{axisAttr(-1), {Name: "epsilon", Kind: ir.AttrFloat, Float: epsilon}}, in...)
}

// skipRMSNorm divides a sum by the root of its mean square, in the pieces that exporters write.
func skipRMSNorm(w *composite) ir.ValueID {
	if !w.float32() {
		return 0
	}
	sum, epsilon, ok := w.skipped(3)
	if !ok {
		return 0
	}
	return w.rms(sum, w.node.In[2], epsilon)
}

// rmsNorm is the same of one operand. ONNX Runtime has it in ONNX's own domain.
func rmsNorm(w *composite) ir.ValueID {
	n := w.node
	rank := len(w.shape(n.In[0]))
	if axis := n.Int("axis", -1); !w.float32() || rank == 0 || axis != -1 && axis != int64(rank)-1 || w.read(w.out(1)) {
		return 0
	}
	return w.rms(n.In[0], n.In[1], n.Float("epsilon", 1e-5))
}

// rms writes the pieces.
func (w *composite) rms(sum, scale ir.ValueID, epsilon float32) ir.ValueID {
	last := []ir.Attr{{Name: "axes", Kind: ir.AttrInts, Ints: []int64{-1}}, {Name: "keepdims", Kind: ir.AttrInt, Int: 1}}
	mean := w.add("ReduceMean", last, w.add("Mul", nil, sum, sum))
	root := w.add("Sqrt", nil, w.add("Add", nil, mean, w.number("epsilon", float64(epsilon))))
	return w.add("Mul", nil, w.add("Div", nil, sum, root), scale)
}

// skipped adds what a normalisation adds before: the operand, what skips layers, and the bias at the given place.
func (w *composite) skipped(bias int) (sum ir.ValueID, epsilon float32, ok bool) {
	n := w.node
	for k := 1; k < min(3, len(n.Out)); k++ {
		if w.read(n.Out[k]) {
			return 0, 0, false
		}
	}
	sum = w.add("Add", nil, n.In[0], n.In[1])
	if b := n.Input(bias); b != 0 {
		sum = w.add("Add", nil, sum, b)
	}
	if len(n.Out) > 3 && n.Out[3] != 0 {
		sum = n.Out[3]
		w.nodes[len(w.nodes)-1].Out[0] = sum
	}
	return sum, n.Float("epsilon", 1e-12), true
}

// read tells whether anything reads a value.
func (w *composite) read(id ir.ValueID) bool {
	return id != 0 && (isOutput(w.g, id) || slices.ContainsFunc(w.g.Nodes, func(n *ir.Node) bool { return slices.Contains(n.In, id) }))
}
