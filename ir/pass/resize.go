package pass

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// modernResize makes Upsample, and Resize as it was in opset 10, a Resize of today: they scaled from the origin and took the position
// before where they enlarged, the one after where they reduced.
func modernResize(g *ir.Graph) error {
	for _, n := range g.Nodes {
		if n.Domain != "" || n.Op != "Upsample" && (n.Op != "Resize" || len(n.In) != 2) {
			continue
		}
		if n.Op == "Upsample" && len(n.In) == 1 {
			a, ok := n.Attr("scales")
			if !ok || len(a.Floats) == 0 {
				continue
			}
			n.In = append(n.In, floatConstant(g, n.Name+"_scales", a.Floats))
			n.Attrs = without(n.Attrs, "scales")
		}
		rounding := "floor"
		if t := g.Values[n.In[1]].Const; t != nil {
			list, err := t.Float32s()
			if err != nil {
				return fmt.Errorf("node %q (%s): %w", n.Name, n.Op, err)
			}
			switch reduces := slices.Min(append(list, 1)) < 1; {
			case reduces && slices.Max(append(list, 1)) > 1:
				continue // no Resize of today rounds in two ways
			case reduces:
				rounding = "ceil"
			}
		}
		n.Op, n.In = "Resize", []ir.ValueID{n.In[0], 0, n.In[1]}
		n.Set(ir.Attr{Name: "coordinate_transformation_mode", Kind: ir.AttrString, String: "asymmetric"})
		n.Set(ir.Attr{Name: "nearest_mode", Kind: ir.AttrString, String: rounding})
	}
	return nil
}

func without(attrs []ir.Attr, name string) []ir.Attr {
	var out []ir.Attr
	for _, a := range attrs {
		if a.Name != name {
			out = append(out, a)
		}
	}
	return out
}

func floatConstant(g *ir.Graph, name string, list []float32) ir.ValueID {
	return constantValue(g, name, ir.FromFloat32s([]int{len(list)}, list))
}
