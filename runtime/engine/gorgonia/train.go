//go:build !riscv64

package gorgonia

import (
	"errors"
	"fmt"
	"slices"

	g "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

var _ engine.Partial = (*Engine)(nil)

// Lacks implements engine.Partial.
func (e *Engine) Lacks(net *nn.Graph, p engine.Params) map[int]string {
	const batch = 2 // more than one, which is easier to get right
	bound, idle := net.Bind(batch), net.Idle()
	out := map[int]string{}
	for i := range bound.Nodes {
		if idle[i] {
			continue
		}
		w, n := newNetwork(bound, p), &bound.Nodes[i]
		for _, v := range n.In {
			if info := &bound.Values[v]; v != nn.None && !info.Known() && w.nodes[v] == nil && info.Type <= nn.Float32 {
				w.input(v)
			}
		}
		if err := safely(func() error { return w.node(n) }); err != nil {
			out[i] = err.Error()
		}
	}
	return out
}

// Train prepares a network for training in Gorgonia's own operators, differentiated by Gorgonia. Its error names what Gorgonia lacks.
func (e *Engine) Train(net *nn.Graph, p engine.Params) (engine.Training, error) {
	lacks := e.Lacks(net, p)
	var errs []error
	for i := range net.Nodes {
		if why, ok := lacks[i]; ok && len(errs) < 20 {
			n := &net.Nodes[i]
			errs = append(errs, fmt.Errorf("node %q (%s): %s", n.Name, n.Type, why))
		}
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("gorgonia cannot train this network: %w", errors.Join(errs...))
	}
	return &training{net: net, params: p}, nil
}

// safely calls f and makes an error of a panic of Gorgonia's.
func safely(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("gorgonia: %v", r)
		}
	}()
	return f()
}

// training is a network in Gorgonia's operators. Graphs have one batch size.
type training struct {
	net         *nn.Graph
	params      engine.Params
	batch       int
	there, back *tape       // forward alone, and with derivatives
	in          []nn.Tensor // of the last Forward, nil after Backward
	closed      bool
}

// tape is an expression that runs.
type tape struct {
	*network
	vm     g.VM
	scales []*g.Node // weights of the outputs in the cost that is differentiated
	outs   []g.Value
	trains []leaf  // that are differentiated by
	grads  g.Nodes // of these
}

// Forward implements engine.Training.
func (t *training) Forward(in ...nn.Tensor) ([]nn.Tensor, error) {
	if t.closed {
		return nil, errors.New("the training is closed")
	}
	batch, err := batchOf(t.net, in)
	if err != nil {
		return nil, err
	}
	if batch != t.batch {
		if err := t.release(); err != nil {
			return nil, err
		}
		t.batch = batch
	}
	if t.there == nil {
		if t.there, err = t.tape(false); err != nil {
			return nil, err
		}
	}
	if err := t.there.run(in, nil); err != nil {
		return nil, err
	}
	t.in = slices.Clone(in)
	var out []nn.Tensor
	for i, v := range t.there.outs {
		data, err := singles(v)
		if err != nil {
			return nil, err
		}
		out = append(out, nn.Viewed(t.there.shape(t.net.Outputs[i]), data))
	}
	return out, nil
}

// Backward implements engine.Training.
func (t *training) Backward(grads ...nn.Tensor) (err error) {
	if t.in == nil {
		return errors.New("there is no Forward to go back from")
	}
	if len(grads) != len(t.net.Outputs) {
		return fmt.Errorf("got gradients with respect to %d outputs, want %d", len(grads), len(t.net.Outputs))
	}
	if t.back == nil {
		if t.back, err = t.tape(true); err != nil {
			return err
		}
	}
	if err := t.back.run(t.in, grads); err != nil {
		return err
	}
	t.in = nil
	for i, l := range t.back.trains {
		if err := t.back.give(l, t.back.grads[i]); err != nil {
			return err
		}
	}
	return nil
}

// Close ends the machines.
func (t *training) Close() error {
	t.closed = true
	return t.release()
}

