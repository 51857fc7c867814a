package view

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/cost"
	"github.com/autotailor/autotailor/ir/op"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/nn"
)

// translator turns nodes into Builder calls.
type translator struct {
	net    *supernet.Net
	next   ir.ValueID             // for values that are parameters
	names  map[ir.Identity]string // of parameters
	taken  map[string]bool        // names
	params map[ir.ValueID]nn.Param
	uses   map[ir.ValueID]int
	reader map[ir.ValueID]int         // last node that reads a value
	copies map[ir.ValueID][]nn.Reader // see readers
	merged map[int]int                // node -> node whose call contains it
	errs   []error
}

func newTranslator(net *supernet.Net) *translator {
	t := &translator{
		net: net, next: ir.ValueID(len(net.Graph.Values)), names: map[ir.Identity]string{}, taken: map[string]bool{}, params: map[ir.ValueID]nn.Param{},
		uses: map[ir.ValueID]int{}, reader: map[ir.ValueID]int{}, merged: map[int]int{},
	}
	for i, n := range net.Graph.Nodes {
		for _, id := range n.In {
			t.uses[id]++
			t.reader[id] = i
		}
	}
	for _, id := range net.Graph.Outputs {
		t.uses[id]++
	}
	for i := range net.Graph.Nodes {
		if add, ok := t.biasOf(i); ok {
			t.merged[add] = i
		}
	}
	return t
}

// op translates an operator, which has a role within its block or "", to calls.
func (t *translator) op(o *supernet.Op, role string) []Call {
	if _, ok := t.merged[o.Index]; ok {
		return nil
	}
	calls, err := t.node(o)
	if err != nil {
		if len(t.errs) == 0 || !t.follows(o.Node) {
			t.errs = append(t.errs, fmt.Errorf("node %q (%s): %w", o.Node.Name, o.Node.Op, err))
		}
		return nil
	}
	for k := range calls {
		calls[k].Node, calls[k].Name, calls[k].Role = o.Index, o.Node.Name, role
	}
	return calls
}

// follows tells whether an operand of n is a result of unknown shape. The node that makes that result has its own error already.
func (t *translator) follows(n *ir.Node) bool {
	return slices.ContainsFunc(n.In, func(id ir.ValueID) bool {
		return id != 0 && t.net.Shapes[id] == nil && t.net.Graph.Values[id].Const == nil
	})
}

var errNoMethod = errors.New("no builder method fits")

// node translates one node: by its operator's rule if the rule fits, and otherwise as a carried operator.
func (t *translator) node(o *supernet.Op) ([]Call, error) {
	if rule := ruleOf(o.Node.Domain, o.Node.Op); rule != nil {
		c, err := rule(t, o.Index, o)
		if err == nil {
			return t.declareConstants(o, c)
		}
		if !errors.Is(err, errNoMethod) {
			return nil, err
		}
	}
	return t.carried(o)
}

// declareConstants makes values of the parameters that a rule left among the operands.
func (t *translator) declareConstants(o *supernet.Op, calls []Call) ([]Call, error) {
	var out []Call
	for _, c := range calls {
		c.In = append([]ir.ValueID{}, c.In...)
		for k, id := range c.In {
			if id == 0 || int(id) >= len(t.net.Graph.Values) || t.net.Graph.Values[id].Const == nil {
				continue
			}
			p, err := t.constant(o, slices.Index(o.Node.In, id))
			if err != nil {
				return nil, err
			}
			out, c.In[k] = append(out, p), p.Out[0]
		}
		out = append(out, c)
	}
	return out, nil
}

// carried makes the call that carries an operator as it stands in the model.
func (t *translator) carried(o *supernet.Op) ([]Call, error) {
	for name := range o.Attrs {
		if !nn.Follows(o.Node.Domain, o.Node.Op, name) {
			return nil, fmt.Errorf("attribute %s moves with a choice, which an operator without a builder method cannot do", name)
		}
	}
	if err := carriable(o.Node.Attrs); err != nil {
		return nil, err
	}
	fixed := slices.DeleteFunc(slices.Clone(o.Node.Attrs), func(a ir.Attr) bool { return o.Attrs[a.Name] != nil })
	op := nn.Op{Type: o.Node.Op, Domain: o.Node.Domain, Name: o.Node.Name, Attrs: fixed}
	if n := len(o.Node.Out); n > 1 {
		op.Outputs = n
	}
	if row, ok := operators.Lookup(o.Node.Domain, o.Node.Op); ok && row.Class == operators.Control {
		macs, _, _ := cost.MACs(t.net.Graph, o.Node, t.net.Shapes, nil)
		op.MACs = int64(macs.Original())
	}
	calls, in, err := t.operands(o)
	if err != nil {
		return nil, err
	}
	c := Call{Method: Op, In: in, Out: o.Node.Out, Rec: Rec{Op: &op}}
	err = t.results(&c, o)
	return append(calls, c), err
}

