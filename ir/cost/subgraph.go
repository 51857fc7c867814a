package cost

import (
	"math"
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/onnx"
	"github.com/autotailor/autotailor/ir/op"
	"github.com/autotailor/autotailor/ir/pass"
)

// control is a node that runs subgraphs.
type control struct {
	g      *ir.Graph
	node   *ir.Node
	shapes [][]dim.Dim
}

// subgraphs counts the products that a node's subgraphs run; ok is false where that is not known.
func subgraphs(g *ir.Graph, n *ir.Node, shapes [][]dim.Dim) (macs int, ok bool) {
	c := control{g, n, shapes}
	switch n.Op {
	case "If":
		a, known := c.run("then_branch", nil)
		b, also := c.run("else_branch", nil)
		return a, known && also && a == b
	case "Loop":
		return c.loop()
	case "Scan":
		return c.scan()
	}
	return 0, false
}

// own are the node's operands without what its subgraphs use from outside.
func (c control) own() []ir.ValueID {
	a, _ := c.node.Attr(ir.Captures)
	return c.node.In[:len(c.node.In)-len(a.Strings)]
}

// body reads a subgraph in canonical form, nil where that cannot be.
func (c control) body(attr string) *ir.Graph {
	a, ok := c.node.Attr(attr)
	if !ok || a.Kind != ir.AttrGraph {
		return nil
	}
	names, _ := c.node.Attr(ir.Captures)
	var outer []*ir.Value
	for _, id := range c.node.In[len(c.own()):] {
		outer = append(outer, c.g.Values[id])
	}
	g, err := onnx.Body(a, c.g.Opsets, names.Strings, outer)
	if err != nil || pass.Canonicalise(g, pass.Options{}) != nil {
		return nil
	}
	return g
}

// run counts one run of a subgraph whose own inputs have these shapes.
func (c control) run(attr string, inputs [][]dim.Dim) (macs int, ok bool) {
	if g := c.body(attr); g != nil {
		return c.count(g, inputs)
	}
	return 0, false
}

// count adds up the products of a subgraph. No choice may move them: what a subgraph reads is fixed.
func (c control) count(g *ir.Graph, inputs [][]dim.Dim) (macs int, ok bool) {
	for _, id := range c.node.In[len(c.own()):] {
		if c.g.Values[id].Const == nil {
			inputs = append(inputs, c.shapes[id])
		}
	}
	if len(inputs) != len(g.Inputs) {
		return 0, false
	}
	bind := map[ir.ValueID][]dim.Dim{}
	for k, id := range g.Inputs {
		if inputs[k] == nil {
			return 0, false
		}
		bind[id] = atBatch1(inputs[k])
	}
	shapes, err := op.InferGraph(g, bind, nil)
	if err != nil {
		return 0, false
	}
	for _, n := range g.Nodes {
		d, known, err := MACs(g, n, shapes, nil)
		v, fixed := d.IsConst()
		if err != nil || !known || !fixed || v > math.MaxInt-macs {
			return 0, false
		}
		macs += v
	}
	return macs, true
}

func atBatch1(s []dim.Dim) []dim.Dim {
	out := make([]dim.Dim, len(s))
	for k, d := range s {
		out[k] = d.AtBatch1()
	}
	return out
}

// loop runs its body as often as operand 0 says, where neither operand 1 nor the body ends it before.
func (c control) loop() (macs int, ok bool) {
	own, g := c.own(), c.body("body")
	if len(own) < 2 || g == nil || len(g.Inputs) < 2 || len(g.Outputs) == 0 {
		return 0, false
	}
	trips, ok := c.number(own[0])
	if !ok || own[1] != 0 && !c.is(own[1], 1) || !endless(g) {
		return 0, false
	}
	inputs := [][]dim.Dim{{}, {}} // the trip's number, and whether to go on
	for _, id := range own[2:] {
		inputs = append(inputs, c.shapes[id])
	}
	each, ok := c.count(g, inputs)
	return times(each, trips, ok)
}

// endless tells whether the body of a Loop goes on whatever it computes: it passes the condition on, or has a true one.
func endless(g *ir.Graph) bool {
	cond := g.Outputs[0]
	for k := len(g.Nodes) - 1; k >= 0; k-- {
		if n := g.Nodes[k]; n.Op == "Identity" && n.Domain == "" && n.Out[0] == cond {
			cond = n.Input(0)
		}
	}
	if t := g.Values[cond].Const; t != nil {
		list, err := t.Int64s()
		return err == nil && len(list) == 1 && list[0] != 0
	}
	return cond == g.Inputs[1]
}

// scan runs its body once for each position of the operands that it walks over.
func (c control) scan() (macs int, ok bool) {
	own := c.own()
	walked := int(c.node.Int("num_scan_inputs", 0))
	if walked < 1 || walked > len(own) || c.g.Opsets[""] < 9 {
		return 0, false
	}
	axes := c.node.Ints("scan_input_axes")
	trips := -1
	var inputs [][]dim.Dim
	for k, id := range own {
		s := c.shapes[id]
		if k < len(own)-walked {
			inputs = append(inputs, s)
			continue
		}
		axis := 0
		if i := k - (len(own) - walked); i < len(axes) {
			axis = int(axes[i])
		}
		if axis < 0 {
			axis += len(s)
		}
		if axis < 0 || axis >= len(s) {
			return 0, false
		}
		n, fixed := s[axis].AtBatch1().IsConst()
		if !fixed || trips >= 0 && trips != n {
			return 0, false
		}
		trips = n
		inputs = append(inputs, slices.Delete(slices.Clone(s), axis, axis+1))
	}
	each, ok := c.run("body", inputs)
	return times(each, trips, ok)
}

// number is the element of a constant with one.
func (c control) number(id ir.ValueID) (int, bool) {
	t := c.g.Values[id].Const
	if t == nil {
		return 0, false
	}
	list, err := t.Int64s()
	if err != nil || len(list) != 1 || list[0] < 0 || list[0] > math.MaxInt32 {
		return 0, false
	}
	return int(list[0]), true
}

// is tells whether a value is a constant of one number.
func (c control) is(id ir.ValueID, v int) bool {
	n, ok := c.number(id)
	return ok && n == v
}

func times(each, trips int, ok bool) (int, bool) {
	if !ok || trips > 0 && each > math.MaxInt/trips {
		return 0, false
	}
	return each * trips, true
}
