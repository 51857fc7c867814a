package embedded

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// plan is a compiled graph, for any batch size.
type plan struct {
	graph   *nn.Graph
	buffers []buffer
	steps   []step
	inputs  []int // buffers
	outputs []int
	whole   bool            // images of a batch depend on each other, or shapes do not tell them apart
	times   []time.Duration // of the steps of the last run, where the plan is traced
}

// buffer is storage for one activation or constant.
type buffer struct {
	shape nn.Shape  // in memory order
	fixed []float32 // a constant
	input int       // index of the graph input plus one
	value nn.Value  // whose data it holds first; None for what no value of the graph names
}

// step is one kernel call.
type step struct {
	name    string
	node    int // of the graph; the one that wanted the data, for a conversion
	in, out []int
	border  bool // converts a graph input or output, so no work of the network's own
	bind    func(batch int) autodiff.Run
}

// compiler holds what is known while a plan is made.
type compiler struct {
	plan
	*autodiff.Plan
	weights nn.Weights
	isa     *kernel.ISA
	store   *store               // of what is shared with other plans, may be nil
	over    map[string]nn.Tensor // what this SubNet has instead of the store's
	windows *kernel.Windows
	stats   *recorder // when set, batch normalisations use their batch's statistics
	failed  []bool    // values whose node could not be compiled
	origins []int     // of each node, that of the graph as it was given; nil where it is the same one
	errs    []error
}

func compile(g *nn.Graph, w nn.Weights, isa *kernel.ISA, stats *recorder) (*plan, error) {
	c := &compiler{plan: plan{graph: g, whole: stats != nil}, weights: w, isa: isa, stats: stats, windows: new(kernel.Windows)}
	return c.compile()
}

// compileShared makes a plan whose weights are those of s, but for those in over.
func compileShared(g *nn.Graph, s *store, over map[string]nn.Tensor) (*plan, error) {
	c := &compiler{plan: plan{graph: g}, weights: nn.Overlay(s.base, over), isa: s.isa, store: s, over: over, windows: &s.windows}
	return c.compile()
}

func (c *compiler) compile() (*plan, error) {
	c.graph, c.origins = integerProducts(c.graph)
	c.Plan = autodiff.NewPlan(c, c.graph, c.isa)
	if err := c.fits(); err != nil {
		return nil, err
	}
	return c.lower(c.ahead())
}

// lower makes the steps of all nodes but those that are done.
func (c *compiler) lower(done []bool) (*plan, error) {
	g := c.graph
	c.Plan, c.failed = autodiff.NewPlan(c, g, c.isa), make([]bool, len(g.Values))
	c.connect()
	for i := range g.Nodes {
		if !c.Fused[i] && !done[i] {
			c.node(i)
		}
	}
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	for _, v := range g.Outputs {
		b, err := c.Want(v, autodiff.Plain(len(c.Shape(v))))
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", g.Values[v].Name, err)
		}
		c.outputs = append(c.outputs, b)
	}
	c.markBorders()
	p := c.plan // kept the rest, which is not needed any more
	return &p, nil
}

// node compiles node i. Of one whose operands could not be compiled it tells only that there is no such operator.
func (c *compiler) node(i int) {
	n := &c.graph.Nodes[i]
	c.Node = node{Node: n, Index: i}
	entry, ok := lowerings[n.Type]
	if !ok {
		entry, ok = control(n)
	}
	var err error
	switch {
	case !ok || n.Domain != "" && n.Domain != "ai.onnx":
		name, what := operators.Qualified(n.Domain, n.Type), "operator"
		if known[name] {
			what = "such form of operator"
		}
		err = fmt.Errorf("node %q: the embedded engine has no %s %s", n.Name, what, name)
	case slices.ContainsFunc(n.In, func(v nn.Value) bool { return c.failed[v] }):
	default:
		if err = entry(c, c.Node); err == nil {
			return
		}
		err = fmt.Errorf("node %q (%s): %w", n.Name, n.Type, err)
	}
	if err != nil && len(c.errs) < 20 {
		c.errs = append(c.errs, err)
	}
	for _, v := range n.Out {
		c.failed[v] = v != nn.None
	}
}

// connect gives inputs their buffers, and finds what makes images of a batch depend on each other.
func (c *compiler) connect() {
	g := c.graph
	c.Connect(func(i int, v nn.Value) int {
		c.buffers = append(c.buffers, buffer{shape: c.Shape(v), input: i + 1})
		c.inputs = append(c.inputs, len(c.buffers)-1)
		return len(c.buffers) - 1
	})
	for _, v := range slices.Concat(g.Inputs, g.Outputs) {
		c.whole = c.whole || len(c.Shape(v)) == 0 || c.Shape(v)[0] != nn.Batch
	}
	for _, v := range g.Values {
		c.whole = c.whole || len(v.Shape) > 0 && (v.Shape[0] < nn.Batch || v.Shape[1:].Open())
	}
}

// Mix implements autodiff.Engine.
func (c *compiler) Mix() { c.whole = true }

// Memory implements autodiff.Engine.
func (c *compiler) Memory(s nn.Shape, v nn.Value) int {
	c.buffers = append(c.buffers, buffer{shape: s, value: v})
	return len(c.buffers) - 1
}

// Constant implements autodiff.Engine.
func (c *compiler) Constant(v nn.Value) (int, error) {
	data, shape, err := c.floats(v)
	if err != nil {
		return 0, err
	}
	c.buffers = append(c.buffers, buffer{shape: shape, fixed: c.lasting(v, data)})
	return len(c.buffers) - 1, nil
}

// Emit implements autodiff.Engine. What can be computed once, is computed now.
func (c *compiler) Emit(s autodiff.Step) {
	if s.Once && len(s.In) == 1 && c.buffers[s.In[0]].fixed != nil {
		from, to := c.buffers[s.In[0]], &c.buffers[s.Out[0]]
		to.fixed = make([]float32, to.shape.Count())
		s.Bind(1)(kernel.NewTeam(1), [][]float32{from.fixed}, [][]float32{to.fixed})
		return
	}
	if s.Name == "" {
		s.Name = c.Node.Name
	}
	c.steps = append(c.steps, step{name: s.Name, node: c.origin(c.Node.Index), in: s.In, out: s.Out, bind: s.Forward()})
}

// emit adds the step of a fused operator.
func (c *compiler) emit(n node, in, out []int, bind func(batch int) autodiff.Run) {
	c.steps = append(c.steps, step{name: n.Name, node: c.origin(n.Index), in: in, out: out, bind: bind})
}

// origin is the node of the given graph that node i is a part of.
func (c *compiler) origin(i int) int {
	if c.origins == nil {
		return i
	}
	return c.origins[i]
}

// plainly adds a step of the operands in, whose elements and result are in the order of their axes.
func (c *compiler) plainly(n node, in []nn.Value, bind func(batch int) autodiff.Run) error {
	buffers := make([]int, len(in))
	for i, v := range in {
		var err error
		if buffers[i], err = c.Plainly(v); err != nil {
			return err
		}
	}
	c.emit(n, buffers, []int{c.ProducePlain(n.Out[0])}, bind)
	return nil
}

// markBorders marks the conversions of inputs and outputs.
func (c *compiler) markBorders() {
	for i := range c.steps {
		s := &c.steps[i]
		if strings.HasPrefix(s.name, autodiff.Reorder) {
			s.border = c.buffers[s.in[0]].input > 0 || slices.Contains(c.outputs, s.out[0])
		}
	}
}
