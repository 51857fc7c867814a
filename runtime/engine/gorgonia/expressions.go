//go:build !riscv64

package gorgonia

import (
	"maps"
	"math"
	"slices"

	g "gorgonia.org/gorgonia"

	"github.com/autotailor/autotailor/runtime/nn"
)

// expressions says how operators are written in those of Gorgonia's that it can differentiate. What is not here, it lacks.
var expressions = map[string]func(w *network, n *nn.Node) []*g.Node{
	"Conv":               single(conv),
	"Gemm":               single(linear),
	"MatMul":             single(matMul),
	"MaxPool":            single(maxPool),
	"BatchNormalization": single(batchNorm),
	"LayerNormalization": single(layerNorm),
	"Softmax":            single(softmax),

	"GlobalAveragePool": single(func(w *network, n *nn.Node) *g.Node { return w.mean(w.operand(n, 0), spatial(w, n)...) }),
	"ReduceMean":        single(reduce((*expression).mean)),
	"ReduceSum":         single(reduce((*expression).sum)),

	"Add": single(paired(g.Add)),
	"Sub": single(paired(g.Sub)),
	"Mul": single(paired(g.HadamardProd)),
	"Div": single(paired(g.HadamardDiv)),

	"Relu":        single(unary(g.Rectify)),
	"Sigmoid":     single(unary(g.Sigmoid)),
	"Tanh":        single(unary(g.Tanh)),
	"Exp":         single(unary(g.Exp)),
	"Log":         single(unary(g.Log)),
	"Sqrt":        single(unary(g.Sqrt)),
	"Neg":         single(unary(g.Neg)),
	"Abs":         single(unary(g.Abs)),
	"Sin":         single(unary(g.Sin)),
	"Cos":         single(unary(g.Cos)),
	"Softplus":    single(unary(g.Softplus)),
	"Reciprocal":  single(unary(g.Inverse)),
	"Clip":        single(clip),
	"LeakyRelu":   single(leakyRelu),
	"HardSigmoid": single(hardSigmoid),
	"HardSwish":   single(hardSwish),
	"Swish":       single(swish),
	"Gelu":        single(gelu),

	"Identity":  single(shaped),
	"Dropout":   single(shaped),
	"Flatten":   single(shaped),
	"Reshape":   single(shaped),
	"Squeeze":   single(shaped),
	"Unsqueeze": single(shaped),
	"Transpose": single(transposed),
	"Concat":    single(concat),
	"Split":     split,
	"Slice":     single(slice),
	"Gather":    single(gather),
	"Expand":    single(func(w *network, n *nn.Node) *g.Node { return w.broadcast(w.operand(n, 0), w.shape(n.Out[0])) }),
}

// single is an operator of one result.
func single(f func(w *network, n *nn.Node) *g.Node) func(w *network, n *nn.Node) []*g.Node {
	return func(w *network, n *nn.Node) []*g.Node { return []*g.Node{f(w, n)} }
}

func unary(f func(*g.Node) (*g.Node, error)) func(w *network, n *nn.Node) *g.Node {
	return func(w *network, n *nn.Node) *g.Node { return w.one(f, w.operand(n, 0)) }
}

func paired(f func(x, y *g.Node) (*g.Node, error)) func(w *network, n *nn.Node) *g.Node {
	return func(w *network, n *nn.Node) *g.Node {
		return w.pair(f, w.operand(n, 0), w.operand(n, 1), w.shape(n.Out[0]))
	}
}

// spatial are the axes after batch and channels.
func spatial(w *network, n *nn.Node) []int {
	var axes []int
	for a := 2; a < len(w.shape(n.In[0])); a++ {
		axes = append(axes, a)
	}
	return axes
}

func reduce(f func(e *expression, x *g.Node, axes ...int) *g.Node) func(w *network, n *nn.Node) *g.Node {
	return func(w *network, n *nn.Node) *g.Node {
		axes := w.integers(n, "axes", 1)
		rank := len(w.shape(n.In[0]))
		for i := range axes {
			axes[i] = (axes[i] + rank) % rank
		}
		if axes == nil {
			for a := range rank {
				axes = append(axes, a)
			}
		}
		return w.reshape(f(w.expression, w.operand(n, 0), axes...), w.shape(n.Out[0])...)
	}
}

func clip(w *network, n *nn.Node) *g.Node {
	low, high := w.number(n, "min", 1, math.Inf(-1)), w.number(n, "max", 2, math.Inf(1))
	if math.IsInf(low, 0) || math.IsInf(high, 0) {
		return w.lacks("it has one bound only")
	}
	return w.clip(w.operand(n, 0), low, high)
}

