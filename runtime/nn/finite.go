package nn

import (
	"fmt"
	"math"
)

// NotFinite names the parameters of g that have infinite or NaN elements, each with the number of these elements. Parameters that cannot be read are left out.
func NotFinite(g *Graph, w Weights) []string {
	var out []string
	for _, i := range g.Values {
		if i.Param == nil || !i.Type.Fractional() {
			continue
		}
		t, err := Fetch(w, *i.Param)
		if err != nil {
			continue
		}
		n := 0
		for _, v := range t.Numbers() {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				n++
			}
		}
		if n > 0 {
			out = append(out, fmt.Sprintf("%q (%d of %d elements)", i.Param.Source(), n, t.Shape.Count()))
		}
	}
	return out
}
