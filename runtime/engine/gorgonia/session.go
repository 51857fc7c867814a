//go:build !riscv64

package gorgonia

import (
	"errors"
	"fmt"
	"slices"

	g "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/autotailor/autotailor/runtime/nn"
)

// session holds one machine per batch size.
type session struct {
	engine   *Engine
	graph    *nn.Graph
	weights  nn.Weights
	machines map[int]*machine
}

// machine is a Gorgonia graph at one batch size.
type machine struct {
	vm      g.VM
	inputs  []*g.Node
	outputs []g.Value
	shapes  []nn.Shape
	closers []func() error
}

// Run computes the outputs for a batch of any size.
func (s *session) Run(in ...nn.Tensor) ([]nn.Tensor, error) {
	batch, err := batchOf(s.graph, in)
	if err != nil {
		return nil, err
	}
	m := s.machines[batch]
	if m == nil {
		if m, err = s.build(batch); err != nil {
			return nil, err
		}
		s.machines[batch] = m
	}
	return m.run(in)
}

// batchOf checks the inputs and returns their batch size: Gorgonia panics in goroutines of its own where we return an error.
func batchOf(net *nn.Graph, in []nn.Tensor) (int, error) {
	if len(in) != len(net.Inputs) {
		return 0, fmt.Errorf("got %d inputs, want %d", len(in), len(net.Inputs))
	}
	batch := 1
	for i, v := range net.Inputs {
		if a := slices.Index(net.Values[v].Shape, nn.Batch); a >= 0 && a < len(in[i].Shape) {
			batch = in[i].Shape[a]
		}
	}
	for i, v := range net.Inputs {
		info := &net.Values[v]
		if t := in[i]; batch < 1 || t.Type != nn.Float32 || !slices.Equal(t.Shape, info.Shape.Bind(batch)) || len(t.Raw) != 4*t.Shape.Count() {
			return 0, fmt.Errorf("input %q: got type %d shape %v with %d bytes, want float32 of shape %v", info.Name, t.Type, t.Shape, len(t.Raw), info.Shape)
		}
	}
	return batch, nil
}

func (m *machine) run(in []nn.Tensor) ([]nn.Tensor, error) {
	for i, n := range m.inputs {
		if err := g.Let(n, dense(in[i])); err != nil {
			return nil, err
		}
	}
	m.vm.Reset()
	if err := m.vm.RunAll(); err != nil {
		return nil, fmt.Errorf("gorgonia: %w", err)
	}
	out := make([]nn.Tensor, len(m.outputs))
	for i, v := range m.outputs {
		data, err := floats(v)
		if err != nil {
			return nil, err
		}
		out[i] = nn.FromFloat32s(m.shapes[i], data)
	}
	return out, nil
}

// Close ends the machines.
func (s *session) Close() error {
	var errs []error
	for _, m := range s.machines {
		errs = append(errs, m.vm.Close())
		for _, f := range m.closers {
			errs = append(errs, f())
		}
	}
	clear(s.machines)
	return errors.Join(errs...)
}

// dense copies a tensor: the machine may overwrite it.
func dense(t nn.Tensor) *tensor.Dense {
	return tensor.New(tensor.WithShape(t.Shape...), tensor.WithBacking(slices.Clone(t.Float32s())))
}

// floats returns the elements of a value in row-major order.
func floats(v g.Value) ([]float32, error) {
	data, ok := v.Data().([]float32)
	if !ok {
		return nil, fmt.Errorf("gorgonia: a value of type %T where floats are expected", v.Data())
	}
	return data, nil
}
