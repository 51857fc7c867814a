//go:build !riscv64

package gorgonia

import (
	"fmt"
	"slices"

	g "gorgonia.org/gorgonia"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

// network is a network as an expression.
type network struct {
	*expression
	net    *nn.Graph // of one batch size
	params engine.Params
	nodes  []*g.Node // by value; nil where it was not asked for
	leaves []leaf
}

// leaf is a part of a tensor.
type leaf struct {
	node  *g.Node
	param nn.Param
}

func newNetwork(net *nn.Graph, p engine.Params) *network {
	return &network{expression: newExpression(), net: net, params: p, nodes: make([]*g.Node, len(net.Values))}
}

// lack is why Gorgonia has no expression of a node.
type lack string

// Error is the reason.
func (l lack) Error() string { return string(l) }

// lacks says that there is no expression of a node.
func (w *network) lacks(format string, args ...any) *g.Node {
	if w.err == nil {
		w.err = lack(fmt.Sprintf(format, args...))
	}
	return nil
}

// build adds all nodes.
func (w *network) build() error {
	for _, v := range w.net.Inputs {
		w.input(v)
	}
	idle := w.net.Idle()
	for i := range w.net.Nodes {
		if idle[i] {
			continue
		}
		n := &w.net.Nodes[i]
		if err := w.node(n); err != nil {
			return fmt.Errorf("node %q (%s): %w", n.Name, n.Type, err)
		}
	}
	return nil
}

func (w *network) input(v nn.Value) {
	w.nodes[v] = w.leaf(w.shape(v), w.net.Values[v].Name)
}

// node adds one node.
func (w *network) node(n *nn.Node) error {
	f, ok := expressions[n.Type]
	if !ok || n.Domain != "" && n.Domain != "ai.onnx" {
		return lack("Gorgonia has no such operator")
	}
	for i, y := range f(w, n) {
		if w.err != nil {
			break
		}
		if want := w.shape(n.Out[i]); len(want) > 0 && !slices.Equal(shapeOf(y), want) {
			return fmt.Errorf("internal error: shape %v, want %v", shapeOf(y), want)
		}
		w.nodes[n.Out[i]] = y
	}
	return w.err
}

func (w *network) shape(v nn.Value) nn.Shape { return w.net.Values[v].Shape }

func (w *network) has(n *nn.Node, i int) bool { return i < len(n.In) && n.In[i] != nn.None }

// operand returns the node of an operand; parameters and constants get theirs when they are first asked for.
func (w *network) operand(n *nn.Node, i int) *g.Node {
	if w.err != nil {
		return nil
	}
	if !w.has(n, i) {
		return w.lacks("operand %d is missing", i)
	}
	v := n.In[i]
	if w.nodes[v] != nil {
		return w.nodes[v]
	}
	info := &w.net.Values[v]
	switch {
	case info.Type > nn.Float32:
		return w.lacks("operand %q is of integers", info.Name)
	case info.Const != nil:
		w.nodes[v] = w.constant(info.Const.Shape, doubles(info.Const.Float32s()))
	case info.Param != nil:
		w.nodes[v] = w.parameter(*info.Param, info.Name)
	default:
		return w.lacks("operand %q comes from an operator that is lacking", info.Name)
	}
	return w.nodes[v]
}

// parameter is a part of a tensor, interpolated or transformed where it says so.
func (w *network) parameter(p nn.Param, name string) *g.Node {
	m, ok, err := nn.Transform(w.params.Weights(), p)
	switch {
	case err != nil:
		return w.did(nil, err)
	case ok:
		return w.windowed(p, m.Shape, name)
	case len(p.Grids) > 1 || len(p.Grids) == 1 && len(p.Picks) > p.Grids[0].Axis && p.Picks[p.Grids[0].Axis].Size > 0:
		return w.lacks("operand %q is interpolated along more than one axis, or cut where it is", name)
	case len(p.Grids) == 1:
		return w.interpolated(p, name)
	}
	return w.part(p, name)
}

// part is a leaf.
func (w *network) part(p nn.Param, name string) *g.Node {
	n := w.leaf(p.Picked(), name)
	w.leaves = append(w.leaves, leaf{n, p})
	return n
}

// windowed is a smaller window of kernels: each of its taps adds up from those of the whole window, by the kernel transform.
func (w *network) windowed(p nn.Param, transform nn.Shape, name string) *g.Node {
	window, _ := p.Window()
	tensor := window.Name
	if w.params[tensor] == nil {
		tensor = window.Shared
	}
	kernels, to := p.WholeWindow(), p.Picked()
	matrix := w.part(nn.Param{Name: tensor, Shape: transform}, name+" transform")
	whole := w.reshape(w.part(kernels, name), to[0]*to[1], window.All)
	return w.reshape(w.product(whole, w.transpose(matrix, 1, 0)), to...)
}

// interpolated is a map of positions at another side.
func (w *network) interpolated(p nn.Param, name string) *g.Node {
	d := p.Grids[0]
	p.Grids = nil
	weights := d.Weights()
	return w.along(w.part(p, name), d.Axis, d.Prefix+d.To*d.To, func(i, k int) float64 {
		if i < d.Prefix || k < d.Prefix {
			return unit(i == k)
		}
		i, k = i-d.Prefix, k-d.Prefix
		return float64(weights[i/d.To][k/d.From]) * float64(weights[i%d.To][k%d.From])
	})
}

// unit is 1 where something holds.
func unit(holds bool) float64 {
	if holds {
		return 1
	}
	return 0
}

// integers returns a list that is an attribute, or a known operand, nil when it is neither.
func (w *network) integers(n *nn.Node, attr string, operand int) []int {
	var out []int
	if a, ok := n.Attr(attr); ok {
		for _, v := range a.Ints {
			out = append(out, int(v))
		}
		if a.Kind == nn.AttrInt {
			out = []int{int(a.Int)}
		}
		return out
	}
	if operand < 0 || !w.has(n, operand) {
		return nil
	}
	info := &w.net.Values[n.In[operand]]
	if info.Const != nil && info.Const.Type == nn.Int64 {
		for _, v := range info.Const.Int64s() {
			out = append(out, int(v))
		}
		return out
	}
	if info.Param == nil {
		w.lacks("operand %q is not known before the network runs", info.Name)
		return nil
	}
	t, err := nn.Fetch(w.params.Weights(), *info.Param)
	if err != nil && w.err == nil {
		w.err = err
	}
	for _, v := range t.View() {
		out = append(out, int(v))
	}
	return out
}

// number returns a single number that is an attribute or a known operand, otherwise what stands for an absent one.
func (w *network) number(n *nn.Node, attr string, operand int, otherwise float64) float64 {
	if a, ok := n.Attr(attr); ok {
		return float64(a.Float)
	}
	if !w.has(n, operand) {
		return otherwise
	}
	info := &w.net.Values[n.In[operand]]
	if info.Const == nil || info.Const.Type != nn.Float32 || info.Const.Shape.Count() != 1 {
		w.lacks("operand %q is not a constant number", info.Name)
		return otherwise
	}
	return float64(info.Const.View()[0])
}

// axis returns an axis attribute, counted from the front.
func (w *network) axis(n *nn.Node, otherwise int) int {
	a := int(n.Int("axis", int64(otherwise)))
	if rank := len(w.shape(n.In[0])); a < 0 {
		a += rank
	}
	return a
}

func doubles(list []float32) []float64 {
	out := make([]float64, len(list))
	for i, v := range list {
		out[i] = float64(v)
	}
	return out
}
