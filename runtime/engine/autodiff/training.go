package autodiff

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

// training is a network under training: a plan for the batch size at hand.
type training struct {
	trainer *Trainer
	graph   *nn.Graph
	params  engine.Params
	plan    *plan
	ran     bool // Forward has run and Backward has not
	closed  bool
}

// Forward implements engine.Training.
func (t *training) Forward(in ...nn.Tensor) ([]nn.Tensor, error) {
	if t.closed {
		return nil, errors.New("the training is closed")
	}
	batch, err := t.check(in)
	if err != nil {
		return nil, err
	}
	if t.plan == nil || t.plan.batch != batch {
		m := t.release()
		if t.plan, err = newPlan(t.graph.Bind(batch), t.params, t.trainer.isa, m, batch); err != nil {
			t.trainer.giveBack(m)
			return nil, err
		}
	}
	p := t.plan
	for i, x := range in {
		if p.inputs[i].data, err = engine.Floats(x); err != nil {
			return nil, fmt.Errorf("input %q: %w", t.graph.Values[t.graph.Inputs[i]].Name, err)
		}
	}
	p.forward()
	out := make([]nn.Tensor, len(p.outputs))
	for i, v := range p.outputs {
		out[i] = nn.Tensor{Type: nn.Float32, Shape: p.Graph.Values[t.graph.Outputs[i]].Shape, Raw: nn.Bytes(v.data)}
	}
	t.ran = true
	return out, nil
}

// Backward implements engine.Training.
func (t *training) Backward(grads ...nn.Tensor) error {
	if !t.ran {
		return errors.New("there is no Forward to go back from")
	}
	p := t.plan
	if len(grads) != len(p.outputs) {
		return fmt.Errorf("got gradients with respect to %d outputs, want %d", len(grads), len(p.outputs))
	}
	data := make([][]float32, len(grads))
	for i, g := range grads {
		info := &p.Graph.Values[t.graph.Outputs[i]]
		if g.Type != nn.Float32 || !slices.Equal(g.Shape, info.Shape) || len(g.Raw) != 4*g.Shape.Count() {
			return fmt.Errorf("gradient with respect to output %q: got type %d shape %v with %d bytes, want float32 of shape %v", info.Name, g.Type, g.Shape, len(g.Raw), info.Shape)
		}
		data[i] = g.View()
	}
	t.ran = false
	p.backward(data)
	return nil
}

// Close gives the memory back.
func (t *training) Close() error {
	if t.plan != nil {
		t.trainer.giveBack(t.plan.memory)
	}
	t.plan, t.ran, t.closed = nil, false, true
	return nil
}

// release returns memory for another plan.
func (t *training) release() *memory {
	t.ran = false
	if t.plan == nil {
		return t.trainer.borrow()
	}
	m := t.plan.memory
	m.reset()
	t.plan = nil
	return m
}

// check verifies the inputs and returns the batch size.
func (t *training) check(in []nn.Tensor) (int, error) {
	g := t.graph
	if len(in) != len(g.Inputs) {
		return 0, fmt.Errorf("got %d inputs, want %d", len(in), len(g.Inputs))
	}
	batch := 1
	for i, v := range g.Inputs {
		if a := slices.Index(g.Values[v].Shape, nn.Batch); a >= 0 && a < len(in[i].Shape) {
			batch = in[i].Shape[a]
			break
		}
	}
	var errs []error
	for i, v := range g.Inputs {
		info, x := &g.Values[v], in[i]
		d := cmp.Or(info.Type, nn.Float32)
		if batch < 1 || x.Type != d || !slices.Equal(x.Shape, info.Shape.Bind(batch)) || len(x.Raw) != d.Bytes()*x.Shape.Count() {
			errs = append(errs, fmt.Errorf("input %q: got type %d shape %v with %d bytes, want type %d (1 is float32) of shape %v", info.Name, x.Type, x.Shape, len(x.Raw), d, info.Shape))
		}
	}
	return batch, errors.Join(errs...)
}
