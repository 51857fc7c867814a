package pass

import (
	"fmt"
	"slices"

	tensors "github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/onnx"
	"github.com/autotailor/autotailor/ir/op"
)

// maxTrips and maxUnrolled bound the nodes that a Loop may become.
const (
	maxTrips    = 128
	maxUnrolled = 1024
)

// plainLoops replaces a Loop or Scan that makes a small, known number of trips by the nodes of its body, once for each trip. All trips read the same
// weights, which are one tensor each.
func plainLoops(g *ir.Graph) error {
	for hasLoops(g) {
		for _, p := range []func(*ir.Graph) error{liftConstants, dropIdentities, foldShapes} {
			if err := p(g); err != nil {
				return err
			}
		}
		found, err := unrollLoops(g)
		if err != nil || !found {
			return err
		}
		if err := op.Types(g); err != nil {
			return err
		}
	}
	return nil
}

func hasLoops(g *ir.Graph) bool {
	for _, n := range g.Nodes {
		if _, ok := loopKinds[n.Op]; ok && n.Domain == "" {
			return true
		}
	}
	return false
}

// loopKinds say how a loop is unrolled.
var loopKinds = map[string]func(u *unroller) bool{"Loop": (*unroller).loop, "Scan": (*unroller).scan}

// unrollLoops unrolls every loop for which that is possible, and tells whether there was one.
func unrollLoops(g *ir.Graph) (found bool, err error) {
	var nodes []*ir.Node
	var vals []op.Operand
	once := bodyNames(g)
	for _, n := range g.Nodes {
		kind := loopKinds[n.Op]
		if kind == nil || n.Domain != "" || !once.all(n) {
			nodes = append(nodes, n)
			continue
		}
		if vals == nil {
			vals = extents(g)
		}
		values := len(g.Values)
		body, err := onnx.Inside(g, n, "body")
		if err != nil {
			return false, err
		}
		u := &unroller{g: g, n: n, body: body, vals: vals}
		if !kind(u) || u.err != nil {
			g.Values = g.Values[:values]
			nodes = append(nodes, n)
			continue
		}
		found, nodes = true, append(nodes, u.nodes...)
	}
	g.Nodes = nodes
	return found, nil
}

// unroller replaces one loop.
type unroller struct {
	g     *ir.Graph
	n     *ir.Node
	body  *onnx.Subgraph
	vals  []op.Operand // what is known of the graph before
	nodes []*ir.Node
	err   error
}

// own are the node's operands without what its body uses from outside.
func (u *unroller) own() []ir.ValueID {
	a, _ := u.n.Attr(ir.Captures)
	return u.n.In[:len(u.n.In)-len(a.Strings)]
}

// add appends an operator.
func (u *unroller) add(name, kind string, attrs []ir.Attr, in ...ir.ValueID) ir.ValueID {
	u.g.Values = append(u.g.Values, &ir.Value{Name: name, Type: u.g.Values[in[0]].Type})
	id := ir.ValueID(len(u.g.Values) - 1)
	u.nodes = append(u.nodes, &ir.Node{Op: kind, Name: name, Attrs: attrs, In: in, Out: []ir.ValueID{id}})
	return id
}

// trip appends the nodes of a trip, and returns what the body yields.
func (u *unroller) trip(t int, inputs []ir.ValueID) []ir.ValueID {
	name := fmt.Sprintf("%s/%d", u.n.Name, t)
	nodes, yields, err := u.body.Nodes(name, inputs)
	if err != nil {
		u.err = err
		return nil
	}
	for _, n := range nodes {
		for _, id := range n.Out {
			if v := u.g.Values[id]; id != 0 && n.Op != "Constant" {
				v.Name = name + "/" + v.Name
			}
		}
	}
	u.nodes = append(u.nodes, nodes...)
	if len(u.nodes) > maxUnrolled {
		u.err = fmt.Errorf("node %q (%s) has more than %d nodes in all trips", u.n.Name, u.n.Op, maxUnrolled)
	}
	return yields
}

// yield makes id a result of the loop. It gets the result's name, by which the model's file knows it.
func (u *unroller) yield(k int, id ir.ValueID) {
	if k < len(u.n.Out) && u.n.Out[k] != 0 {
		out := u.n.Out[k]
		if v := u.g.Values[id]; v.Const == nil && u.makes(id) && !isOutput(u.g, out) {
			v.Name = u.g.Values[out].Name
		}
		u.nodes = append(u.nodes, &ir.Node{Op: "Identity", Name: u.g.Values[out].Name, In: []ir.ValueID{id}, Out: []ir.ValueID{out}})
	}
}

// makes tells whether a node of the trips makes a value.
func (u *unroller) makes(id ir.ValueID) bool {
	return slices.ContainsFunc(u.nodes, func(n *ir.Node) bool { return slices.Contains(n.Out, id) && n.Op != "Constant" })
}

// stack makes a result of what all trips yield: one after the other, along a new axis.
func (u *unroller) stack(k, axis int, list []ir.ValueID) {
	if k >= len(u.n.Out) || u.n.Out[k] == 0 {
		return
	}
	name := u.g.Values[u.n.Out[k]].Name
	var parts []ir.ValueID
	for t, id := range list {
		parts = append(parts, u.add(fmt.Sprintf("%s/%d", name, t), "Unsqueeze", []ir.Attr{{Name: "axes", Kind: ir.AttrInts, Ints: []int64{int64(axis)}}}, id))
	}
	u.yield(k, u.add(name+"/all", "Concat", []ir.Attr{{Name: "axis", Kind: ir.AttrInt, Int: int64(axis)}}, parts...))
}

