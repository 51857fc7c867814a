package pass

import (
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// globalPools rewrites ReduceMean over the two spatial axes of a map: kept axes give GlobalAveragePool, dropped ones
// GlobalAveragePool and Flatten.
func globalPools(g *ir.Graph) error {
	ranks := ranksOf(g)
	var nodes []*ir.Node
	for _, n := range g.Nodes {
		nodes = append(nodes, n)
		if n.Op != "ReduceMean" || n.Domain != "" || ranks[n.In[0]] != 4 || !spatialAxes(axesOf(g, n)) {
			continue
		}
		n.Op, n.In = "GlobalAveragePool", n.In[:1]
		keep := n.Int("keepdims", 1) != 0
		n.Attrs = nil
		if keep {
			continue
		}
		out := n.Out[0]
		mid := &ir.Value{Name: g.Values[out].Name + "_pooled", Type: g.Values[out].Type}
		g.Values = append(g.Values, mid)
		id := ir.ValueID(len(g.Values) - 1)
		n.Out = []ir.ValueID{id}
		nodes = append(nodes, &ir.Node{
			Op: "Flatten", Name: n.Name + "_flatten", In: []ir.ValueID{id}, Out: []ir.ValueID{out}, Scope: n.Scope, Meta: n.Meta,
			Attrs: []ir.Attr{{Name: "axis", Kind: ir.AttrInt, Int: 1}},
		})
	}
	g.Nodes = nodes
	return nil
}

// spatialAxes tells whether axes are the last two of four.
func spatialAxes(axes []int64) bool {
	seen := [4]bool{}
	for _, a := range axes {
		if a < 0 {
			a += 4
		}
		if a < 2 || a > 3 {
			return false
		}
		seen[a] = true
	}
	return seen[2] && seen[3]
}

// axesOf returns the axes of a reduction or squeeze: attribute or constant operand.
func axesOf(g *ir.Graph, n *ir.Node) []int64 {
	if a := n.Ints("axes"); a != nil {
		return a
	}
	if id := n.Input(1); id != 0 && g.Values[id].Const != nil {
		if a, err := g.Values[id].Const.Int64s(); err == nil {
			return a
		}
	}
	return nil
}

// ranksOf finds how many axes values have, as far as inputs, value_info and simple operators tell; 0 is unknown.
func ranksOf(g *ir.Graph) []int {
	ranks := make([]int, len(g.Values))
	for id, v := range g.Values {
		ranks[id] = len(v.Shape)
	}
	for _, n := range g.Nodes {
		if len(n.In) > 0 && n.Out[0] != 0 && ranks[n.Out[0]] == 0 && keepsRank[n.Op] {
			ranks[n.Out[0]] = highest(g, n, ranks)
		}
	}
	return ranks
}

// highest is the rank of operands that broadcast, 0 while one of them is not known. The first one may be a bias.
func highest(g *ir.Graph, n *ir.Node, ranks []int) int {
	out := ranks[n.In[0]]
	if o, _ := operators.Lookup(n.Domain, n.Op); o.Class != operators.Broadcast {
		return out
	}
	for _, id := range n.In {
		if ranks[id] == 0 && g.Values[id].Const == nil {
			return 0
		}
		out = max(out, ranks[id])
	}
	return out
}

// inferredRanks is ranksOf where the model declares little: by the operators' rules, whatever the open extents are.
func inferredRanks(g *ir.Graph) []int {
	ranks := ranksOf(g)
	for id, s := range inferred(g) {
		if ranks[id] == 0 {
			ranks[id] = len(s)
		}
	}
	return ranks
}

// inferred are the shapes that follow from the operators' rules; nil where they do not.
func inferred(g *ir.Graph) [][]dim.Dim {
	bind := map[ir.ValueID][]dim.Dim{}
	for _, id := range g.Inputs {
		for k, d := range g.Values[id].Shape {
			switch {
			case d.Size > 0:
				bind[id] = append(bind[id], dim.Const(d.Size))
			case k == 0:
				bind[id] = append(bind[id], dim.Batch())
			default:
				bind[id] = append(bind[id], dim.Const(anyExtent))
			}
		}
	}
	shapes, _ := op.InferGraph(g, bind, nil) // what does not come out stays unknown
	return shapes
}

// anyExtent stands for open extents.
const anyExtent = 224

var keepsRank = map[string]bool{
	"Conv": true, "BatchNormalization": true, "Relu": true, "Clip": true, "HardSwish": true, "HardSigmoid": true, "Sigmoid": true, "Tanh": true,
	"LeakyRelu": true, "Elu": true, "Mish": true, "Gelu": true, "Softplus": true, "Erf": true, "Softmax": true,
	"Add": true, "Mul": true, "Sub": true, "Div": true, "MaxPool": true, "AveragePool": true, "GlobalAveragePool": true, "Concat": true,
	"Pad": true, "Transpose": true, "Resize": true,
}

// flattenHeads rewrites the Reshape or Squeeze that makes a matrix of a pooled map into Flatten.
func flattenHeads(g *ir.Graph) error {
	single := singlePositions(g)
	for _, n := range g.Nodes {
		if n.Domain != "" || len(n.In) == 0 || n.Op != "Reshape" && n.Op != "Squeeze" {
			continue
		}
		if !single[n.In[0]] || !makesMatrix(g, n) {
			continue
		}
		n.Op, n.In = "Flatten", n.In[:1]
		n.Attrs = []ir.Attr{{Name: "axis", Kind: ir.AttrInt, Int: 1}}
	}
	return nil
}

// singlePositions finds maps of one position, [N C 1 1]: what global pooling makes, and what keeps it.
func singlePositions(g *ir.Graph) []bool {
	out := make([]bool, len(g.Values))
	for id, v := range g.Values {
		out[id] = len(v.Shape) == 4 && v.Shape[2].Size == 1 && v.Shape[3].Size == 1 && v.Const == nil
	}
	for _, n := range g.Nodes {
		switch {
		case n.Domain != "" || len(n.In) == 0:
		case n.Op == "GlobalAveragePool" || n.Op == "GlobalMaxPool":
			out[n.Out[0]] = true
		case keepsRank[n.Op] && n.Op != "Transpose" && n.Op != "Resize" && n.Op != "Pad" && n.Op != "Concat":
			out[n.Out[0]] = out[n.Out[0]] || out[n.In[0]] && n.Op != "Add" && n.Op != "Mul" && n.Op != "Sub" && n.Op != "Div"
		}
	}
	out[0] = false
	return out
}

// makesMatrix tells whether a Reshape has a target of two extents, or a Squeeze drops the spatial axes.
func makesMatrix(g *ir.Graph, n *ir.Node) bool {
	if n.Op == "Squeeze" {
		return spatialAxes(axesOf(g, n))
	}
	id := n.Input(1)
	if id == 0 || g.Values[id].Const == nil {
		return false
	}
	shape, err := g.Values[id].Const.Int64s()
	return err == nil && len(shape) == 2 && (shape[0] == 1 || shape[0] == -1 || shape[0] == 0)
}
