package pass

import (
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/op"
)

// learnedDomain is that of operators of classical learning, which converters of such tools put around networks.
const learnedDomain = "ai.onnx.ml"

// plainLearned writes what scikit-learn's converter puts before and behind a network in operators that are known: a scaler is a difference and a
// product, and what picks the name of a class is a Gather.
func plainLearned(g *ir.Graph) error {
	var nodes []*ir.Node
	changed := false
	for _, n := range g.Nodes {
		w := &composite{g: g, node: n}
		ok := false
		switch {
		case n.Domain != learnedDomain || len(n.Out) != 1:
		case n.Op == "Scaler" && len(n.In) == 1:
			ok = w.scaler()
		case n.Op == "ArrayFeatureExtractor" && len(n.In) == 2:
			ok = w.extractor()
		}
		if !ok {
			nodes = append(nodes, n)
			continue
		}
		changed = true
		last := w.nodes[len(w.nodes)-1]
		last.Name, last.Out[0], last.Meta = n.Name, n.Out[0], n.Meta
		nodes = append(nodes, w.nodes...)
	}
	g.Nodes = nodes
	if !changed {
		return nil
	}
	return op.Types(g) // what follows had none
}

// scaler is (x - offset) * scale, in float32 whatever x is.
func (w *composite) scaler() bool {
	offset, _ := w.node.Attr("offset")
	scale, _ := w.node.Attr("scale")
	if len(offset.Floats) == 0 || len(scale.Floats) == 0 {
		return false
	}
	x := w.node.In[0]
	w.g.Values[w.node.Out[0]].Type = ir.Float32
	if w.g.Values[x].Type != ir.Float32 {
		x = w.add("Cast", []ir.Attr{{Name: "to", Kind: ir.AttrInt, Int: int64(ir.Float32)}}, x)
	}
	list := func(name string, v []float32) ir.ValueID {
		return constantValue(w.g, w.node.Name+"_"+name, ir.FromFloat32s([]int{len(v)}, v))
	}
	w.add("Mul", nil, w.add("Sub", nil, x, list("offset", offset.Floats)), list("scale", scale.Floats))
	return true
}

// extractor picks elements along the last axis; of a list it makes a matrix of one row.
func (w *composite) extractor() bool {
	x := w.g.Values[w.node.In[0]]
	if x.Const == nil || len(x.Const.Shape) == 0 {
		return false
	}
	w.g.Values[w.node.Out[0]].Type = x.Const.Type
	y := w.add("Gather", []ir.Attr{axisAttr(-1)}, w.node.In[0], w.reshape(w.node.In[1], -1))
	if len(x.Const.Shape) == 1 {
		w.reshape(y, 1, -1)
	}
	return true
}
