package embedded

import (
	"errors"
	"fmt"
	"slices"
	"time"

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

// reorder begins the names of steps that change the layout.
const reorder = "reorder "

// step is one kernel call.
type step struct {
	name    string
	node    int // of the graph; the one that wanted the data, for a conversion
	in, out []int
	border  bool // converts a graph input or output, so no work of the network's own
	bind    func(batch int) kernelFunc
}

type kernelFunc func(t *kernel.Team, in, out [][]float32)

// slot is one form in which a value is in memory: order[p] is the logical axis at memory position p.
type slot struct {
	buffer int
	order  []int
}

// compiler holds what is known while a plan is made.
type compiler struct {
	plan
	weights nn.Weights
	isa     *kernel.ISA
	store   *store               // of what is shared with other plans, may be nil
	over    map[string]nn.Tensor // what this SubNet has instead of the store's
	windows *kernel.Windows
	stats   *recorder // when set, batch normalisations use their batch's statistics
	slots   [][]slot  // by value
	users   []int     // consumers of each value, graph outputs included
	reader  []int     // the node that reads a value, where it is a single one
	fused   []bool    // nodes that another node's step computes, and those that nothing depends on
	failed  []bool    // values whose node could not be compiled
	at      int       // the node that is being compiled
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
	g := c.graph
	c.slots, c.users = make([][]slot, len(g.Values)), make([]int, len(g.Values))
	c.reader, c.fused, c.failed = make([]int, len(g.Values)), g.Idle(), make([]bool, len(g.Values))
	if err := c.fits(); err != nil {
		return nil, err
	}
	c.connect()
	for i := range g.Nodes {
		if !c.fused[i] {
			c.node(i)
		}
	}
	if len(c.errs) > 0 {
		return nil, errors.Join(c.errs...)
	}
	for _, v := range g.Outputs {
		b, err := c.want(v, plain(len(c.shape(v))))
		if err != nil {
			return nil, fmt.Errorf("output %q: %w", g.Values[v].Name, err)
		}
		c.outputs = append(c.outputs, b)
	}
	c.markBorders()
	p := c.plan // without the rest, which is not needed any more
	return &p, nil
}

// node compiles node i. Of one whose operands could not be compiled it tells only that there is no such operator.
func (c *compiler) node(i int) {
	n := &c.graph.Nodes[i]
	c.at = i
	lower, ok := lowerings[n.Type]
	var err error
	switch {
	case !ok || n.Domain != "" && n.Domain != "ai.onnx":
		err = fmt.Errorf("node %q: the embedded engine has no operator %s", n.Name, qualified(n))
	case slices.ContainsFunc(n.In, func(v nn.Value) bool { return c.failed[v] }):
	default:
		if err = lower(c, node{n, i}); err == nil {
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

func qualified(n *nn.Node) string {
	if n.Domain == "" {
		return n.Type
	}
	return n.Domain + "." + n.Type
}

// connect counts users and gives inputs their buffers.
func (c *compiler) connect() {
	g := c.graph
	for i, n := range g.Nodes {
		if c.fused[i] {
			continue
		}
		for _, v := range n.In {
			c.users[v]++
			c.reader[v] = i
		}
	}
	for _, v := range g.Outputs {
		c.users[v] += 2 // never fused away
		c.whole = c.whole || len(c.shape(v)) == 0 || c.shape(v)[0] != nn.Batch
	}
	for i, v := range g.Inputs {
		s := g.Values[v].Shape
		c.inputs = append(c.inputs, len(c.buffers))
		c.slots[v] = []slot{{len(c.buffers), plain(len(s))}}
		c.buffers = append(c.buffers, buffer{shape: s, input: i + 1})
		c.whole = c.whole || len(s) == 0 || s[0] != nn.Batch
	}
	for _, v := range g.Values {
		c.whole = c.whole || len(v.Shape) > 0 && (v.Shape[0] < nn.Batch || v.Shape[1:].Open())
	}
}

func (c *compiler) shape(v nn.Value) nn.Shape { return c.graph.Values[v].Shape }

// plain is the order of a row-major tensor of the given rank.
func plain(rank int) []int {
	o := make([]int, rank)
	for i := range o {
		o[i] = i
	}
	return o
}

// channelsLast is the order of images: axis 1 comes last.
func channelsLast(rank int) []int {
	o := make([]int, 0, rank)
	for i := range rank {
		if i != 1 {
			o = append(o, i)
		}
	}
	if rank > 1 {
		o = append(o, 1)
	}
	return o
}

// sameOrder tells whether two orders put the elements of a tensor at the same places: axes of extent 1 do not matter.
func sameOrder(s nn.Shape, a, b []int) bool {
	i := 0
	for _, x := range a {
		if s[x] == 1 {
			continue
		}
		for s[b[i]] == 1 {
			i++
		}
		if b[i] != x {
			return false
		}
		i++
	}
	return true
}

func arrange(s nn.Shape, order []int) nn.Shape {
	to := make(nn.Shape, len(order))
	for p, axis := range order {
		to[p] = s[axis]
	}
	return to
}

// first returns the form in which v was produced.
func (c *compiler) first(v nn.Value) (slot, error) {
	if len(c.slots[v]) == 0 {
		if err := c.constant(v); err != nil {
			return slot{}, err
		}
	}
	return c.slots[v][0], nil
}

// want returns a buffer that holds v in the given order, and converts it when there is none.
func (c *compiler) want(v nn.Value, order []int) (int, error) {
	from, err := c.first(v)
	if err != nil {
		return 0, err
	}
	s := c.shape(v)
	for _, sl := range c.slots[v] {
		if sameOrder(s, sl.order, order) {
			return sl.buffer, nil
		}
	}
	to := slot{len(c.buffers), order}
	c.buffers = append(c.buffers, buffer{shape: arrange(s, order), value: v})
	c.slots[v] = append(c.slots[v], to)
	move := moves(from.order, order)
	src, memory := c.buffers[from.buffer], arrange(s, from.order) // the buffer may be another value's, of another shape
	if src.fixed != nil {
		view := kernel.Dense(memory).Permute(move)
		data := make([]float32, len(src.fixed))
		kernel.NewCopier(kernel.Dense(view.Dims), view).Run(kernel.NewTeam(1), data, src.fixed)
		c.buffers[to.buffer].fixed = data
		return to.buffer, nil
	}
	c.steps = append(c.steps, step{name: reorder + c.graph.Values[v].Name, node: c.at, in: []int{from.buffer}, out: []int{to.buffer}, bind: func(b int) kernelFunc {
		view := kernel.Dense(at(memory, b)).Permute(move)
		copier := kernel.NewCopier(kernel.Dense(view.Dims), view)
		return func(t *kernel.Team, in, out [][]float32) { copier.Run(t, out[0], in[0]) }
	}})
	return to.buffer, nil
}

// moves returns the permutation of memory positions that leads from one order to another.
func moves(from, to []int) []int {
	m := make([]int, len(to))
	for i, axis := range to {
		m[i] = slices.Index(from, axis)
	}
	return m
}

// produce makes the buffer of a value that a step will write in the given order.
func (c *compiler) produce(v nn.Value, order []int) int {
	b := len(c.buffers)
	c.buffers = append(c.buffers, buffer{shape: arrange(c.shape(v), order), value: v})
	c.slots[v] = []slot{{b, order}}
	return b
}

// scratch makes a buffer that no value of the graph names.
func (c *compiler) scratch(s nn.Shape) int {
	c.buffers = append(c.buffers, buffer{shape: s})
	return len(c.buffers) - 1
}

// alias makes v another name for a buffer.
func (c *compiler) alias(v nn.Value, buffer int, order []int) { c.slots[v] = []slot{{buffer, order}} }

func (c *compiler) emit(n node, in, out []int, bind func(batch int) kernelFunc) {
	c.steps = append(c.steps, step{name: n.Name, node: n.index, in: in, out: out, bind: bind})
}

// constant gives a parameter or constant its buffer.
func (c *compiler) constant(v nn.Value) error {
	data, shape, err := c.floats(v)
	if err != nil {
		return err
	}
	c.slots[v] = []slot{{len(c.buffers), plain(len(shape))}}
	c.buffers = append(c.buffers, buffer{shape: shape, fixed: c.lasting(v, data)})
	return nil
}

// at is s for a batch of b.
func at(s nn.Shape, b int) nn.Shape {
	return slices.Clone(s.Bind(b))
}

func size(s nn.Shape) int {
	n := 1
	for _, e := range s {
		n *= e
	}
	return n
}

// markBorders marks the conversions of inputs and outputs.
func (c *compiler) markBorders() {
	for i := range c.steps {
		s := &c.steps[i]
		if len(s.name) > 7 && s.name[:8] == "reorder " {
			s.border = c.buffers[s.in[0]].input > 0 || slices.Contains(c.outputs, s.out[0])
		}
	}
}
