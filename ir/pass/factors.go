package pass

import (
	"math"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
)

// resizeFactors gives Resize factors instead of sizes: an exporter's sizes are those of the original's channels and map, factors hold for
// every SubNet.
func resizeFactors(g *ir.Graph) error {
	var shapes [][]dim.Dim
	for _, n := range g.Nodes {
		sizes := g.Values[n.Input(3)].Const
		if n.Domain != "" || n.Op != "Resize" || n.Input(3) == 0 || sizes == nil || !stretches(n) {
			continue
		}
		if shapes == nil {
			shapes = inferred(g)
		}
		list, err := sizes.Int64s()
		if factors := factorsOf(list, shapes[n.In[0]]); err == nil && factors != nil {
			n.In = []ir.ValueID{n.In[0], 0, floatConstant(g, n.Name+"_scales", factors)}
		}
	}
	return nil
}

// stretches tells whether the sizes of a Resize are those of all axes, whatever that does to the aspect.
func stretches(n *ir.Node) bool {
	return n.Ints("axes") == nil && n.String("keep_aspect_ratio_policy", "stretch") == "stretch"
}

// factorsOf returns what makes a shape the given sizes, nil when that is not exact. The batch stays.
func factorsOf(sizes []int64, shape []dim.Dim) []float32 {
	if len(sizes) != len(shape) || len(shape) == 0 {
		return nil
	}
	out := make([]float32, len(shape))
	for k, d := range shape {
		n := d.Original()
		if d.IsBatch() || int64(n) == sizes[k] {
			out[k] = 1
			continue
		}
		f := float32(sizes[k]) / float32(n)
		if math.Floor(float64(f*float32(n))) != float64(sizes[k]) {
			return nil
		}
		out[k] = f
	}
	return out
}

// maxScales bounds the elements of lists that foldScales joins.
const maxScales = 8

// foldScales joins short lists of float32 constants: factors of a Resize, which exporters without constant folding write so.
func foldScales(g *ir.Graph) error {
	filter(g, func(n *ir.Node) bool {
		if n.Op != "Concat" || n.Domain != "" || len(n.Out) != 1 || isOutput(g, n.Out[0]) {
			return true
		}
		var list []float32
		for _, id := range n.In {
			c := g.Values[id].Const
			if c == nil || c.Type != ir.Float32 || len(c.Shape) != 1 {
				return true
			}
			part, err := c.Float32s()
			if list = append(list, part...); err != nil || len(list) > maxScales {
				return true
			}
		}
		setConstant(g.Values[n.Out[0]], ir.FromFloat32s([]int{len(list)}, list))
		return false
	})
	return nil
}
