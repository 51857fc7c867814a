package op

import (
	"errors"
	"fmt"
	"strings"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// InferGraph infers the shapes of all values of g, indexed by ValueID. bind gives the shapes of inputs, and of parameters that
// choices move; over gives attributes that choices move. What operators make that the table does not know is what the model states in its
// value_info. A shape that stays unknown is nil.
func InferGraph(g *ir.Graph, bind map[ir.ValueID][]dim.Dim, over map[*ir.Node]Overrides) ([][]dim.Dim, error) {
	f := Start(g, Rules{Bind: bind, Over: over})
	err := f.Run()
	return f.Shapes(), err
}

// extents are those of the inputs by their names: what the model states of other values has the same names.
func extents(g *ir.Graph, bind map[ir.ValueID][]dim.Dim) map[string]dim.Dim {
	out := map[string]dim.Dim{}
	for _, id := range g.Inputs {
		s := bind[id]
		for k, d := range g.Values[id].Shape {
			if _, known := out[d.Sym]; d.Sym != "" && k < len(s) && !known {
				out[d.Sym] = s[k]
			}
		}
	}
	return out
}

// batchOf is the batch of inputs with these shapes.
func batchOf(bind map[ir.ValueID][]dim.Dim) dim.Dim {
	for _, s := range bind {
		if len(s) > 0 && s[0].IsBatch() {
			return dim.Batch()
		}
	}
	return dim.Const(1)
}

// NodeError is what is wrong with one node.
type NodeError struct {
	Node *ir.Node
	Err  error
}

// Error names the node.
func (e *NodeError) Error() string {
	return fmt.Sprintf("node %q (%s): %v", e.Node.Name, e.Node.Op, e.Err)
}

// Unwrap returns the error itself.
func (e *NodeError) Unwrap() error { return e.Err }

// NodeErrors lists the NodeErrors that err joins or wraps.
func NodeErrors(err error) []*NodeError {
	switch e := err.(type) {
	case *NodeError:
		return []*NodeError{e}
	case interface{ Unwrap() []error }:
		var out []*NodeError
		for _, x := range e.Unwrap() {
			out = append(out, NodeErrors(x)...)
		}
		return out
	case interface{ Unwrap() error }:
		return NodeErrors(e.Unwrap())
	}
	return nil
}

// operand describes a value before inference: constants have a shape, and elements when they are few integers.
func operand(v *ir.Value) Operand {
	o := Operand{Type: v.Type, Const: v.Const}
	if v.Const == nil {
		return o
	}
	o.Shape = make([]dim.Dim, len(v.Const.Shape))
	for k, n := range v.Const.Shape {
		o.Shape[k] = dim.Const(n)
	}
	if v.Const.Type.Whole() && v.Const.NumElements() <= maxInts {
		if list, err := v.Const.Int64s(); err == nil {
			o.Ints = consts(list)
		}
	}
	return o
}

func ctx(n *ir.Node, vals []Operand, over Overrides) *Ctx {
	c := &Ctx{Node: n, In: make([]Operand, len(n.In)), Out: make([]Operand, len(n.Out)), over: over, Total: dim.Const(0)}
	for k, id := range n.In {
		c.In[k] = vals[id]
	}
	return c
}

// infer applies the operator's rule, then what the model states.
func (c *Ctx) infer(g *ir.Graph) error {
	spec, ok := Lookup(c.Node.Domain, c.Node.Op)
	c.Spec = spec
	if ok {
		if err := c.Spec.enough(c.Node); err != nil {
			return err
		}
	}
	if ok && spec.Shape != nil && c.known() {
		if err := spec.Shape(c); err != nil {
			return err
		}
		if c.err != nil {
			return c.err
		}
		if err := c.positive(); err != nil {
			return err
		}
	}
	return c.declared(g)
}

// declared takes the shapes that the model states, where no rule tells them. They hold for the original: what becomes of operands that move is
// not known.
func (c *Ctx) declared(g *ir.Graph) error {
	for k, id := range c.Node.Out {
		if id == 0 || c.Out[k].Shape != nil {
			continue
		}
		switch s := c.stated(g.Values[id]); {
		case s == nil:
		case c.moving():
			return fmt.Errorf("there is no rule for what %s makes of operands whose extents change", operators.Qualified(c.Node.Domain, c.Node.Op))
		default:
			c.Out[k].Shape = s
		}
	}
	return nil
}

// moving tells whether an operand's extents depend on choices.
func (c *Ctx) moving() bool {
	for _, in := range c.In {
		for _, d := range in.Shape {
			if len(d.Deps()) > 0 {
				return true
			}
		}
	}
	return false
}

// enough checks that the operands that the operator's rules rely on are there.
func (s Spec) enough(n *ir.Node) error {
	least := s.Operands
	for k := range least {
		if n.Input(k) == 0 {
			return fmt.Errorf("operand %d is missing; it wants at least %d", k, least)
		}
	}
	if len(n.Out) == 0 {
		return errors.New("it has no result")
	}
	return nil
}

// Results infers one node of a graph whose shapes are known: shapes and element types of all results, also of those that the model leaves out.
// What the table does not tell stays unknown.
func Results(g *ir.Graph, n *ir.Node, shapes [][]dim.Dim) []Operand {
	c := &Ctx{Node: n, In: make([]Operand, len(n.In)), Out: make([]Operand, len(n.Out)), Total: dim.Const(0), batch: dim.Const(1)}
	spec, ok := Lookup(n.Domain, n.Op)
	if !ok || spec.enough(n) != nil {
		return c.Out
	}
	c.Spec = spec
	for k, id := range n.In {
		if id != 0 {
			c.In[k] = operand(g.Values[id])
			c.In[k].Shape = shapes[id]
		}
	}
	if c.known() && (spec.Shape(c) != nil || c.err != nil) {
		c.Out = make([]Operand, len(n.Out))
	}
	for k := range c.Out {
		c.Out[k].Type = made(g, n, spec, kindOf(spec.results, k))
	}
	return c.Out
}

// positive checks that no choice makes an extent vanish while the node is there.
func (c *Ctx) positive() error {
	for _, o := range c.Out {
		if o.Ints != nil && len(o.Ints) == 0 {
			continue // a list that has nothing in it, such as the extents before the first axis
		}
		for _, d := range o.Shape {
			if c.live.least(d) < 1 {
				return fmt.Errorf("its result would have the shape %v", o.Shape)
			}
		}
	}
	return nil
}

func (c *Ctx) known() bool {
	for k, id := range c.Node.In {
		if id != 0 && c.In[k].Shape == nil {
			return false
		}
	}
	return len(c.In) > 0
}

// stated is a value's shape as the model states it, when it is fixed but for the batch: that of the operands.
func (c *Ctx) stated(v *ir.Value) []dim.Dim {
	if v.Shape == nil {
		return nil
	}
	batch := false
	for _, in := range c.In {
		batch = batch || len(in.Shape) > 0 && in.Shape[0].IsBatch()
	}
	out := make([]dim.Dim, len(v.Shape))
	for k, d := range v.Shape {
		switch {
		case k == 0 && len(v.Shape) > 1 && batch && d.Size <= 1:
			out[k] = dim.Batch()
		case d.Size < 0:
			e, ok := c.names[d.Sym]
			if !ok {
				return nil
			}
			out[k] = e
		default:
			out[k] = dim.Const(d.Size)
		}
	}
	return out
}

// KeyAttr is an attribute in the canonical text of an operator's key.
type KeyAttr struct{ Name, Text string }

// KeyAttrs returns a node's attributes without those that have their default value, in the node's order.
func KeyAttrs(n *ir.Node) []KeyAttr {
	spec, _ := Lookup(n.Domain, n.Op)
	var out []KeyAttr
	for _, a := range n.Attrs {
		text := attrText(a)
		if !isDefault(spec, a.Name, text) {
			out = append(out, KeyAttr{a.Name, text})
		}
	}
	return out
}

func isDefault(s Spec, name, text string) bool {
	for _, d := range s.Attrs {
		if d.Name != name {
			continue
		}
		if d.Text == "*" || d.Text == text {
			return true
		}
		if one, ok := strings.CutSuffix(d.Text, "..."); ok {
			return strings.Trim(text, one+",") == ""
		}
	}
	return false
}

func attrText(a ir.Attr) string {
	switch a.Kind {
	case ir.AttrInt:
		return fmt.Sprint(a.Int)
	case ir.AttrInts:
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(a.Ints), " ", ","), "[]")
	case ir.AttrFloat:
		if t := fmt.Sprint(a.Float); strings.ContainsAny(t, ".e") {
			return t
		}
		return fmt.Sprintf("%.1f", a.Float)
	case ir.AttrString:
		return a.String
	}
	return fmt.Sprintf("%v%v%v%q", a.Floats, a.Strings, a.Ints, a.Raw)
}
