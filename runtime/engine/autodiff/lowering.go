package autodiff

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Engine is what a Plan is made for. It numbers the tensors that it has in memory.
type Engine interface {
	// Constant makes the tensor of a parameter or constant, in plain order.
	Constant(v nn.Value) (int, error)
	// Memory makes a tensor that a step will write. Its shape is in memory order. It holds v first, nn.None for no value of the graph.
	Memory(s nn.Shape, v nn.Value) int
	// Emit adds a step.
	Emit(s Step)
	// Mix says that images of a batch depend on each other.
	Mix()
	// IntegersOf and FloatsOf return the elements of a parameter or constant.
	IntegersOf(v nn.Value) ([]int, error)
	FloatsOf(v nn.Value) ([]float32, error)
}

// Step is one kernel's work.
type Step struct {
	Name    string                            // "" for that of the node at hand
	In, Out []int                             // tensors
	Bind    func(batch int) Run               // may be kept for long: it holds nothing of the Plan
	Back    func(batch int) []Gradient        // nil where results do not change when operands do so a little: comparisons, rounding
	Both    func(batch int) (Run, []Gradient) // instead of Bind and Back, where gradients need what Run has kept
	InPlace bool                              // the gradient with respect to the first operand may take the place of that of the result
	Once    bool                              // where operands are constants, the step may run while the plan is made
}

// Forward is what computes the results, without gradients.
func (s *Step) Forward() func(batch int) Run {
	if s.Both == nil {
		return s.Bind
	}
	both := s.Both
	return func(batch int) Run {
		run, _ := both(batch)
		return run
	}
}

// Bound returns what computes the results at a batch size, and gradients where wanted.
func (s *Step) Bound(batch int, wanted bool) (Run, []Gradient) {
	switch {
	case s.Both != nil:
		return s.Both(batch)
	case wanted && s.Back != nil:
		return s.Bind(batch), s.Back(batch)
	}
	return s.Bind(batch), nil
}

// Run computes the results of a step.
type Run func(t *kernel.Team, in, out [][]float32)

// Gradient sets g to the gradient with respect to one operand. A step has one for each operand, nil where there is none.
type Gradient func(t *kernel.Team, g []float32, s *State)

// State is what a step has in memory when it runs backward: operands, results, and gradients with respect to the results.
type State struct{ In, Out, Grad [][]float32 }

// Slot is one form in which a value is in memory: Order[p] is the logical axis at memory position p.
type Slot struct {
	Tensor int
	Order  []int
}

// Plan turns the nodes of a graph into steps over plain buffers, once for inference and for training. It knows in which order of axes each
// value is in memory. An operator is one function that asks for its operands in some order and emits steps.
type Plan struct {
	Engine Engine
	Graph  *nn.Graph
	ISA    *kernel.ISA
	Node   Node     // at hand
	Slots  [][]Slot // by value
	Users  []int    // consumers of each value, graph outputs included
	Reader []int    // the node that reads a value, where it is a single one
	Fused  []bool   // nodes that another node's step computes, and those that nothing depends on
}

// NewPlan returns a plan in which the graph's inputs are in memory.
func NewPlan(e Engine, g *nn.Graph, isa *kernel.ISA) *Plan {
	return &Plan{
		Engine: e, Graph: g, ISA: isa,
		Slots: make([][]Slot, len(g.Values)), Users: make([]int, len(g.Values)), Reader: make([]int, len(g.Values)), Fused: g.Idle(),
	}
}

// Connect counts users. input makes the tensor of an input.
func (p *Plan) Connect(input func(i int, v nn.Value) int) {
	g := p.Graph
	for i, n := range g.Nodes {
		if p.Fused[i] {
			continue
		}
		for _, v := range n.In {
			p.Users[v]++
			p.Reader[v] = i
		}
	}
	for _, v := range g.Outputs {
		p.Users[v] += 2 // never fused away
	}
	for i, v := range g.Inputs {
		p.Alias(v, input(i, v), Plain(len(g.Values[v].Shape)))
	}
}

// Shape is the logical shape of a value.
func (p *Plan) Shape(v nn.Value) nn.Shape { return p.Graph.Values[v].Shape }

