//go:build !riscv64

package gorgonia

import (
	"fmt"
	"slices"

	g "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/autotailor/autotailor/runtime/nn"
)

// builder makes a Gorgonia graph of a network.
type builder struct {
	session *session
	net     *nn.Graph // of one batch size
	graph   *g.ExprGraph
	nodes   []*g.Node // by value
	machine *machine
}

func (s *session) build(batch int) (*machine, error) {
	net := s.graph.Bind(batch)
	b := &builder{session: s, net: net, graph: g.NewGraph(), nodes: make([]*g.Node, len(net.Values)), machine: &machine{}}
	for _, v := range net.Inputs {
		shape := b.shape(v)
		b.nodes[v] = g.NewTensor(b.graph, tensor.Float32, len(shape), g.WithShape(shape...), g.WithName(net.Values[v].Name))
		b.machine.inputs = append(b.machine.inputs, b.nodes[v])
	}
	for i := range net.Nodes {
		n := &net.Nodes[i]
		if err := b.node(n); err != nil {
			return nil, fmt.Errorf("node %q (%s): %w", n.Name, n.Type, err)
		}
	}
	b.machine.outputs = make([]g.Value, len(net.Outputs))
	for i, v := range net.Outputs {
		node, err := b.value(v)
		if err != nil {
			return nil, err
		}
		g.Read(node, &b.machine.outputs[i])
		b.machine.shapes = append(b.machine.shapes, b.shape(v))
	}
	b.machine.vm = g.NewTapeMachine(b.graph)
	return b.machine, nil
}

// shape returns a value's shape.
func (b *builder) shape(v nn.Value) nn.Shape { return slices.Clone(b.net.Values[v].Shape) }

// value returns the node of a value; constants get theirs when first asked for.
func (b *builder) value(v nn.Value) (*g.Node, error) {
	if b.nodes[v] == nil {
		info := &b.net.Values[v]
		t, err := b.constant(v)
		if err != nil {
			return nil, err
		}
		b.nodes[v] = g.NodeFromAny(b.graph, dense(t), g.WithName(info.Name))
	}
	return b.nodes[v], nil
}

func (b *builder) isConstant(v nn.Value) bool {
	info := &b.net.Values[v]
	return info.Param != nil || info.Const != nil
}

func (b *builder) constant(v nn.Value) (nn.Tensor, error) {
	info := &b.net.Values[v]
	switch {
	case info.Const != nil:
		return *info.Const, nil
	case info.Param != nil:
		return nn.Fetch(b.session.weights, *info.Param)
	}
	return nn.Tensor{}, fmt.Errorf("internal error: value %q is used before it is computed", info.Name)
}

// node adds one operator: Gorgonia's own where it has it, else ours.
func (b *builder) node(n *nn.Node) error {
	if f, ok := native[n.Type]; ok {
		node, err := f(b, n)
		if err != nil {
			return err
		}
		if node != nil {
			b.nodes[n.Out[0]] = node
			return nil
		}
	}
	for _, out := range n.Out {
		if out == nn.None {
			continue
		}
		if err := b.kernel(n, out); err != nil {
			return err
		}
	}
	return nil
}

// kernel adds one output of an operator as an Op of ours.
func (b *builder) kernel(n *nn.Node, out nn.Value) error {
	one := &nn.Graph{Nodes: []nn.Node{*n}, Values: b.net.Values, Outputs: []nn.Value{out}}
	var args []*g.Node
	for _, v := range n.In {
		if v != nn.None && !b.isConstant(v) && !slices.Contains(one.Inputs, v) {
			one.Inputs = append(one.Inputs, v)
			args = append(args, b.nodes[v])
		}
	}
	s, err := b.session.engine.kernels.Compile(one, b.session.weights)
	if err != nil {
		return err
	}
	b.machine.closers = append(b.machine.closers, s.Close)
	if len(args) == 0 { // Gorgonia has no operators without operands
		fixed, err := s.Run()
		if err == nil {
			b.nodes[out] = g.NodeFromAny(b.graph, dense(fixed[0]), g.WithName(b.net.Values[out].Name))
		}
		return err
	}
	op := &kernelOp{name: fmt.Sprintf("%s %s %d", n.Type, n.Name, out), session: s, shape: tensor.Shape(b.shape(out))}
	for _, v := range one.Inputs {
		op.in = append(op.in, b.shape(v))
	}
	b.nodes[out], err = g.ApplyOp(op, args...)
	return err
}

// native says how Gorgonia computes operators itself; a nil node means that it cannot at these shapes.
var native = map[string]func(b *builder, n *nn.Node) (*g.Node, error){
	"Add":     pairwise(g.Add),
	"Sub":     pairwise(g.Sub),
	"Mul":     pairwise(g.HadamardProd),
	"Div":     pairwise(g.HadamardDiv),
	"Relu":    elementwise(g.Rectify),
	"Sigmoid": elementwise(g.Sigmoid),
	"Tanh":    elementwise(g.Tanh),
	"Exp":     elementwise(g.Exp),
	"Log":     elementwise(g.Log),
	"Sqrt":    elementwise(g.Sqrt),
	"Neg":     elementwise(g.Neg),
	"Abs":     elementwise(g.Abs),
	"Flatten": reshape,
	"Reshape": reshape,
	"Gemm":    gemm,
}

func elementwise(f func(*g.Node) (*g.Node, error)) func(b *builder, n *nn.Node) (*g.Node, error) {
	return func(b *builder, n *nn.Node) (*g.Node, error) {
		x, err := b.value(n.In[0])
		if err != nil {
			return nil, err
		}
		return f(x)
	}
}

// pairwise is an element-wise operator of operands of the same shape; broadcasting is left to our kernels.
func pairwise(f func(x, y *g.Node) (*g.Node, error)) func(b *builder, n *nn.Node) (*g.Node, error) {
	return func(b *builder, n *nn.Node) (*g.Node, error) {
		if !slices.Equal(b.shape(n.In[0]), b.shape(n.In[1])) {
			return nil, nil
		}
		x, err := b.value(n.In[0])
		if err != nil {
			return nil, err
		}
		y, err := b.value(n.In[1])
		if err != nil {
			return nil, err
		}
		return f(x, y)
	}
}

func reshape(b *builder, n *nn.Node) (*g.Node, error) {
	x, err := b.value(n.In[0])
	if err != nil {
		return nil, err
	}
	return reshaped(x, tensor.Shape(b.shape(n.Out[0])))
}

// gemm is x*W + bias where the attributes ask for no more than a transposed W.
func gemm(b *builder, n *nn.Node) (*g.Node, error) {
	transposed := false
	for _, a := range n.Attrs {
		if a.Name != "transB" {
			return nil, nil
		}
		transposed = a.Int != 0
	}
	if b.isConstant(n.In[0]) || !b.isConstant(n.In[1]) || len(n.In) < 3 || !b.isConstant(n.In[2]) || len(b.shape(n.In[2])) != 1 {
		return nil, nil
	}
	w, err := b.constant(n.In[1])
	if err != nil {
		return nil, err
	}
	weight := dense(w)
	if transposed {
		if err := weight.T(); err != nil {
			return nil, err
		}
		if err := weight.Transpose(); err != nil {
			return nil, err
		}
	}
	bias, err := b.value(n.In[2])
	if err != nil {
		return nil, err
	}
	y, err := g.Mul(b.nodes[n.In[0]], g.NodeFromAny(b.graph, weight, g.WithName(n.Name+".weight")))
	if err != nil {
		return nil, err
	}
	return g.BroadcastAdd(y, bias, nil, []byte{0})
}