func (t *training) release() error {
	t.in = nil
	var errs []error
	for _, m := range []**tape{&t.there, &t.back} {
		if *m != nil {
			errs = append(errs, (*m).vm.Close())
		}
		*m = nil
	}
	return errors.Join(errs...)
}

// tape builds the network, and what differentiates it.
func (t *training) tape(differentiate bool) (*tape, error) {
	m := &tape{network: newNetwork(t.net.Bind(t.batch), t.params)}
	err := safely(func() error {
		if err := m.build(); err != nil {
			return err
		}
		m.outs = make([]g.Value, len(m.net.Outputs))
		if !differentiate {
			for i, v := range m.net.Outputs {
				g.Read(m.nodes[v], &m.outs[i])
			}
		} else if err := m.differentiate(); err != nil {
			return err
		}
		m.vm = g.NewTapeMachine(m.graph)
		return nil
	})
	return m, err
}

// differentiate has Gorgonia differentiate the sum of the outputs times their scales.
func (m *tape) differentiate() error {
	var cost *g.Node
	for i, v := range m.net.Outputs {
		n := m.shape(v).Count()
		m.scales = append(m.scales, m.leaf(nn.Shape{n}, fmt.Sprintf("scale %d", i)))
		part := m.one(func(x *g.Node) (*g.Node, error) { return g.Sum(x) }, m.mul(m.reshape(m.nodes[v], n), m.scales[i]))
		if cost == nil {
			cost = part
		} else {
			cost = m.add(cost, part)
		}
	}
	if m.err != nil {
		return m.err
	}
	var by g.Nodes
	for _, l := range m.leaves {
		if t := m.params.Of(&l.param); t != nil && t.Grad != nil {
			m.trains, by = append(m.trains, l), append(by, l.node)
		}
	}
	var err error
	m.grads, err = g.Grad(cost, by...)
	return err
}

// run computes the network, and derivatives where there are scales.
func (m *tape) run(in, scales []nn.Tensor) error {
	return safely(func() error {
		for i, v := range m.net.Inputs {
			if err := let(m.nodes[v], in[i]); err != nil {
				return err
			}
		}
		for i, t := range scales {
			if err := let(m.scales[i], t); err != nil {
				return err
			}
		}
		for _, l := range m.leaves {
			t, err := nn.Fetch(m.params.Weights(), l.param)
			if err == nil {
				err = let(l.node, t)
			}
			if err != nil {
				return err
			}
		}
		m.vm.Reset()
		if err := m.vm.RunAll(); err != nil {
			return fmt.Errorf("gorgonia: %w", err)
		}
		return nil
	})
}

// let sets a leaf.
func let(n *g.Node, t nn.Tensor) error {
	if t.Shape.Count() != n.Shape().TotalSize() {
		return fmt.Errorf("%s: got shape %v, want %v", n.Name(), t.Shape, n.Shape())
	}
	return g.Let(n, tensor.New(tensor.WithShape(n.Shape()...), tensor.WithBacking(doubles(t.View()))))
}

// give adds the gradient with respect to a leaf to that of the tensor that it is a part of.
func (m *tape) give(l leaf, grad *g.Node) error {
	data, err := doublesOf(grad.Value())
	if err != nil {
		return err
	}
	at, err := m.params.Positions(l.param)
	if err != nil {
		return err
	}
	if len(at) != len(data) {
		return fmt.Errorf("gorgonia: the gradient with respect to %q has %d elements, want %d", l.param.Name, len(data), len(at))
	}
	to := m.params.Of(&l.param).Grad
	for i, d := range data {
		to[at[i]] += float32(d)
	}
	return nil
}

// singles returns the elements of a value in single precision.
func singles(v g.Value) ([]float32, error) {
	data, err := doublesOf(v)
	out := make([]float32, len(data))
	for i, x := range data {
		out[i] = float32(x)
	}
	return out, err
}

func doublesOf(v g.Value) ([]float64, error) {
	if v == nil {
		return nil, errors.New("gorgonia: a value was not computed")
	}
	switch data := v.Data().(type) {
	case []float64:
		return data, nil
	case float64:
		return []float64{data}, nil
	}
	return nil, fmt.Errorf("gorgonia: a value of type %T where floats are expected", v.Data())
}