// Type is the element type of a value.
func (p *Plan) Type(v nn.Value) nn.DType {
	if t := p.Graph.Values[v].Type; t != 0 {
		return t
	}
	return nn.Float32
}

// Known tells whether v is a parameter or constant.
func (p *Plan) Known(v nn.Value) bool { return p.Graph.Values[v].Known() }

// First returns the form in which v was produced.
func (p *Plan) First(v nn.Value) (Slot, error) {
	if len(p.Slots[v]) == 0 {
		c, err := p.Engine.Constant(v)
		if err != nil {
			return Slot{}, err
		}
		p.Alias(v, c, Plain(len(p.Shape(v))))
	}
	return p.Slots[v][0], nil
}

// Reorder begins the names of steps that change the order of axes in memory.
const Reorder = "reorder "

// Want returns v in the given order, and converts it when it is in none that is the same.
func (p *Plan) Want(v nn.Value, order []int) (int, error) {
	from, err := p.First(v)
	if err != nil {
		return 0, err
	}
	s := p.Shape(v)
	for _, sl := range p.Slots[v] {
		if sameOrder(s, sl.Order, order) {
			return sl.Tensor, nil
		}
	}
	to := Slot{p.Engine.Memory(Arrange(s, order), v), order}
	p.Slots[v] = append(p.Slots[v], to)
	p.Engine.Emit(Step{
		Name: Reorder + p.Graph.Values[v].Name, In: []int{from.Tensor}, Out: []int{to.Tensor}, Once: true,
		Bind: func(b int) Run { return copyTo(permuted(At(s, b), from.Order, order)) },
		Back: func(b int) []Gradient { return gradientTo(permuted(At(s, b), order, from.Order)) },
	})
	return to.Tensor, nil
}

// permuted copies a tensor of logical shape s from one order to another.
func permuted(s nn.Shape, from, to []int) *kernel.Copier {
	view := kernel.Dense(Arrange(s, from)).Permute(moves(from, to))
	return kernel.NewCopier(kernel.Dense(view.Dims), view)
}

func copyTo(c *kernel.Copier) Run {
	return func(t *kernel.Team, in, out [][]float32) { c.Run(t, out[0], in[0]) }
}

func gradientTo(c *kernel.Copier) []Gradient {
	return []Gradient{func(t *kernel.Team, g []float32, s *State) { c.Run(t, g, s.Grad[0]) }}
}

// Plainly returns v in plain order.
func (p *Plan) Plainly(v nn.Value) (int, error) { return p.Want(v, Plain(len(p.Shape(v)))) }

// Produce makes the tensor of a value that a step will write in the given order.
func (p *Plan) Produce(v nn.Value, order []int) int {
	t := p.Engine.Memory(Arrange(p.Shape(v), order), v)
	p.Alias(v, t, order)
	return t
}

// ProducePlain is Produce in plain order.
func (p *Plan) ProducePlain(v nn.Value) int { return p.Produce(v, Plain(len(p.Shape(v)))) }

// Scratch makes a tensor that no value of the graph names.
func (p *Plan) Scratch(s nn.Shape) int { return p.Engine.Memory(s, nn.None) }

// Alias makes v another name for a tensor.
func (p *Plan) Alias(v nn.Value, tensor int, order []int) { p.Slots[v] = []Slot{{tensor, order}} }

// Next returns the only consumer of v, if it is of one of the types and v is its data.
func (p *Plan) Next(v nn.Value, types ...string) (Node, bool) {
	if p.Users[v] != 1 {
		return Node{}, false
	}
	n := Node{&p.Graph.Nodes[p.Reader[v]], p.Reader[v]}
	return n, slices.Contains(types, n.Type) && n.In[0] == v
}

// Limited returns what becomes of v and within which limits: those of a Relu or Clip that is its only reader, which is then fused.
func (p *Plan) Limited(v nn.Value) (nn.Value, kernel.Limits) {
	if next, ok := p.Next(v, "Relu", "Clip"); ok {
		if lim, err := p.Limits(next); err == nil {
			p.Fused[next.Index] = true
			return next.Out[0], lim
		}
	}
	return v, kernel.NoLimits()
}
