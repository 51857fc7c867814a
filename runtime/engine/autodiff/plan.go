package autodiff

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// variable is a tensor and its derivatives.
type variable struct {
	shape   nn.Shape  // in memory order
	data    []float32 // nil where whoever reads it has it computed
	grad    []float32
	wants   bool // something that is trained depends on the derivatives
	touched bool // grad has derivatives already

	uses     int              // steps that read it, and outputs
	first    int              // the first step that reads it: in the backward pass, the last one that adds to its gradient
	columns  int              // of a convolution's or matrix product's results
	joins    bool             // of a step that can compute the gradient with respect to its result where it uses it
	moments  *kernel.Moments  // the product computes them when this is set
	deferred *kernel.Deferred // stands for grad

	// Of a normalisation's results:
	norm   *kernel.BatchNorm
	from   *variable // its operand
	summed bool      // the only step that reads them has made norm.Sums
	added  bool      // only a sum reads them, which can compute them: they are not limited

	// Of a sum's results:
	inside *kernel.Limits // within which they are limited, nil for none
	gated  bool           // the last step that added to the gradient has set it to 0 where results are at a limit of the activation
	terms  []*variable
	adds   bool             // a term is normalised where it is added
	left   bool             // to the first step that reads the results, a product, which then computes them by sum
	sum    *kernel.Addition // until that step has run
}

// step is one operator. Steps read data and grad of their variables when they run.
type step struct {
	name     string
	in, out  []*variable
	forward  func(t *kernel.Team)
	backward func(t *kernel.Team) // runs if an output has a gradient and an operand wants one; nil if that cannot be
	inPlace  int                  // the gradient with respect to one of the first inPlace operands may overwrite the gradient with respect to the result
}

// plan is a network at one batch size.
type plan struct {
	*Plan   // of a graph without open axes
	batch   int
	memory  *memory
	params  engine.Params
	bound   []*parameter
	steps   []step
	inputs  []*variable
	outputs []*variable // in plain order
	tensors []*variable // by their numbers in the Plan
}

func newPlan(g *nn.Graph, params engine.Params, isa *kernel.ISA, m *memory, batch int) (*plan, error) {
	p := &plan{batch: batch, memory: m, params: params}
	p.Plan = NewPlan(p, g, isa)
	p.Connect(func(_ int, v nn.Value) int {
		in := &variable{shape: p.Shape(v)}
		p.inputs = append(p.inputs, in)
		return p.number(in)
	})
	var errs []error
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if p.Fused[i] {
			continue
		}
		p.Node = Node{Node: n, Index: i}
		if err := makers[n.Type].make(p, p.Node); err != nil {
			errs = append(errs, fmt.Errorf("node %q (%s): %w", n.Name, n.Type, err))
			break // what follows would miss its operands
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, v := range g.Outputs {
		out, err := p.want(v, Plain(len(p.Shape(v))))
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", g.Values[v].Name, err)
		}
		out.uses++
		p.outputs = append(p.outputs, out)
	}
	p.placeGrads()
	return p, nil
}

func (p *plan) forward() {
	for _, b := range p.bound {
		b.read()
	}
	for i := range p.steps {
		p.steps[i].forward(p.memory.team)
	}
}

// backward takes gradients with respect to the outputs.
func (p *plan) backward(grads [][]float32) {
	for i := range p.steps {
		for _, v := range p.steps[i].out {
			v.touched = false
		}
	}
	for i, v := range p.outputs {
		p.pass(p.memory.team, v, grads[i])
	}
	for i := len(p.steps) - 1; i >= 0; i-- {
		s := &p.steps[i]
		if !slices.ContainsFunc(s.out, func(v *variable) bool { return v.touched }) || !slices.ContainsFunc(s.in, func(v *variable) bool { return v.wants }) {
			continue
		}
		for _, v := range s.out {
			if !v.touched {
				clear(v.grad)
			}
		}
		s.backward(p.memory.team)
	}
	for _, b := range p.bound {
		b.write()
	}
}

// receive calls f, which sets the gradient with respect to v, and adds it to the gradient that is there. f is not called if nobody needs it.
func (p *plan) receive(t *kernel.Team, v *variable, f func(to []float32)) {
	if !v.wants {
		return
	}
	if !v.touched {
		v.touched = true
		f(v.grad)
		return
	}
	s := p.memory.temporary(len(v.grad))
	f(s)
	p.ISA.Add(t, v.grad, s)
}

// pass adds derivatives to those of v.
func (p *plan) pass(t *kernel.Team, v *variable, g []float32) {
	switch {
	case !v.wants:
	case v.touched:
		p.ISA.Add(t, v.grad, g)
	case &v.grad[0] == &g[0]: // in place
		v.touched = true
	default:
		v.touched = true
		kernel.Copy(t, v.grad, g)
	}
}

// emit appends a step.
func (p *plan) emit(in, out []*variable, forward, backward func(t *kernel.Team)) {
	for _, v := range in {
		if v.uses == 0 {
			v.first = len(p.steps)
		}
		v.uses++
	}
	p.steps = append(p.steps, step{name: p.Node.Name, in: in, out: out, forward: forward, backward: backward})
}
