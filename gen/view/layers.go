package view

import (
	"errors"
	"fmt"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/nn"
)

// isConst tells whether operand k of n is a constant tensor with a name.
func (t *translator) isConst(n *ir.Node, k int) bool {
	if k >= len(n.In) || n.In[k] == 0 {
		return false
	}
	c := t.net.Graph.Values[n.In[k]].Const
	return c != nil && c.Name != ""
}

// axisOf returns how axis k of an operand is cut.
func axisOf(o *supernet.Op, operand, k int) supernet.Axis {
	if a := axes(o, operand); k < len(a) {
		return a[k]
	}
	return supernet.Axis{}
}

func (t *translator) conv(_ int, o *supernet.Op) ([]Call, error) {
	n := o.Node
	if !t.isConst(n, 1) || len(n.In) > 2 && n.In[2] != 0 && !t.isConst(n, 2) {
		return nil, errNoMethod
	}
	w := t.param(n.In[1])
	rec := nn.Conv{
		Name: n.Name, Weight: w, Kernel: append([]int{}, w.Shape[2:]...), Strides: unless(1, n.Ints("strides")),
		Pads: unless(0, n.Ints("pads")), Dilations: unless(1, n.Ints("dilations")), AutoPad: autoPad(n),
	}
	if len(n.In) > 2 && n.In[2] != 0 {
		rec.Bias = t.param(n.In[2])
	}
	groups := int(n.Int("group", 1))
	if groups > 1 {
		rec.Groups = groups
	}
	c := single(Conv, o)
	c.Rec.Conv = &rec
	out := cut("Out", "OutPick", 0, w.Shape[0], axisOf(o, 1, 0))
	in := cut("In", "InPick", 1, w.Shape[1], axisOf(o, 1, 1))
	switch {
	case groups > 1 && groups == w.Shape[0] && w.Shape[1] == 1 && out.Pick == nil:
		out.Verb = "Group"
		c.Cuts = []Cut{out}
	case groups > 1:
		c.Cuts = []Cut{out, in, {Verb: "InGroups", N: dim.Const(groups), Full: groups}}
		if d := o.Attrs["group"]; d != nil {
			c.Cuts[2].N = d[0]
		}
	default:
		c.Cuts = []Cut{out, in}
	}
	crop, err := cropOf(o, w.Shape)
	c.Cuts = append(c.Cuts, crop)
	return []Call{c}, errors.Join(err, consistentPads(o, rec, crop))
}

// cropOf is the cut of a convolution's window, the same on every axis.
func cropOf(o *supernet.Op, weight nn.Shape) (Cut, error) {
	c := Cut{Verb: "Crop"}
	for k := 2; k < len(weight); k++ {
		a := axisOf(o, 1, k)
		d := dim.Const(weight[k])
		if a.Size > 0 {
			d = a.Keep
		}
		if k == 2 {
			c.N, c.Full = d, weight[k]
		} else if !c.N.Equal(d) {
			if _, fixed := d.IsConst(); fixed && d.Original() == weight[k] && !c.moves() {
				continue // a window that is not square is never cropped
			}
			return c, fmt.Errorf("its window is not cropped alike on all axes")
		}
	}
	return c, nil
}

// consistentPads checks that the compiler's padding is what nn.Conv.Crop computes.
func consistentPads(o *supernet.Op, rec nn.Conv, crop Cut) error {
	pads := o.Attrs["pads"]
	if !crop.moves() {
		if pads != nil {
			return fmt.Errorf("its padding moves but its window does not")
		}
		return nil
	}
	for k, d := range pads {
		dilation, pad := 1, 0
		if rec.Dilations != nil {
			dilation = rec.Dilations[k%len(rec.Kernel)]
		}
		if rec.Pads != nil {
			pad = rec.Pads[k]
		}
		want := dim.Map(func(n int) int { return pad - dilation*(crop.Full-n)/2 }, crop.N)
		if !want.Equal(d) {
			return fmt.Errorf("its padding %v does not follow its window %v", d, crop.N)
		}
	}
	return nil
}

func (t *translator) gemm(_ int, o *supernet.Op) ([]Call, error) {
	n := o.Node
	if n.Int("transA", 0) != 0 || !t.isConst(n, 1) || len(n.In) > 2 && n.In[2] != 0 && !t.isVector(n, 2) {
		return nil, errNoMethod
	}
	rec := nn.Linear{Name: n.Name, Weight: t.param(n.In[1]), TransB: n.Int("transB", 0) != 0, Alpha: factor(n, "alpha"), Beta: factor(n, "beta")}
	if len(n.In) > 2 && n.In[2] != 0 {
		rec.Bias = t.param(n.In[2])
	}
	c := single(Linear, o)
	c.Rec.Linear = &rec
	outAxis, inAxis := 1, 0
	if rec.TransB {
		outAxis, inAxis = 0, 1
	}
	c.Cuts = linearCuts(o, rec.Weight, outAxis, inAxis)
	return calling(c)
}

