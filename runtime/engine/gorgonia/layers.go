//go:build !riscv64

package gorgonia

import (
	"slices"

	g "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/autotailor/autotailor/runtime/nn"
)

// window is the geometry of a convolution or pooling over images.
type window struct{ kernel, strides, pads, dilations []int }

// windowOf reads it; Gorgonia pads both sides of an axis by the same.
func windowOf(w *network, n *nn.Node, kernel []int) window {
	pads := n.List("pads", 4, 0)
	switch {
	case len(kernel) != 2:
		w.lacks("it is not over images")
	case n.Text("auto_pad", "NOTSET") != "NOTSET":
		w.lacks("auto_pad")
	case pads[0] != pads[2] || pads[1] != pads[3]:
		w.lacks("its padding %v is not even", pads)
	case n.Int("ceil_mode", 0) != 0:
		w.lacks("ceil_mode")
	}
	return window{kernel, n.List("strides", 2, 1), pads[:2], n.List("dilations", 2, 1)}
}

// conv is a product of patches and weights for each group.
func conv(w *network, n *nn.Node) *g.Node {
	xs, ws, ys := w.shape(n.In[0]), w.shape(n.In[1]), w.shape(n.Out[0])
	d := windowOf(w, n, ws[2:])
	x, weight := w.operand(n, 0), w.operand(n, 1)
	if w.err != nil {
		return nil
	}
	groups := int(n.Int("group", 1))
	batch, in, out, pixels := xs[0], xs[1]/groups, ws[0]/groups, ys[2:].Count()
	taps := in * ws[2:].Count()
	x = w.reshape(x, batch*groups, in, xs[2], xs[3])
	patches := w.did(g.Im2Col(x, tensor.Shape(d.kernel), tensor.Shape(d.pads), tensor.Shape(d.strides), tensor.Shape(d.dilations)))
	patches = w.transpose(w.reshape(patches, batch, groups, pixels, taps), 1, 0, 2, 3)
	patches = w.reshape(patches, groups, batch*pixels, taps)
	weight = w.transpose(w.reshape(weight, groups, out, taps), 0, 2, 1)
	y := w.reshape(w.products(patches, weight), groups, batch, pixels, out)
	y = w.reshape(w.transpose(y, 1, 0, 3, 2), ys...)
	if !w.has(n, 2) {
		return y
	}
	return w.pair(g.Add, y, w.reshape(w.operand(n, 2), 1, ys[1], 1, 1), ys)
}

// linear is a Gemm.
func linear(w *network, n *nn.Node) *g.Node {
	x, y := w.operand(n, 0), w.operand(n, 1)
	if n.Int("transA", 0) != 0 {
		x = w.transpose(x, 1, 0)
	}
	if n.Int("transB", 0) != 0 {
		y = w.transpose(y, 1, 0)
	}
	z := w.scaled(w.product(x, y), float64(n.Float("alpha", 1)), 0)
	if !w.has(n, 2) {
		return z
	}
	return w.pair(g.Add, z, w.scaled(w.operand(n, 2), float64(n.Float("beta", 1)), 0), w.shape(n.Out[0]))
}

func matMul(w *network, n *nn.Node) *g.Node {
	xs, ys, zs := w.shape(n.In[0]), w.shape(n.In[1]), w.shape(n.Out[0])
	x, y := w.operand(n, 0), w.operand(n, 1)
	if len(xs) < 2 || len(ys) < 2 {
		return w.lacks("an operand is a vector")
	}
	inner := xs[len(xs)-1]
	if len(ys) == 2 {
		return w.reshape(w.product(w.reshape(x, xs.Count()/inner, inner), y), zs...)
	}
	if !slices.Equal(xs[:len(xs)-2], ys[:len(ys)-2]) {
		return w.lacks("its operands have different batches, %v and %v", xs, ys)
	}
	many := xs[:len(xs)-2].Count()
	x, y = w.reshape(x, many, xs[len(xs)-2], inner), w.reshape(y, many, inner, ys[len(ys)-1])
	return w.reshape(w.products(x, y), zs...)
}

func maxPool(w *network, n *nn.Node) *g.Node {
	d := windowOf(w, n, w.integers(n, "kernel_shape", -1))
	x := w.operand(n, 0)
	if d.pads[0]+d.pads[1] > 0 {
		return w.lacks("Gorgonia pads with zeros")
	}
	if d.dilations[0]*d.dilations[1] > 1 || len(n.Out) > 1 {
		return w.lacks("dilations or indices")
	}
	if w.err != nil {
		return nil
	}
	return w.did(g.MaxPool2D(x, tensor.Shape(d.kernel), d.pads, d.strides))
}

// normalised is (x - mean)/sqrt(variance + epsilon) along axes.
func (w *network) normalised(x *g.Node, epsilon float64, axes ...int) *g.Node {
	if w.err != nil {
		return nil
	}
	s := shapeOf(x)
	x = w.sub(x, w.broadcast(w.mean(x, axes...), s))
	variance := w.mean(w.mul(x, x), axes...)
	return w.pair(g.HadamardDiv, x, w.one(g.Sqrt, w.scaled(variance, 1, epsilon)), s)
}

// batchNorm normalises by its batch, as networks under training do.
func batchNorm(w *network, n *nn.Node) *g.Node {
	s := w.shape(n.In[0])
	axes, channels := []int{0}, nn.Shape{1, s[1]}
	for a := 2; a < len(s); a++ {
		axes, channels = append(axes, a), append(channels, 1)
	}
	y := w.normalised(w.operand(n, 0), float64(n.Float("epsilon", 1e-5)), axes...)
	y = w.mul(y, w.broadcast(w.reshape(w.operand(n, 1), channels...), s))
	return w.add(y, w.broadcast(w.reshape(w.operand(n, 2), channels...), s))
}

func layerNorm(w *network, n *nn.Node) *g.Node {
	s := w.shape(n.In[0])
	var axes []int
	for a := w.axis(n, -1); a < len(s); a++ {
		axes = append(axes, a)
	}
	y := w.normalised(w.operand(n, 0), float64(n.Float("epsilon", 1e-5)), axes...)
	y = w.mul(y, w.broadcast(w.operand(n, 1), s))
	if !w.has(n, 2) {
		return y
	}
	return w.add(y, w.broadcast(w.operand(n, 2), s))
}

func softmax(w *network, n *nn.Node) *g.Node {
	e := w.one(g.Exp, w.operand(n, 0))
	return w.pair(g.HadamardDiv, e, w.sum(e, w.axis(n, -1)), w.shape(n.In[0]))
}