// loop makes so many trips as operand 0 says, where nothing ends it before.
func (u *unroller) loop() bool {
	own := u.own()
	if len(own) < 2 || u.body.Inputs != len(own) || len(u.n.Out) < len(own)-2 {
		return false
	}
	trips, known := maxTrips+1, true // where only the condition ends it
	if own[0] != 0 {
		trips, known = u.number(own[0])
	}
	if goes, known := u.number(own[1]); own[1] != 0 && (!known || goes == 0) {
		return false
	}
	if !known || trips < 1 {
		return false
	}
	scalar := func(name string, t *ir.Tensor) ir.ValueID { return constantValue(u.g, u.n.Name+"/"+name, t) }
	yes := scalar("goes_on", &ir.Tensor{Tensor: tensors.Tensor{Type: ir.Bool, Shape: []int{}, Raw: []byte{1}}})
	state := own[2:]
	var scans [][]ir.ValueID
	for t := range trips {
		if t == maxTrips {
			return false
		}
		yields := u.trip(t, append([]ir.ValueID{scalar(fmt.Sprint(t), ir.FromInt64s([]int{}, []int64{int64(t)})), yes}, state...))
		if u.err != nil || len(yields) < 1+len(state) || len(yields)-1 != len(u.n.Out) {
			return false
		}
		goes, known := counted(u.g, u.nodes, yields[0], 0)
		if !known {
			return false
		}
		scans = collect(scans, yields[1+len(state):])
		if state = u.numbers(own[2:], yields[1:1+len(state)]); goes == 0 {
			break
		}
	}
	for k, id := range state {
		u.yield(k, id)
	}
	for k, list := range scans {
		u.stack(len(state)+k, 0, list)
	}
	return u.err == nil
}

// numbers are the values that a loop carries; what counts trips becomes a constant, so that it can be an index.
func (u *unroller) numbers(first, now []ir.ValueID) []ir.ValueID {
	out := slices.Clone(now)
	for k, id := range now {
		start := u.g.Values[first[k]]
		v, ok := counted(u.g, u.nodes, id, 0)
		if raw, whole := tensors.Integers(start.Type, []int64{int64(v)}); ok && whole && start.Const != nil && start.Type != ir.Bool {
			out[k] = constantValue(u.g, u.g.Values[id].Name, &ir.Tensor{Tensor: tensors.Tensor{Type: start.Type, Shape: start.Const.Shape, Raw: raw}})
		}
	}
	return out
}

// collect appends what a trip yields to what the trips before did.
func collect(lists [][]ir.ValueID, yields []ir.ValueID) [][]ir.ValueID {
	if lists == nil {
		lists = make([][]ir.ValueID, len(yields))
	}
	for k, id := range yields {
		lists[k] = append(lists[k], id)
	}
	return lists
}

// truths are the operators with which loops count and compare, beside scalars.
var truths = map[string]func(v []float64) bool{
	"Less":           func(v []float64) bool { return v[0] < v[1] },
	"LessOrEqual":    func(v []float64) bool { return v[0] <= v[1] },
	"Greater":        func(v []float64) bool { return v[0] > v[1] },
	"GreaterOrEqual": func(v []float64) bool { return v[0] >= v[1] },
	"Equal":          func(v []float64) bool { return v[0] == v[1] },
	"And":            func(v []float64) bool { return v[0] != 0 && v[1] != 0 },
	"Or":             func(v []float64) bool { return v[0] != 0 || v[1] != 0 },
	"Not":            func(v []float64) bool { return v[0] == 0 },
}

// maxCounted bounds the operators between a constant and what a loop counts with.
const maxCounted = 200

// counted is the single number that follows from constants alone; nodes are those that may make it.
func counted(g *ir.Graph, nodes []*ir.Node, id ir.ValueID, depth int) (float64, bool) {
	if id == 0 || depth > maxCounted {
		return 0, false
	}
	if c := g.Values[id].Const; c != nil {
		return scalarOf(g.Values[id], true)
	}
	at := slices.IndexFunc(nodes, func(n *ir.Node) bool { return slices.Contains(n.Out, id) })
	if at < 0 || nodes[at].Domain != "" || len(nodes[at].Out) != 1 {
		return 0, false
	}
	n := nodes[at]
	if t, ok := tensors.Constant(n.Attrs); ok && n.Op == "Constant" {
		return scalarOf(&ir.Value{Const: &ir.Tensor{Tensor: t}}, true)
	}
	var v []float64
	for _, in := range n.In {
		x, ok := counted(g, nodes[:at], in, depth+1)
		if !ok {
			return 0, false
		}
		v = append(v, x)
	}
	whole := g.Values[id].Type != ir.Float32 // which division and roots are not exact for
	compare, compares := truths[n.Op]
	count, counts := scalars[n.Op]
	switch {
	case compares && len(v) > 0:
		if compare(v) {
			return 1, true
		}
		return 0, true
	case counts && len(v) > 0 && (!whole || n.Op == "Add" || n.Op == "Sub" || n.Op == "Mul" || n.Op == "Neg"):
		return count(v), true
	case (n.Op == "Identity" || n.Op == "Cast" || n.Op == "Squeeze" || n.Op == "Unsqueeze") && len(v) > 0:
		return v[0], true
	}
	return 0, false
}

// number is the single number that a constant is.
func (u *unroller) number(id ir.ValueID) (int, bool) {
	if id == 0 || u.g.Values[id].Const == nil {
		return 0, false
	}
	list, err := u.g.Values[id].Const.Int64s()
	if err != nil || len(list) != 1 {
		return 0, false
	}
	return int(list[0]), int64(int(list[0])) == list[0]
}