func leakyRelu(w *network, n *nn.Node) *g.Node {
	x := w.operand(n, 0)
	below := w.scaled(w.one(g.Rectify, w.one(g.Neg, x)), float64(n.Float("alpha", 0.01)), 0)
	return w.sub(w.one(g.Rectify, x), below)
}

func hardSigmoid(w *network, n *nn.Node) *g.Node {
	return w.clip(w.scaled(w.operand(n, 0), float64(n.Float("alpha", 0.2)), float64(n.Float("beta", 0.5))), 0, 1)
}

func hardSwish(w *network, n *nn.Node) *g.Node {
	x := w.operand(n, 0)
	return w.mul(x, w.clip(w.scaled(x, 1./6, 0.5), 0, 1))
}

func swish(w *network, n *nn.Node) *g.Node {
	x := w.operand(n, 0)
	return w.mul(x, w.one(g.Sigmoid, w.scaled(x, float64(n.Float("alpha", 1)), 0)))
}

func gelu(w *network, n *nn.Node) *g.Node {
	if n.Text("approximate", "none") != "tanh" {
		return w.lacks("Gorgonia has no Erf")
	}
	x := w.operand(n, 0)
	cube := w.mul(x, w.mul(x, x))
	inner := w.scaled(w.add(x, w.scaled(cube, 0.044715, 0)), math.Sqrt(2/math.Pi), 0)
	return w.mul(w.scaled(x, 0.5, 0), w.scaled(w.one(g.Tanh, inner), 1, 1))
}

func shaped(w *network, n *nn.Node) *g.Node {
	return w.reshape(w.operand(n, 0), w.shape(n.Out[0])...)
}

func transposed(w *network, n *nn.Node) *g.Node {
	perm := w.integers(n, "perm", -1)
	if perm == nil {
		for a := len(w.shape(n.In[0])) - 1; a >= 0; a-- {
			perm = append(perm, a)
		}
	}
	return w.transpose(w.operand(n, 0), perm...)
}

func concat(w *network, n *nn.Node) *g.Node {
	axis, size := w.axis(n, 0), 0
	for _, v := range n.In {
		size += w.shape(v)[axis]
	}
	var sum *g.Node
	at := 0
	for i, v := range n.In {
		part := w.put(w.operand(n, i), axis, at, size)
		if at += w.shape(v)[axis]; sum == nil {
			sum = part
			continue
		}
		sum = w.add(sum, part)
	}
	return sum
}

func split(w *network, n *nn.Node) []*g.Node {
	axis, at := w.axis(n, 0), 0
	var out []*g.Node
	for _, v := range n.Out {
		size := w.shape(v)[axis]
		out = append(out, w.take(w.operand(n, 0), axis, span(at, at+size, 1)))
		at += size
	}
	return out
}

func span(from, to, step int) []int {
	var out []int
	for i := from; i < to; i += step {
		out = append(out, i)
	}
	return out
}

func slice(w *network, n *nn.Node) *g.Node {
	starts, ends := w.integers(n, "starts", 1), w.integers(n, "ends", 2)
	axes, steps := w.integers(n, "axes", 3), w.integers(n, "steps", 4)
	x, s := w.operand(n, 0), w.shape(n.In[0])
	for i := range starts {
		axis, step := i, 1
		if axes != nil {
			axis = (axes[i] + len(s)) % len(s)
		}
		if steps != nil {
			step = steps[i]
		}
		if step < 1 {
			return w.lacks("it goes backwards")
		}
		bound := func(at int) int {
			if at < 0 {
				at += s[axis]
			}
			return min(max(at, 0), s[axis])
		}
		x = w.take(x, axis, span(bound(starts[i]), bound(ends[i]), step))
	}
	return x
}

func gather(w *network, n *nn.Node) *g.Node {
	axis := w.axis(n, 0)
	positions := w.integers(n, "indices", 1)
	for i, p := range positions {
		if p < 0 {
			positions[i] = p + w.shape(n.In[0])[axis]
		}
	}
	return w.reshape(w.take(w.operand(n, 0), axis, slices.Clone(positions)), w.shape(n.Out[0])...)
}

// Operators lists the ONNX operator types that Gorgonia can differentiate, sorted.
func Operators() []string { return slices.Sorted(maps.Keys(expressions)) }
