package pass

import (
	"fmt"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/onnx"
)

// tensorNames counts the tensors of a graph and of the graphs inside of its nodes by their names. Weights of the model's file are known by these.
type tensorNames map[string]int

func bodyNames(g *ir.Graph) tensorNames {
	names := tensorNames{}
	for _, v := range g.Values {
		if v.Const != nil && v.Const.Name != "" {
			names[v.Const.Name] = 1 // several values may have one tensor
		}
	}
	for _, n := range g.Nodes {
		for _, name := range onnx.Constants(n) {
			names[name]++
		}
	}
	return names
}

// all tells whether every constant inside of n has a name of its own.
func (t tensorNames) all(n *ir.Node) bool {
	for _, name := range onnx.Constants(n) {
		if t[name] > 1 {
			return false
		}
	}
	return true
}

// scan makes a trip for each position of the operands that it walks over.
func (u *unroller) scan() bool {
	own, walked := u.own(), int(u.n.Int("num_scan_inputs", 0))
	carried := len(own) - walked
	if u.g.Opsets[""] < 9 || walked < 1 || carried < 0 || u.body.Inputs != len(own) || len(u.n.Out) < carried {
		return false
	}
	axes := make([]int, walked)
	trips := 0
	for k := range axes {
		s := u.vals[own[carried+k]].Shape
		axis, ok := axisOf(nthInt(u.n.Ints("scan_input_axes"), k), len(s))
		if !ok {
			return false
		}
		n, fixed := s[axis].IsConst()
		if axes[k] = axis; !fixed || n < 1 || n > maxTrips || trips != 0 && n != trips {
			return false
		}
		trips = n
	}
	state := own[:carried]
	var scans [][]ir.ValueID
	for t := range trips {
		inputs := append([]ir.ValueID{}, state...)
		for k, axis := range axes {
			at := u.place(t, trips, u.n.Ints("scan_input_directions"), k)
			index := constantValue(u.g, u.n.Name+"/at", ir.FromInt64s([]int{}, []int64{int64(at)}))
			x := own[carried+k]
			name := fmt.Sprintf("%s/%d/%s", u.n.Name, t, u.g.Values[x].Name)
			inputs = append(inputs, u.add(name, "Gather", []ir.Attr{{Name: "axis", Kind: ir.AttrInt, Int: int64(axis)}}, x, index))
		}
		yields := u.trip(t, inputs)
		if u.err != nil || len(yields) != len(u.n.Out) {
			return false
		}
		scans = collect(scans, yields[carried:])
		state = yields[:carried]
	}
	for k, id := range state {
		u.yield(k, id)
	}
	for k, list := range scans {
		ordered := make([]ir.ValueID, trips)
		for t, id := range list {
			ordered[u.place(t, trips, u.n.Ints("scan_output_directions"), k)] = id
		}
		u.stack(carried+k, int(nthInt(u.n.Ints("scan_output_axes"), k)), ordered)
	}
	return u.err == nil
}

// place is the position that trip t reads or writes: the last one first where the direction is 1.
func (u *unroller) place(t, trips int, directions []int64, k int) int {
	if nthInt(directions, k) == 1 {
		return trips - 1 - t
	}
	return t
}

// nthInt is an element of a list, 0 where it has none.
func nthInt(list []int64, k int) int64 {
	if k < len(list) {
		return list[k]
	}
	return 0
}
