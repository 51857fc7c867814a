package supernet

import (
	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
)

// extents holds extents of variables, those that one inference has found. Variables are numbers from 0 on, so that places in a list take the
// place of a map.
type extents struct {
	at   []int32 // by variable, the place in list plus one; 0 where the extent is not known
	list []dim.Dim
}

func (e *extents) get(v axis.Var) (dim.Dim, bool) {
	if int(v) >= len(e.at) || e.at[v] == 0 {
		return dim.Dim{}, false
	}
	return e.list[e.at[v]-1], true
}

// find notes the extent of a variable, unless one is known.
func (e *extents) find(v axis.Var, d dim.Dim) {
	if _, ok := e.get(v); ok {
		return
	}
	if n := int(v) + 1 - len(e.at); n > 0 {
		e.at = append(e.at, make([]int32, n)...)
	}
	e.list = append(e.list, d)
	e.at[v] = int32(len(e.list))
}