// isVector tells whether operand k is a named constant of rank 1.
func (t *translator) isVector(n *ir.Node, k int) bool {
	return t.isConst(n, k) && len(t.net.Graph.Values[n.In[k]].Const.Shape) == 1
}

func linearCuts(o *supernet.Op, w nn.Param, outAxis, inAxis int) []Cut {
	return []Cut{
		cut("Out", "OutPick", outAxis, w.Shape[outAxis], axisOf(o, 1, outAxis)),
		cut("In", "InPick", inAxis, w.Shape[inAxis], axisOf(o, 1, inAxis)),
	}
}

// factor is a Gemm's alpha or beta; 0 stands for 1.
func factor(n *ir.Node, name string) float32 {
	if v := n.Float(name, 1); v != 1 {
		return v
	}
	return 0
}

// matMul makes a Linear if the second operand is a constant matrix. If a constant vector is added to the result, it is the bias.
func (t *translator) matMul(i int, o *supernet.Op) ([]Call, error) {
	n := o.Node
	if !t.isMatrix(n, 1) {
		return elementwise(MatMul)(t, i, o)
	}
	rec := nn.Linear{Name: n.Name, Weight: t.param(n.In[1])}
	c := single(Linear, o)
	if add, ok := t.biasOf(i); ok {
		m := t.net.Graph.Nodes[add]
		rec.BiasName = m.Name
		rec.Bias = t.param(m.In[t.biasOperand(m)])
		c.Out = m.Out
	}
	c.Rec.Linear = &rec
	c.Cuts = linearCuts(o, rec.Weight, 1, 0)
	return calling(c)
}

func (t *translator) isMatrix(n *ir.Node, k int) bool {
	return t.isConst(n, k) && len(t.net.Graph.Values[n.In[k]].Const.Shape) == 2
}

// biasOf returns the Add that gives node i, a product with a constant matrix, its bias.
func (t *translator) biasOf(i int) (int, bool) {
	n := t.net.Graph.Nodes[i]
	if n.Op != "MatMul" || n.Domain != "" || !t.isMatrix(n, 1) || t.uses[n.Out[0]] != 1 {
		return 0, false
	}
	add, ok := t.reader[n.Out[0]]
	if !ok || t.net.Graph.Nodes[add].Op != "Add" || t.net.Nodes[add].Block != t.net.Nodes[i].Block {
		return 0, false
	}
	m := t.net.Graph.Nodes[add]
	width := t.net.Graph.Values[n.In[1]].Const.Shape[1]
	k := t.biasOperand(m)
	if !t.isVector(m, k) || t.net.Graph.Values[m.In[k]].Const.Shape[0] != width {
		return 0, false
	}
	return add, true
}

// biasOperand returns which operand of an Add is the constant.
func (t *translator) biasOperand(m *ir.Node) int {
	if t.isConst(m, 0) {
		return 0
	}
	return 1
}

func (t *translator) batchNorm(_ int, o *supernet.Op) ([]Call, error) {
	n := o.Node
	for k := 1; k <= 4; k++ {
		if !t.isConst(n, k) {
			return nil, errNoMethod
		}
	}
	for _, id := range n.Out[1:] {
		if id != 0 {
			return nil, errNoMethod
		}
	}
	rec := nn.BatchNorm{
		Name: n.Name, Scale: t.param(n.In[1]), Bias: t.param(n.In[2]), Mean: t.param(n.In[3]), Var: t.param(n.In[4]),
		Epsilon: n.Float("epsilon", 1e-5),
	}
	return t.norm(BatchNorm, o, rec.Scale, Rec{BatchNorm: &rec})
}

func (t *translator) layerNorm(_ int, o *supernet.Op) ([]Call, error) {
	n := o.Node
	if !t.isConst(n, 1) || len(n.In) > 2 && n.In[2] != 0 && !t.isConst(n, 2) || len(n.Out) > 1 {
		return nil, errNoMethod
	}
	rec := nn.LayerNorm{Name: n.Name, Scale: t.param(n.In[1]), Axis: int(n.Int("axis", -1)), Epsilon: n.Float("epsilon", 1e-5)}
	if len(n.In) > 2 && n.In[2] != 0 {
		rec.Bias = t.param(n.In[2])
	}
	if len(rec.Scale.Shape) != 1 {
		return nil, errNoMethod
	}
	return t.norm(LayerNorm, o, rec.Scale, Rec{LayerNorm: &rec})
}

func (t *translator) norm(method Method, o *supernet.Op, scale nn.Param, rec Rec) ([]Call, error) {
	c := single(method, o)
	c.Rec = rec
	c.Cuts = []Cut{cut("Cut", "CutPick", 0, scale.Shape[0], axisOf(o, 1, 0))}
	return calling(c)
}
