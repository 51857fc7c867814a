package infer

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// maxTold is how many mistakes of a network Graph tells.
const maxTold = 10

// Misfit is a node that contradicts what the network declares.
type Misfit struct {
	Node     *nn.Node
	Result   string // the value's name; "" where the operands or attributes do not fit each other
	Declared Value
	Inferred Value
	Err      error // what does not fit, nil where declared and inferred differ
}

// Error names the node and its operator, and says what is wrong.
func (m *Misfit) Error() string {
	at := fmt.Sprintf("node %.60q (%.40s)", m.Node.Name, operators.Qualified(m.Node.Domain, m.Node.Type))
	if m.Err != nil {
		return at + ": " + m.Err.Error()
	}
	return fmt.Sprintf("%s: its result %.60q is declared as %s, the operator makes %s", at, m.Result, m.Declared, m.Inferred)
}

// Unwrap returns what does not fit.
func (m *Misfit) Unwrap() error { return m.Err }

// Graph infers every node of a network in order and compares the results with what the network declares. Its error joins a Misfit for each
// node that contradicts it, the first few. What cannot be known is taken as the network declares it.
//
// The network must have no open batch; see nn.Graph.Bind. w has the integer parameters, which may be bounds or axes; without it their
// elements are unknown.
func Graph(g *nn.Graph, w nn.Weights) error {
	var wrong []error
	more := 0
	err := Walk(g, w, func(n *nn.Node, out []Value, err error) {
		for _, m := range misfits(g, n, out, err) {
			if len(wrong) == maxTold {
				more++
				continue
			}
			wrong = append(wrong, m)
		}
	})
	if more > 0 {
		wrong = append(wrong, fmt.Errorf("... and %d more", more))
	}
	return errors.Join(append(wrong, err)...)
}

// misfits compares the results of a node with the network's values.
func misfits(g *nn.Graph, n *nn.Node, out []Value, err error) []error {
	var not *Unknown
	if err != nil && !errors.As(err, &not) {
		return []error{&Misfit{Node: n, Err: err}}
	}
	var list []error
	for k, v := range n.Out {
		if v == nn.None {
			continue
		}
		i := &g.Values[v]
		shapes := out[k].Unknown || slices.Equal(out[k].Shape, i.Shape)
		types := out[k].Type == 0 || i.Type == 0 || out[k].Type == i.Type
		if !shapes || !types {
			list = append(list, &Misfit{Node: n, Result: i.Name, Declared: Value{Type: i.Type, Shape: i.Shape}, Inferred: out[k]})
		}
	}
	return list
}

// Walk calls visit for every node of a network in order, with what Node says of it. The operands are as the network declares them. The error
// says why the network cannot be walked: it has an open batch, or a node has a value that is none.
func Walk(g *nn.Graph, w nn.Weights, visit func(n *nn.Node, out []Value, err error)) error {
	values, err := declared(g, w)
	if err != nil {
		return err
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		in := make([]Value, len(n.In))
		for _, v := range slices.Concat(n.In, n.Out) {
			if v < 0 || int(v) >= len(values) {
				return fmt.Errorf("node %.60q (%.40s) has value %d, which the network does not have", n.Name, operators.Qualified(n.Domain, n.Type), v)
			}
		}
		for k, v := range n.In {
			in[k] = values[v]
		}
		out, err := Node(n, in)
		visit(n, out, err)
		for k, v := range n.Out {
			if v != nn.None && slices.Equal(out[k].Shape, values[v].Shape) {
				values[v].Ints, values[v].Floats = out[k].Ints, out[k].Floats
			}
		}
	}
	return nil
}

// declared is what the network says of its values.
func declared(g *nn.Graph, w nn.Weights) ([]Value, error) {
	values := make([]Value, len(g.Values))
	for k := range g.Values {
		i := &g.Values[k]
		v := Value{Type: i.Type, Shape: i.Shape}
		switch {
		case i.Shape.Open():
			return nil, fmt.Errorf("value %.60q has an open axis, %v: bind the batch first", i.Name, i.Shape)
		case i.Const != nil:
			v = Of(*i.Const)
		case i.Param != nil && w != nil && readers[i.Type] != nil:
			if n, err := product(i.Shape); err != nil || n > maxKnown {
				break
			}
			t, err := nn.Fetch(w, *i.Param)
			if err != nil {
				return nil, fmt.Errorf("parameter %.60q: %w", i.Name, err)
			}
			v = Of(t)
		}
		if i.Type != 0 && v.Type != i.Type || !slices.Equal(v.Shape, i.Shape) {
			return nil, fmt.Errorf("value %.60q is declared as %s, its elements are %s", i.Name, Value{Type: i.Type, Shape: i.Shape}, v)
		}
		values[k] = v
	}
	return values, nil
}
