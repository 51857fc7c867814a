package supernet

import (
	"math"
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
)

// term is a run of an axis: the factors of which it is the product, outermost first.
type term struct {
	from, size int
	leaves     []axis.Var
}

// terms lists the terms of an axis, nil if it is not a sum of products.
func (b *binder) terms(v axis.Var) []term {
	parts := b.coupling.Terms(v)
	if parts == nil {
		parts = []axis.Var{v}
	}
	var out []term
	at := 0
	for _, p := range parts {
		leaves := b.coupling.Factors(p)
		if leaves == nil {
			leaves = []axis.Var{p}
		}
		if slices.ContainsFunc(leaves, func(l axis.Var) bool { return b.coupling.Terms(l) != nil || b.coupling.Factors(l) != nil }) {
			return nil
		}
		out = append(out, term{at, b.coupling.Size(p), leaves})
		at += b.coupling.Size(p)
	}
	return out
}

// lattice tells whether a constant lists coordinates of a map: it grows by the same whole number from position to position, along at most one side of the map,
// or is constant. A smaller map keeps the first coordinates. Coordinates that grow by fractions are shares of a side, and differ in a smaller map.
func (b *binder) lattice(id ir.ValueID) bool {
	t := b.graph.Values[id].Const
	if b.graph.Values[id].Type != ir.Float32 || !b.elementwise(id) {
		return false
	}
	values, err := t.Float32s()
	if err != nil {
		return false
	}
	var axes [][]term
	for _, v := range b.coupling.Axes(id) {
		list := b.terms(v)
		if list == nil {
			return false
		}
		axes = append(axes, list)
	}
	chosen := make([]term, len(axes))
	var all func(k int) bool
	all = func(k int) bool {
		if k == len(axes) {
			return b.steady(values, t.Shape, chosen)
		}
		for _, c := range axes[k] {
			if chosen[k] = c; !all(k + 1) {
				return false
			}
		}
		return true
	}
	return all(0)
}

// side is one variable of a constant's part, with the distance of its neighbours in memory.
type side struct {
	size, stride int
	spatial      bool
}

// steady looks at one part of a constant: a term of every axis.
func (b *binder) steady(values []float32, shape []int, part []term) bool {
	var sides []side
	start, stride := 0, 1
	for k := len(shape) - 1; k >= 0; k-- {
		start += part[k].from * stride
		inner := stride
		for _, l := range slices.Backward(part[k].leaves) {
			n := b.coupling.Size(l)
			sides = append(sides, side{n, inner, b.coupling.Is(l, axis.Spatial)})
			inner *= n
		}
		stride *= shape[k]
	}
	steps := map[int]map[int]float64{} // by where the map begins, by side
	ok := true
	index := make([]int, len(sides))
	for at := start; ok; {
		ok = steadyAt(values, sides, index, at, steps)
		k := 0
		for ; k < len(sides); k++ {
			if index[k]++; index[k] < sides[k].size {
				at += sides[k].stride
				break
			}
			at -= (sides[k].size - 1) * sides[k].stride
			index[k] = 0
		}
		if k == len(sides) {
			break
		}
	}
	return ok && oneSide(steps)
}

// steadyAt compares an element with its neighbours before it, and notes the differences.
func steadyAt(values []float32, sides []side, index []int, at int, steps map[int]map[int]float64) bool {
	origin := at
	for k, s := range sides {
		if s.spatial {
			origin -= index[k] * s.stride
		}
	}
	for k, s := range sides {
		if !s.spatial || index[k] == 0 {
			continue
		}
		step := float64(values[at]) - float64(values[at-s.stride])
		whole := math.Round(step)
		if math.Abs(step-whole) > 1e-4*max(1, math.Abs(float64(values[at]))/64) {
			return false
		}
		if steps[origin] == nil {
			steps[origin] = map[int]float64{}
		}
		if was, seen := steps[origin][k]; seen && was != whole {
			return false
		}
		steps[origin][k] = whole
	}
	return true
}

// oneSide tells whether each map grows along at most one of its sides. Numbers that grow along both depend on the length of a row.
func oneSide(steps map[int]map[int]float64) bool {
	for _, along := range steps {
		growing := 0
		for _, step := range along {
			if step != 0 {
				growing++
			}
		}
		if growing > 1 {
			return false
		}
	}
	return true
}

// mapwise are the operators that compute each position of a map from the same position of their operands.
var mapwise = []string{"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Where", "Concat", "Less", "Greater", "Equal"}

// elementwise tells whether a constant meets maps position by position, perhaps after it was moved.
func (b *binder) elementwise(id ir.ValueID) bool {
	for _, u := range b.flow.Users(id) {
		n := b.flow.Node(u)
		moved := slices.Contains([]string{"Unsqueeze", "Squeeze", "Transpose", "Cast", "Identity"}, n.Op) && len(n.Out) == 1 && b.elementwise(n.Out[0])
		if !moved && (n.Domain != "" || !slices.Contains(mapwise, n.Op) || !b.grows(n, id)) {
			return false
		}
	}
	return true
}

// grows tells whether a constant that n computes from a constant with whole steps has whole steps as well, as far as its numbers show.
func (b *binder) grows(n *ir.Node, id ir.ValueID) bool {
	if len(n.In) != 2 || !b.flow.derived[n.Out[0]] || n.Op != "Mul" && n.Op != "Div" {
		return true
	}
	other := b.graph.Values[n.In[0]].Const
	if n.In[0] == id {
		other = b.graph.Values[n.In[1]].Const
	}
	if other == nil {
		return false
	}
	list, err := other.Float32s()
	return err == nil && !slices.ContainsFunc(list, func(x float32) bool {
		by := float64(x)
		if n.Op == "Div" {
			by = 1 / by
		}
		return by != math.Round(by)
	})
}

// kept says which positions of an axis of a lattice are kept: the first ones along each side of the map.
func (b *binder) kept(v axis.Var) Axis {
	return b.cut(v, func(v axis.Var) dim.Dim { return b.composed(v, b.known) })
}
