package op

import (
	"errors"
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// Rules are what Infer knows beside the graph.
type Rules struct {
	Bind map[ir.ValueID][]dim.Dim
	Over map[*ir.Node]Overrides
	// Made is called with every value's shape once it is known; may be nil.
	Made func(id ir.ValueID, shape []dim.Dim)
	// Table tells the shape of a constant that follows what was inferred before the node that reads it; may be nil, and return nil.
	Table func(id ir.ValueID) []dim.Dim
	// Target tells what a Reshape or an Expand makes of its operand, because exporters write down the extents of the original; may be nil. The
	// model's own target is taken when the result would not have as many elements.
	Target func(n *ir.Node) []dim.Dim
}

// Infer is InferGraph with all that is known of each value.
func Infer(g *ir.Graph, r Rules) ([]Operand, error) {
	f := Start(g, r)
	err := f.Run()
	return f.vals, err
}

// Inference infers the shapes of a graph's values, node by node.
type Inference struct {
	graph *ir.Graph
	rules Rules
	vals  []Operand          // by ValueID
	batch dim.Dim            // of the inputs
	names map[string]dim.Dim // of the inputs' extents
}

// Start prepares the inference: the shapes of inputs and constants are known.
func Start(g *ir.Graph, r Rules) *Inference {
	f := &Inference{graph: g, rules: r, vals: make([]Operand, len(g.Values)), batch: batchOf(r.Bind), names: extents(g, r.Bind)}
	for id, v := range g.Values {
		if v != nil {
			f.vals[id] = operand(v)
		}
		if s, ok := r.Bind[ir.ValueID(id)]; ok {
			f.vals[id].Shape = s
		}
		if r.Made != nil && f.vals[id].Shape != nil {
			r.Made(ir.ValueID(id), f.vals[id].Shape)
		}
	}
	return f
}

// Run infers the results of all nodes.
func (f *Inference) Run() error {
	var errs []error
	for _, n := range f.graph.Nodes {
		errs = append(errs, f.Step(n, f.rules.Over[n]))
	}
	return errors.Join(errs...)
}

// Live says that a node is there while a choice is below a candidate; always when Below is 0.
type Live struct {
	Choice dim.Choice
	Below  uint8
}

// least is the smallest value of d while the node is there.
func (l Live) least(d dim.Dim) int {
	if l.Below == 0 {
		return d.Least()
	}
	deps, cards := d.Deps(), d.Cards()
	if !slices.Contains(deps, l.Choice) {
		return d.Least()
	}
	out, genes := d.Original(), make([]uint8, 256)
	dim.Enumerate(deps, cards, genes, func() {
		if genes[l.Choice] < l.Below {
			out = min(out, d.At(genes))
		}
	})
	return out
}

// Step infers the results of one node, whose operands are inferred, under attributes that choices move. Its error is a NodeError.
func (f *Inference) Step(n *ir.Node, over Overrides) error { return f.StepWhile(n, over, Live{}) }

// StepWhile is Step of a node that is not always there: elsewhere its results may be empty.
func (f *Inference) StepWhile(n *ir.Node, over Overrides, live Live) error {
	for _, id := range n.In {
		if id != 0 && f.graph.Values[id].Const != nil && f.rules.Table != nil {
			if s := f.rules.Table(id); s != nil {
				f.vals[id].Shape = s
			}
		}
	}
	c := ctx(n, f.vals, over)
	c.target, c.batch, c.names, c.live = f.rules.Target, f.batch, f.names, live
	err := c.infer(f.graph)
	for k, id := range n.Out {
		if id != 0 {
			c.Out[k].Type = f.graph.Values[id].Type
			f.vals[id] = c.Out[k]
			if f.rules.Made != nil && c.Out[k].Shape != nil {
				f.rules.Made(id, c.Out[k].Shape)
			}
		}
	}
	if err != nil {
		return &NodeError{n, err}
	}
	return nil
}

// Shape returns the shape of a value as far as it is inferred, nil while it is not known.
func (f *Inference) Shape(id ir.ValueID) []dim.Dim { return f.vals[id].Shape }

// Shapes returns the shapes of all values, by ValueID.
func (f *Inference) Shapes() [][]dim.Dim {
	out := make([][]dim.Dim, len(f.vals))
	for id := range f.vals {
		out[id] = f.vals[id].Shape
	}
	return out
}
