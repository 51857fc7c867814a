package supernet

import (
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
)

// Grid describes an axis of a positional embedding: some separate positions, and then the positions of a square map, row by row. At another resolution the map is
// interpolated.
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

// table returns the shape of a parameter whose positions follow the resolution, nil for all others.
func (b *binder) table(id ir.ValueID, known *extents) []dim.Dim {
	place := b.positions(id)
	if place == unplaced {
		return nil
	}
	axes := b.coupling.Axes(id)
	out := make([]dim.Dim, len(axes))
	for k, v := range axes {
		if place == lattice {
			out[k] = b.composed(v, known)
			continue
		}
		prefix, side, ok := b.gridOf(v)
		if !ok {
			out[k] = b.extent(v)
			continue
		}
		n := b.composed(side, known)
		out[k] = dim.Map(func(s int) int { return prefix + s*s }, n)
	}
	return out
}

// placed describes axis k of a parameter that the resolution moves. ok is false if the resolution does not move it.
func (b *binder) placed(id ir.ValueID, k int) (a Axis, ok bool) {
	shape := b.net.Shapes[id]
	if b.positions(id) == lattice {
		a = b.kept(b.coupling.Axes(id)[k])
		return a, a.Size > 0
	}
	prefix, side, ok := b.gridOf(b.coupling.Axes(id)[k])
	if !ok || b.positions(id) == unplaced || len(shape[k].Deps()) == 0 {
		return a, false
	}
	full := b.coupling.Size(side)
	to := dim.Map(func(n int) int {
		s := 0
		for (s+1)*(s+1) <= n-prefix {
			s++
		}
		return s
	}, shape[k])
	if b.positions(id) == embedding {
		return Axis{Grid: &Grid{Prefix: prefix, Side: full, To: to}}, true
	}
	corner := Axis{Size: full * full, Of: []Axis{{Size: full, Keep: to}, {Size: full, Keep: to}}}
	if prefix == 0 {
		return corner, true
	}
	return Axis{Size: prefix + full*full, Sum: true, Of: []Axis{{Size: prefix, Keep: dim.Const(prefix)}, corner}}, true
}