// results describes the results of a carried operator: their shapes, and their element types if they differ from the first operand's.
func (t *translator) results(c *Call, o *supernet.Op) error {
	first := ir.Float32
	if len(o.Node.In) > 0 && o.Node.In[0] != 0 {
		first = t.net.Graph.Values[o.Node.In[0]].Type
	}
	other := false
	var types []nn.DType
	made := op.Results(t.net.Graph, o.Node, t.net.Shapes)
	for k, id := range o.Node.Out {
		s, v := t.net.Shapes[id], t.net.Graph.Values[id].Type
		switch {
		case id == 0: // the recorded network has all results
			s = made[k].Shape
		case s == nil:
			return errors.New(op.WhyUnknown(o.Node))
		}
		if v == ir.Undefined {
			v = made[k].Type
		}
		if v == ir.Undefined { // as the table of operators takes it
			v = ir.Float32
		}
		c.Dims, c.Ranks = append(c.Dims, s...), append(c.Ranks, len(s))
		types = append(types, v)
		other = other || v != first && v != ir.Undefined
	}
	if other {
		c.Rec.Op.Types = types
	}
	return nil
}

// operands makes values of the parameters among o's operands.
func (t *translator) operands(o *supernet.Op) ([]Call, []ir.ValueID, error) {
	var calls []Call
	in := append([]ir.ValueID{}, o.Node.In...)
	for k, id := range in {
		if id == 0 || t.net.Graph.Values[id].Const == nil {
			continue
		}
		c, err := t.constant(o, k)
		if err != nil {
			return nil, nil, err
		}
		in[k] = c.Out[0]
		calls = append(calls, c)
	}
	return calls, in, nil
}

// constant makes the call for operand k, a constant. An initializer becomes a Param. A folded constant becomes a Constant operator, and so does an initializer that is
// structural and not a weight.
func (t *translator) constant(o *supernet.Op, k int) (Call, error) {
	id := o.Node.In[k]
	out := []ir.ValueID{t.fresh()}
	if c := t.net.Graph.Values[id].Const; c.Name == "" || structural(o, k, c) && axes(o, k) == nil {
		a, err := constantAttr(t.net.Graph.Values[id].Const)
		if err != nil {
			return Call{}, fmt.Errorf("operand %d: %w", k, err)
		}
		if m, ok := literals[a.Name]; ok {
			return Call{Method: m, Out: out, Const: a}, nil
		}
		return Call{Method: Op, Out: out, Rec: Rec{Op: &nn.Op{Type: "Constant", Attrs: []nn.Attr{a}}}}, nil
	}
	p := t.param(id)
	c := Call{Method: Param, Out: out, Rec: Rec{Param: &p}}
	for axis, a := range axes(o, k) {
		c.Cuts = append(c.Cuts, cut("Cut", "Pick", axis, p.Shape[axis], a))
	}
	return c, nil
}

// literals are the methods for the attributes of a Constant operator that are numbers.
var literals = map[string]Method{"value_int": Int, "value_ints": Ints, "value_float": Float, "value_floats": Floats}

// structural tells whether operand k of o, a constant, is a list of a few whole numbers, such as axes or bounds, or of a Resize's factors.
func structural(o *supernet.Op, k int, c *ir.Tensor) bool {
	list := c.Raw != nil && len(c.Shape) < 2 && c.NumElements() <= 16
	return list && (c.Type == ir.Int64 || c.Type == ir.Float32 && o.Node.Op == "Resize" && k > 0)
}

func (t *translator) fresh() ir.ValueID {
	t.next++
	return t.next - 1
}

// param names the tensor of a constant value. A value that several nodes use is one parameter. If a tensor of the model is several separate parameters (see
// supernet.Compile), each of them has a name of its own.
func (t *translator) param(id ir.ValueID) nn.Param {
	if p, ok := t.params[id]; ok {
		return p
	}
	c := t.net.Graph.Values[id].Const
	key, _ := c.Identity()
	p := nn.Param{Name: t.name(key), Shape: append(nn.Shape{}, c.Shape...)}
	p.Transposed = c.Transposed
	if c.Type != ir.Float32 {
		p.Type = c.Type
	}
	if c.Copy > 0 {
		p.From, p.Readers = c.Name, t.readers(id)
	}
	t.params[id] = p
	return p
}

// name is the name of the model's tensor, with a number for all copies but the first.
func (t *translator) name(id ir.Identity) string {
	if name, ok := t.names[id]; ok {
		return name
	}
	name := id.Name
	for n := id.Copy + 1; id.Copy > 0 && (name == id.Name || t.taken[name]); n++ {
		name = fmt.Sprintf("%s#%d", id.Name, n)
	}
	t.names[id], t.taken[name] = name, true
	return name
}

// readers are the operands that a copy of a tensor is. All are found at once: a quantised network has a copy for each node.
func (t *translator) readers(id ir.ValueID) []nn.Reader {
	if t.copies == nil {
		t.copies = map[ir.ValueID][]nn.Reader{}
		for _, n := range t.net.Graph.Nodes {
			for k, in := range n.In {
				if c := t.net.Graph.Values[in].Const; in != 0 && c != nil && c.Copy > 0 {
					for _, name := range modelNodes(n) {
						t.copies[in] = append(t.copies[in], nn.Reader{Node: name, Operand: k})
					}
				}
			}
		}
	}
	return t.copies[id]
}

// axes returns how operand k of o is cut, one element for each axis that may be.
func axes(o *supernet.Op, k int) []supernet.Axis {
	for _, p := range o.Params {
		if p.Operand == k {
			return p.Axes
		}
	}
	return nil
}

// modelNodes names the nodes of the model that a node stands for.
func modelNodes(n *ir.Node) []string {
	if len(n.Parts) > 0 {
		return n.Parts
	}
	return []string{n.Name}
}
