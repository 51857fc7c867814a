package supernet

import (
	"math"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
)

// span has the bounds of the elements of a value.
type span struct{ low, high float64 }

var anywhere = span{math.Inf(-1), math.Inf(1)}

// with is the smallest span that contains both spans.
func (s span) with(t span) span { return span{min(s.low, t.low), max(s.high, t.high)} }

// ranges finds spans of values, and remembers them: values may be concatenations of concatenations.
type ranges struct {
	flow  *Flow
	known map[ir.ValueID]span
}

// changes tells whether an activation may change the elements of a value. Relu does not change the result of another Relu.
func (r *ranges) changes(activation *ir.Node, id ir.ValueID) bool {
	s := r.of(id)
	o, _ := operators.Lookup("", activation.Op)
	b, _ := o.Bounds()
	switch {
	case activation.Op == "Relu", b.IfPositive:
		return s.low < 0
	case activation.Op == "Clip":
		low, high, ok := clipped(activation)
		return !ok || s.low < low || s.high > high
	}
	return true
}

// clipped are the bounds of Clip, where they are known.
func clipped(n *ir.Node) (low, high float64, ok bool) {
	return float64(n.Float("min", float32(math.Inf(-1)))), float64(n.Float("max", float32(math.Inf(1)))), len(n.In) < 2
}

// of is the span of a value, whatever the input and the weights are.
func (r *ranges) of(id ir.ValueID) span {
	if s, ok := r.known[id]; ok {
		return s
	}
	r.known[id] = anywhere
	if p := r.flow.producer[id]; p >= 0 {
		r.known[id] = r.result(r.flow.Graph.Nodes[p])
	}
	return r.known[id]
}

// result is the span of a node's results.
func (r *ranges) result(n *ir.Node) span {
	if n.Domain != "" || len(n.In) == 0 {
		return anywhere
	}
	o, _ := operators.Lookup("", n.Op)
	if b, ok := o.Bounds(); ok {
		return r.bounded(n, b)
	}
	switch {
	case n.Op == "Relu":
		s := r.of(n.In[0])
		return span{max(0, s.low), max(0, s.high)}
	case n.Op == "Clip":
		if low, high, ok := clipped(n); ok {
			s := r.of(n.In[0])
			return span{min(max(low, s.low), high), min(max(low, s.high), high)}
		}
	case n.Op == "Pad" && n.String("mode", "constant") == "constant" && n.Input(2) == 0 && n.Float("value", 0) == 0:
		return r.of(n.In[0]).with(span{})
	case n.Op == "Concat":
		s := r.of(n.In[0])
		for _, id := range n.In[1:] {
			s = s.with(r.of(id))
		}
		return s
	case n.Op == "Add" && o.Class == operators.Broadcast:
		a, b := r.of(n.In[0]), r.of(n.In[1])
		return span{a.low + b.low, a.high + b.high}
	case n.Op == "DequantizeLinear":
		return r.dequantised(n)
	}
	return anywhere
}

// bounded is the span of an operator's results that follows from the Bounds in its row of the operator table.
func (r *ranges) bounded(n *ir.Node, b operators.Bounds) span {
	if !b.Picks {
		return span{b.Low, b.High}
	}
	s := r.of(n.In[0])
	switch {
	case b.OrZero:
		return s.with(span{})
	case b.IfPositive && s.low < 0:
		return anywhere
	}
	return s
}

// dequantised is the span of a value that was quantised and is dequantised by the same numbers. It keeps the sign of the value.
func (r *ranges) dequantised(n *ir.Node) span {
	p := r.flow.producer[n.In[0]]
	if p < 0 || r.flow.Graph.Nodes[p].Op != "QuantizeLinear" {
		return anywhere
	}
	q := r.flow.Graph.Nodes[p]
	if r.of(q.In[0]).low < 0 || !r.same(n.Input(2), q.Input(2)) {
		return anywhere
	}
	return span{0, math.Inf(1)}
}

// same tells whether two operands are absent, or constants of the same bytes.
func (r *ranges) same(a, b ir.ValueID) bool {
	if a == b {
		return true
	}
	x, y := r.flow.Graph.Values[a], r.flow.Graph.Values[b]
	if x == nil || y == nil || x.Const == nil || y.Const == nil {
		return false
	}
	v, err1 := x.Const.Bytes()
	w, err2 := y.Const.Bytes()
	return err1 == nil && err2 == nil && string(v) == string(w)
}
