package autodiff

import (
	"cmp"
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
	first    int              // the first step that reads it, which is the last one to have derivatives by it
	columns  int              // of a convolution's or matrix product's results
	joins    bool             // of one that can compute derivatives by its results where it uses them
	moments  *kernel.Moments  // the product computes them when this is set
	deferred *kernel.Deferred // stands for grad

	// Of a normalisation's results:
	norm   *kernel.BatchNorm
	from   *variable // its operand
	summed bool      // the only step that reads them has made norm.Sums
	added  bool      // only a sum reads them, which can compute them: they are not limited

	// Of a sum's results:
	inside *kernel.Limits // within which they are limited, nil for none
	gated  bool           // the last step that has derivatives by them has set them to 0 where results are at a limit
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
	backward func(t *kernel.Team) // runs when there are derivatives by an output and an operand wants them; nil where that cannot be
	inPlace  int                  // derivatives by one of so many first operands may take the place of those by the result
}

// slot is one form in which a value is in memory: order[p] is the logical axis at memory position p.
type slot struct {
	v     *variable
	order []int
}

// plan is a network at one batch size.
type plan struct {
	graph   *nn.Graph // without open axes
	batch   int
	isa     *kernel.ISA
	memory  *memory
	params  engine.Params
	bound   []*parameter
	steps   []step
	inputs  []*variable
	outputs []*variable // in plain order

	slots  [][]slot // by value
	users  []int    // consumers of each value, graph outputs included
	reader []int    // the node that reads a value, where it is a single one
	fused  []bool   // nodes that another node's step computes, and those that nothing depends on
	name   string   // of the node at hand
}

func newPlan(g *nn.Graph, params engine.Params, isa *kernel.ISA, m *memory, batch int) (*plan, error) {
	p := &plan{
		graph: g, batch: batch, isa: isa, memory: m, params: params,
		slots: make([][]slot, len(g.Values)), users: make([]int, len(g.Values)), reader: make([]int, len(g.Values)), fused: g.Idle(),
	}
	p.connect()
	var errs []error
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if p.fused[i] {
			continue
		}
		p.name = n.Name
		if err := makers[n.Type].make(p, node{n, i}); err != nil {
			errs = append(errs, fmt.Errorf("node %q (%s): %w", n.Name, n.Type, err))
			break // what follows would miss its operands
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for _, v := range g.Outputs {
		out, err := p.want(v, plain(len(p.shape(v))))
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", g.Values[v].Name, err)
		}
		out.uses++
		p.outputs = append(p.outputs, out)
	}
	p.placeGrads()
	return p, nil
}

// connect counts users and gives inputs their variables.
func (p *plan) connect() {
	g := p.graph
	for i, n := range g.Nodes {
		if p.fused[i] {
			continue
		}
		for _, v := range n.In {
			p.users[v]++
			p.reader[v] = i
		}
	}
	for _, v := range g.Outputs {
		p.users[v] += 2 // never fused away
	}
	for _, v := range g.Inputs {
		s := g.Values[v].Shape
		in := &variable{shape: s}
		p.inputs = append(p.inputs, in)
		p.slots[v] = []slot{{in, plain(len(s))}}
	}
}

func (p *plan) forward() {
	for _, b := range p.bound {
		b.read()
	}
	for i := range p.steps {
		p.steps[i].forward(p.memory.team)
	}
}

// backward takes derivatives by the outputs.
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

// receive lets f set derivatives by v, and adds them to those that are there. f is not called when nobody wants them.
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
	p.isa.Add(t, v.grad, s)
}

// pass adds derivatives to those of v.
func (p *plan) pass(t *kernel.Team, v *variable, g []float32) {
	switch {
	case !v.wants:
	case v.touched:
		p.isa.Add(t, v.grad, g)
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
	p.steps = append(p.steps, step{name: p.name, in: in, out: out, forward: forward, backward: backward})
}

func (p *plan) shape(v nn.Value) nn.Shape { return p.graph.Values[v].Shape }

// typ is the element type of a value.
func (p *plan) typ(v nn.Value) nn.DType { return cmp.Or(p.graph.Values[v].Type, nn.Float32) }

// first returns the form in which v was produced.
func (p *plan) first(v nn.Value) (slot, error) {
	if len(p.slots[v]) == 0 {
		c, err := p.known(v)
		if err != nil {
			return slot{}, err
		}
		p.slots[v] = []slot{{c, plain(len(c.shape))}}
	}
	return p.slots[v][0], nil
}

// want returns v in the given order, and converts it when it is in none that is the same.
func (p *plan) want(v nn.Value, order []int) (*variable, error) {
	from, err := p.first(v)
	if err != nil {
		return nil, err
	}
	s := p.shape(v)
	for _, sl := range p.slots[v] {
		if sameOrder(s, sl.order, order) {
			return sl.v, nil
		}
	}
	to := p.variable(arrange(s, order), from.v.wants)
	p.slots[v] = append(p.slots[v], slot{to, order})
	view := kernel.Dense(arrange(s, from.order)).Permute(moves(from.order, order))
	back := kernel.Dense(to.shape).Permute(moves(order, from.order))
	there, home := kernel.NewCopier(kernel.Dense(view.Dims), view), kernel.NewCopier(kernel.Dense(back.Dims), back)
	p.emit([]*variable{from.v}, []*variable{to}, func(t *kernel.Team) { there.Run(t, to.data, from.v.data) }, func(t *kernel.Team) {
		p.receive(t, from.v, func(g []float32) { home.Run(t, g, to.grad) })
	})
	return to, nil
}

// variable makes a tensor in memory.
func (p *plan) variable(s nn.Shape, wants bool) *variable {
	n := s.Count()
	return &variable{shape: s, data: p.memory.floats(n)[:n], wants: wants}
}

// produce makes the variable of a value that a step will write in the given order; from are the operands.
func (p *plan) produce(v nn.Value, order []int, from ...*variable) *variable {
	to := p.virtual(v, order, from...)
	n := to.shape.Count()
	to.data = p.memory.floats(n)[:n]
	return to
}

// virtual is produce without memory.
func (p *plan) virtual(v nn.Value, order []int, from ...*variable) *variable {
	to := &variable{shape: arrange(p.shape(v), order), wants: slices.ContainsFunc(from, func(x *variable) bool { return x.wants })}
	p.slots[v] = []slot{{to, order}}
	return to
}

// alias makes v another name for a variable.
func (p *plan) alias(v nn.Value, to *variable, order []int) { p.slots[v] = []slot{{to, order}} }

// next returns the only consumer of v, if it is of one of the types and v is its data.
func (p *plan) next(v nn.Value, types ...string) (node, bool) {
	if p.users[v] != 1 {
		return node{}, false
	}
	n := node{&p.graph.Nodes[p.reader[v]], p.reader[v]}
	return n, slices.Contains(types, n.Type) && n.In[0] == v
}
