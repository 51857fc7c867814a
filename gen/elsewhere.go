package gen

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/pass"
	"github.com/autotailor/autotailor/ir/supernet"
)

// elsewhere brings a model to canonical form with another shape of an input, see supernet.Config.
type elsewhere func(own *ir.Graph, input string, shape []int) (g *ir.Graph, open bool, err error)

// supernet is what a config asks of the compiler, for the model at path.
func (j Job) supernet(path string, c config.Config) supernet.Config {
	s := c.Supernet()
	if s.Elsewhere = j.again; s.Elsewhere == nil {
		s.Elsewhere = j.elsewhere(path, c)
	}
	return s
}

// elsewhere returns what brings the model to canonical form with another shape of an input. A model without operators that read shapes has no
// constants that follow from extents.
func (j Job) elsewhere(path string, c config.Config) elsewhere {
	made := map[string]*ir.Graph{}
	plain, open := false, false
	return func(own *ir.Graph, input string, shape []int) (*ir.Graph, bool, error) {
		key := fmt.Sprint(input, shape)
		if g, ok := made[key]; ok || plain {
			return g, open, nil
		}
		g, _, err := j.file.graph(path)
		if err != nil {
			return nil, false, err
		}
		if plain = !slices.ContainsFunc(g.Nodes, readsShapes); plain {
			return nil, false, nil
		}
		open = slices.ContainsFunc(g.Inputs, func(id ir.ValueID) bool {
			s := g.Values[id].Shape
			return g.Values[id].Name == input && len(s) > 0 && s[len(s)-1].Size < 0
		})
		if err := j.fixInputs(g, path, c); err != nil {
			return nil, false, err
		}
		for _, v := range g.Values {
			if v != nil && v.Const == nil {
				v.Shape = asInput(g, v, input, shape)
			}
		}
		made[key] = g
		if open {
			own = nil // the model itself tells what it computes there
		}
		return g, open, pass.Canonicalise(g, pass.Options{Own: own})
	}
}

// asInput is the shape of an input, and none of all other values: those that the model states hold at its own resolution.
func asInput(g *ir.Graph, v *ir.Value, input string, shape []int) ir.Shape {
	switch {
	case !slices.ContainsFunc(g.Inputs, func(id ir.ValueID) bool { return g.Values[id] == v }):
		return nil
	case v.Name != input:
		return v.Shape
	}
	s := slices.Clone(v.Shape)
	for k, n := range shape {
		s[k].Size = n
	}
	return s
}

// readsShapes tells whether a node makes numbers of the extents of its operand, itself or in a subgraph.
func readsShapes(n *ir.Node) bool {
	return n.Op == "Shape" || n.Op == "Size" || slices.ContainsFunc(n.Attrs, func(a ir.Attr) bool { return a.Kind == ir.AttrGraph })
}
