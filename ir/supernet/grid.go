package supernet

import (
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
)

// Grid says that an axis of a parameter lists some positions of their own and then those of a square map, row by row: a positional
// embedding. Under another resolution the map is interpolated.
type Grid struct {
	Prefix int     // positions before the map, such as that of a class token
	Side   int     // of the map in the model
	To     dim.Dim // of the map under the choices
}

// gridOf describes a parameter's axis when its positions are those of a square map that follows the resolution.
func (b *binder) gridOf(v axis.Var) (prefix int, side axis.Var, ok bool) {
	if !b.coupling.Is(v, axis.Spatial) {
		return 0, 0, false
	}
	parts := b.coupling.Terms(v)
	if parts == nil {
		parts = []axis.Var{v}
	}
	last := parts[len(parts)-1]
	for _, p := range parts[:len(parts)-1] {
		prefix += b.coupling.Size(p)
	}
	sides := b.coupling.Factors(last)
	if len(sides) != 2 || b.coupling.Size(sides[0]) != b.coupling.Size(sides[1]) {
		return 0, 0, false
	}
	return prefix, sides[0], true
}

// positional tells whether a parameter can be an embedding of positions: it is only ever added, and has one axis of them. A Linear that
// mixes positions learned one row for each of them, and a bias for pairs of positions (relative ones, in LeViT and Swin) depends on how
// far these are from each other: neither can be interpolated.
func (b *binder) positional(id ir.ValueID) bool {
	maps := 0
	for _, v := range b.coupling.Axes(id) {
		if _, _, ok := b.gridOf(v); ok {
			maps++
		}
	}
	if maps > 1 {
		return false
	}
	for _, u := range b.flow.Users(id) {
		if b.flow.Node(u).Op != "Add" {
			return false
		}
	}
	return b.graph.Values[id].Type == ir.Float32
}

// table returns the shape of a parameter with a positional axis, nil for all others.
func (b *binder) table(id ir.ValueID, known map[axis.Var]dim.Dim) []dim.Dim {
	if !b.positional(id) {
		return nil
	}
	axes := b.coupling.Axes(id)
	found := false
	out := make([]dim.Dim, len(axes))
	for k, v := range axes {
		prefix, side, ok := b.gridOf(v)
		if !ok {
			out[k] = b.extent(v)
			continue
		}
		found = true
		n := b.composed(side, known)
		out[k] = dim.Map(func(s int) int { return prefix + s*s }, n)
	}
	if !found {
		return nil
	}
	return out
}

// grid describes axis k of a parameter when the resolution moves it, nil when it does not.
func (b *binder) grid(id ir.ValueID, k int) *Grid {
	shape := b.net.Shapes[id]
	prefix, side, ok := b.gridOf(b.coupling.Axes(id)[k])
	if !ok || !b.positional(id) || len(shape[k].Deps()) == 0 {
		return nil
	}
	full := b.coupling.Size(side)
	to := dim.Map(func(n int) int {
		s := 0
		for (s+1)*(s+1) <= n-prefix {
			s++
		}
		return s
	}, shape[k])
	return &Grid{Prefix: prefix, Side: full, To: to}
}
