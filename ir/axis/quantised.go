package axis

import "github.com/autotailor/autotailor/ir"

// quantize keeps the axes. Scales and zero points are of the whole tensor, or each of one position of an axis, or of blocks of positions along it:
// then that axis stays whole.
func quantize(c *coupler, n *ir.Node, name string) {
	same(c, n, name)
	x := c.axes[n.In[0]]
	axis := int(n.Int("axis", 1))
	if axis < 0 {
		axis += len(x)
	}
	for _, id := range n.In[1:] {
		switch list := c.axes[id]; {
		case id == 0 || len(list) == 0:
		case len(list) == 1 && axis >= 0 && axis < len(x) && c.Size(list[0]) == c.Size(x[axis]):
			c.unify(list[0], x[axis], name)
		case len(list) == 1 && c.Size(list[0]) == 1:
		case len(list) == len(x):
			c.blocks(x, list, name)
		}
	}
}

// blocks ties scales of blocks with the axes of what they scale.
func (c *coupler) blocks(x, scales []Var, name string) {
	for k, v := range scales {
		if c.Size(v) == c.Size(x[k]) {
			c.unify(v, x[k], name)
			continue
		}
		why := Reason{Node: name, Why: "has scales of blocks along the axis"}
		c.freeze(v, why)
		c.freeze(x[k], why)
	}
}

// weights are where a quantised product has its weight, the scale and the zero point of its columns or channels, and its bias; 0 is nowhere.
type weights struct {
	weight, bias int
	scales       []int
}

var quantisedWeights = map[string]weights{
	"QLinearConv": {3, 8, []int{4, 5}}, "ConvInteger": {1, 0, []int{3}},
	"QLinearMatMul": {3, 0, []int{4, 5}}, "QGemm": {3, 6, []int{4, 5}}, "MatMulInteger": {1, 0, []int{3}},
	"DynamicQuantizeMatMul": {1, 4, []int{2, 3}}, "MatMulIntegerToFloat": {1, 6, []int{3, 5}},
}

// quantisedConv is conv, with one scale and zero point for each output channel, or for all.
func quantisedConv(c *coupler, n *ir.Node, name string) {
	at := quantisedWeights[n.Op]
	w, bias := in(n, at.weight), ir.ValueID(0)
	if at.bias > 0 {
		bias = in(n, at.bias)
	}
	c.conv(n, w, bias, name)
	if c.axes[w] != nil {
		c.scaled(n, at, c.axes[w][0], name)
	}
}

// quantisedMatMul is matmul, with one scale and zero point for each column, or for all. One for each row of the first operand has its axis.
func quantisedMatMul(c *coupler, n *ir.Node, name string) {
	at := quantisedWeights[n.Op]
	w := in(n, at.weight)
	c.matmul(n, w, name)
	b := c.axes[w]
	if len(b) < 2 {
		return
	}
	c.scaled(n, at, b[len(b)-1], name)
	if at.bias > 0 {
		c.scaled(n, weights{scales: []int{at.bias}}, b[len(b)-1], name)
	}
}

// quantisedGemm is gemm, with one scale and zero point for each column, or for all.
func quantisedGemm(c *coupler, n *ir.Node, name string) {
	at := quantisedWeights[n.Op]
	w := in(n, at.weight)
	if len(c.axes[n.In[0]]) != 2 || len(c.axes[w]) != 2 {
		c.opaque(n, name)
		return
	}
	c.gemm(n, w, in(n, at.bias), name)
	c.scaled(n, at, c.axes[n.Out[0]][1], name)
}

// scaled ties the operands that have an element for each position of an axis with it. Of others with several elements nothing is known.
func (c *coupler) scaled(n *ir.Node, at weights, v Var, name string) {
	for _, k := range at.scales {
		for _, s := range c.axes[in(n, k)] {
			if c.Size(s) == c.Size(v) {
				c.unify(s, v, name)
			} else if c.Size(s) > 1 {
				why := Reason{Node: name, Why: "has scales of another number than channels"}
				c.freeze(s, why)
				c.freeze(v, why)
			}
		}
	}
}

// skipNorm adds two operands, the second of which may broadcast, then normalises over the last axis.
func skipNorm(c *coupler, n *ir.Node, name string) {
	x := c.axes[n.In[0]]
	for _, id := range n.In[1:] {
		c.broadcastOnto(id, x, name)
	}
	for k, id := range n.Out {
		if id != 0 && (k == 0 || k == 3) {
			c.axes[id] = x
		}
	}
}
