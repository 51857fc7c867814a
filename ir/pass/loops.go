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
	maxTrips    = 64
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
	trips, known := u.number(own[0])
	if goes, known := u.number(own[1]); own[1] != 0 && (!known || goes == 0) {
		return false
	}
	if !known || trips < 1 || trips > maxTrips {
		return false
	}
	scalar := func(name string, t *ir.Tensor) ir.ValueID { return constantValue(u.g, u.n.Name+"/"+name, t) }
	yes := scalar("goes_on", &ir.Tensor{Tensor: tensors.Tensor{Type: ir.Bool, Shape: []int{}, Raw: []byte{1}}})
	state := own[2:]
	var scans [][]ir.ValueID
	for t := range trips {
		yields := u.trip(t, append([]ir.ValueID{scalar(fmt.Sprint(t), ir.FromInt64s([]int{}, []int64{int64(t)})), yes}, state...))
		if u.err != nil || len(yields) < 1+len(state) || len(yields)-1 != len(u.n.Out) || !u.goesOn(yields[0]) {
			return false
		}
		scans = collect(scans, yields[1+len(state):])
		state = yields[1 : 1+len(state)]
	}
	for k, id := range state {
		u.yield(k, id)
	}
	for k, list := range scans {
		u.stack(len(state)+k, 0, list)
	}
	return u.err == nil
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

// goesOn tells whether a condition is true: a constant, behind any number of Identity nodes.
func (u *unroller) goesOn(id ir.ValueID) bool {
	for k := len(u.nodes) - 1; k >= 0; k-- {
		n := u.nodes[k]
		if len(n.Out) != 1 || n.Out[0] != id || n.Domain != "" {
			continue
		}
		switch n.Op {
		case "Identity", "Cast":
			id = n.Input(0)
		case "Constant":
			t, ok := tensors.Constant(n.Attrs)
			v, err := t.Int64s()
			return ok && err == nil && len(v) == 1 && v[0] != 0
		default:
			return false
		}
	}
	v, known := u.number(id)
	return known && v != 0
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
