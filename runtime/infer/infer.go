// Package infer says which shapes and element types the operators of a recorded network make: shape inference over plain integers.
//
// It reads networks that nobody has to trust. Node applies one operator to what is known of its operands. It says what the results are, why
// they cannot be known before the network runs (an Unknown), or what does not fit. It never guesses. Graph compares what a whole network
// declares with what its operators make.
//
// The operators are those of package internal/operators. Operators of a class have one rule, those that differ have their own. Package ir/op
// has the same rules over the extents of a whole SuperNet; the two share no code, and a test compares them.
package infer

import (
	"fmt"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Value is what is known of an operand or a result.
type Value struct {
	Type    nn.DType // 0 where it is not known
	Shape   nn.Shape
	Unknown bool      // the shape is not known; Shape then says nothing
	Ints    []int64   // the elements of a small tensor of integers or booleans, nil where they are not known
	Floats  []float32 // the elements of a small tensor of float32, nil where they are not known
}

// String is the value's element type and shape: "f32 [1 3 224 224]".
func (v Value) String() string {
	if v.Unknown {
		return v.Type.String() + " of unknown shape"
	}
	return v.Type.String() + " " + fmt.Sprint([]int(v.Shape))
}

// Unknown is the error that says why results cannot be known before the network runs. It is no mistake of the network.
type Unknown struct{ Reason string }

// Error is the reason.
func (u *Unknown) Error() string { return u.Reason }

func unknown(format string, args ...any) error { return &Unknown{fmt.Sprintf(format, args...)} }

// Has tells whether there is a rule for an operator.
func Has(domain, name string) bool {
	_, ok := find(domain, name)
	return ok
}

// Node returns what a node makes of its operands. There is one element of in for each of n.In; those of absent operands are not read.
//
// The error is an Unknown where results cannot be known; their element types may be. Any other error says what does not fit.
func Node(n *nn.Node, in []Value) ([]Value, error) {
	c := &call{node: n, in: in, out: make([]Value, len(n.Out))}
	for k := range c.out {
		c.out[k].Unknown = true
	}
	if len(in) != len(n.In) {
		return c.out, fmt.Errorf("%d operands are described, it has %d", len(in), len(n.In))
	}
	e, ok := find(n.Domain, n.Type)
	if !ok {
		return c.out, unknown("there is no rule for what %s makes", operators.Qualified(n.Domain, n.Type))
	}
	c.entry = e
	if err := c.counts(); err != nil {
		return c.out, err
	}
	if err := c.operandsFit(); err != nil {
		return c.out, err
	}
	if err := c.types(); err != nil {
		return c.out, err
	}
	for k, v := range in {
		if c.has(k) && v.Unknown {
			return c.out, unknown("the shape of operand %d is not known", k)
		}
	}
	if err := e.shape(c); err != nil {
		return c.out, err
	}
	if err := c.resultsFit(); err != nil {
		return c.out, err
	}
	if follow := elements[n.Type]; follow != nil && e.row.Domain == "" {
		follow(c)
	}
	return c.out, nil
}

// call is one application of an operator.
type call struct {
	entry
	node    *nn.Node
	in, out []Value
}

// has tells whether operand k is there.
func (c *call) has(k int) bool { return k < len(c.node.In) && c.node.In[k] != nn.None }

// shapeOf is the shape of operand k.
func (c *call) shapeOf(k int) nn.Shape { return c.in[k].Shape }

// set makes s the shape of result k, where the node has so many.
func (c *call) set(k int, s nn.Shape) {
	if k < len(c.out) {
		c.out[k].Shape, c.out[k].Unknown = s, false
	}
}

// setAll gives every result the shape s.
func (c *call) setAll(s nn.Shape) {
	for k := range c.out {
		c.set(k, s)
	}
}

// counts checks the numbers of operands and results.
func (c *call) counts() error {
	for k := range c.row.Required() {
		if !c.has(k) {
			return fmt.Errorf("operand %d is missing", k)
		}
	}
	if most := len(c.operands); len(c.in) > most && !variadic(c.operands) {
		return fmt.Errorf("it has %d operands, want at most %d", len(c.in), most)
	}
	most := len(c.results)
	if c.node.Type == "BatchNormalization" {
		most = batchNormResults
	}
	if len(c.out) == 0 || len(c.out) > most && !variadic(c.results) {
		return fmt.Errorf("it has %d results, want between 1 and %d", len(c.out), most)
	}
	return nil
}

// batchNormResults is how many results a BatchNormalization had before opset 14: those of today, and the statistics of the batch.
const batchNormResults = 5

func variadic(list []operators.Operand) bool { return len(list) > 0 && list[len(list)-1].Variadic }

// operandsFit checks that operands are within the limits, so that rules may calculate with their extents.
func (c *call) operandsFit() error {
	for k, v := range c.in {
		if !c.has(k) || v.Unknown {
			continue
		}
		if err := within(v.Shape); err != nil {
			return fmt.Errorf("operand %d: %w", k, err)
		}
		n, _ := product(v.Shape)
		if v.Ints != nil && int64(len(v.Ints)) != n || v.Floats != nil && int64(len(v.Floats)) != n {
			return fmt.Errorf("operand %d has the shape %v, and %d elements", k, v.Shape, max(len(v.Ints), len(v.Floats)))
		}
	}
	return nil
}

// resultsFit checks that every result has a possible shape.
func (c *call) resultsFit() error {
	for k, v := range c.out {
		if c.node.Out[k] == nn.None {
			continue
		}
		if v.Unknown {
			return unknown("the shape of result %d is not known", k)
		}
		if err := within(v.Shape); err != nil {
			return fmt.Errorf("result %d: %w", k, err)
		}
	}
	return nil
}
