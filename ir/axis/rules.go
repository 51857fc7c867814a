package axis

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/op"
)

// rules say for each kind of operator how output axes relate to input and weight axes.
var rules = map[op.AxesRule]func(c *coupler, n *ir.Node, name string){
	op.AxesElementwise:   elementwise,
	op.AxesSame:          same,
	op.AxesSoftmax:       same,
	op.AxesConv:          conv,
	op.AxesConvTranspose: convTranspose,
	op.AxesGemm:          gemm,
	op.AxesMatMul:        matmul,
	op.AxesPool:          pool,
	op.AxesGlobalPool:    pool,
	op.AxesUnpool:        unpool,
	op.AxesReduce:        keepEqual,
	op.AxesFlatten:       reshape,
	op.AxesReshape:       reshape,
	op.AxesSqueeze:       reshape,
	op.AxesUnsqueeze:     reshape,
	op.AxesTranspose:     transpose,
	op.AxesConcat:        concat,
	op.AxesSplit:         split,
	op.AxesBatchNorm:     batchNorm,
	op.AxesLayerNorm:     layerNorm,
	op.AxesGroupNorm:     groupNorm,
	op.AxesShape:         shapeOnly,
	op.AxesGather:        gather,
	op.AxesSlice:         resized,
	op.AxesExpand:        expand,
	op.AxesTile:          tile,
	op.AxesPad:           resized,
	op.AxesDepthToSpace:  depthToSpace,
	op.AxesSpaceToDepth:  spaceToDepth,
	op.AxesEinsum:        einsum,

	op.AxesArg:             argument,
	op.AxesTopK:            topK,
	op.AxesGatherElements:  gatherElements,
	op.AxesScatterElements: scatterElements,
	op.AxesGatherND:        gatherND,
	op.AxesScatterND:       scatterND,
	op.AxesOneHot:          oneHot,
	op.AxesSampling:        sampling,
	op.AxesRegions:         regions,

	op.AxesRecurrent:       recurrent,
	op.AxesQuantize:        quantize,
	op.AxesQuantisedConv:   quantisedConv,
	op.AxesQuantisedMatMul: quantisedMatMul,
	op.AxesQuantisedGemm:   quantisedGemm,
	op.AxesGroupQuery:      groupQuery,
	op.AxesExperts:         experts,
	op.AxesSkipNorm:        skipNorm,
}

// Follows tells whether the axes of an operator's results are known to be those of its operands, or parts of them. Otherwise what it touches
// is frozen.
func Follows(domain, name string) bool {
	spec, ok := op.Lookup(domain, name)
	return ok && rules[spec.Axes] != nil
}

func in(n *ir.Node, i int) ir.ValueID {
	if i < len(n.In) {
		return n.In[i]
	}
	return 0
}

// tie unifies axis i of value a with axis j of value b.
func (c *coupler) tie(a ir.ValueID, i int, b ir.ValueID, j int, name string) {
	if i < len(c.axes[a]) && j < len(c.axes[b]) {
		c.unify(c.axes[a][i], c.axes[b][j], name)
	}
}

// elementwise aligns operands at the last axis; extents of 1 broadcast.
func elementwise(c *coupler, n *ir.Node, name string) {
	out := make([]Var, len(c.shapes[n.Out[0]]))
	for i := range out {
		set := false
		for _, id := range n.In {
			k := i - len(out) + len(c.axes[id])
			if id == 0 || k < 0 {
				continue
			}
			v := c.axes[id][k]
			switch {
			case c.Size(v) == 1 && c.shapes[n.Out[0]][i] != 1:
			case !set:
				out[i], set = v, true
			default:
				c.unify(out[i], v, name)
			}
		}
		if !set {
			out[i] = c.add(c.shapes[n.Out[0]][i], 0)
		}
	}
	c.axes[n.Out[0]] = out
}

// same gives every output the axes of the first operand.
func same(c *coupler, n *ir.Node, _ string) {
	for _, id := range n.Out {
		if id != 0 && len(c.shapes[id]) == len(c.axes[n.In[0]]) {
			c.axes[id] = c.axes[n.In[0]]
		}
	}
}

// gemm contracts a matrix with a matrix.
func gemm(c *coupler, n *ir.Node, name string) { c.gemm(n, n.In[1], in(n, 2), name) }

func (c *coupler) gemm(n *ir.Node, b, bias ir.ValueID, name string) {
	a := n.In[0]
	ta, tb := int(n.Int("transA", 0)), int(n.Int("transB", 0))
	c.tie(a, 1-ta, b, tb, name)
	out := []Var{c.axes[a][ta], c.axes[b][1-tb]}
	c.axes[n.Out[0]] = out
	if bias != 0 {
		c.broadcastOnto(bias, out, name)
	}
}

// broadcastOnto ties the axes of a value with those of a shape that it is broadcast to.
func (c *coupler) broadcastOnto(id ir.ValueID, out []Var, name string) {
	off := len(out) - len(c.axes[id])
	for i, v := range c.axes[id] {
		if c.Size(v) != 1 && off+i >= 0 {
			c.unify(v, out[off+i], name)
		}
	}
}

// matmul contracts the last axis of a with the second to last of b; leading axes are batches.
func matmul(c *coupler, n *ir.Node, name string) { c.matmul(n, n.In[1], name) }

func (c *coupler) matmul(n *ir.Node, other ir.ValueID, name string) {
	a, b := c.axes[n.In[0]], c.axes[other]
	out := make([]Var, len(c.shapes[n.Out[0]]))
	switch {
	case len(b) == 1 && len(a) > 0: // a vector is contracted away
		c.unify(a[len(a)-1], b[0], name)
		c.axes[n.Out[0]] = a[:len(a)-1]
		return
	case len(a) == 1 && len(b) > 1:
		c.unify(a[0], b[len(b)-2], name)
		c.axes[n.Out[0]] = slices.Concat(b[:len(b)-2], b[len(b)-1:])
		return
	case len(a) == 0 || len(b) == 0:
		c.opaque(n, name)
		return
	}
	c.unify(a[len(a)-1], b[len(b)-2], name)
	out[len(out)-2], out[len(out)-1] = a[len(a)-2], b[len(b)-1]
	for i := range out[:len(out)-2] {
		set := false
		for _, side := range [][]Var{a, b} {
			k := i - len(out) + len(side)
			if k < 0 || c.Size(side[k]) == 1 && c.shapes[n.Out[0]][i] != 1 {
				continue
			}
			if set {
				c.unify(out[i], side[k], name)
			} else {
				out[i], set = side[k], true
			}
		}
	}
	c.axes[n.Out[0]] = out
}

// pool keeps batch and channels; space is made anew.
func pool(c *coupler, n *ir.Node, _ string) {
	if o, _ := operators.Lookup(n.Domain, n.Op); o.Class == operators.Window {
		c.window(n)
	}
	for _, id := range n.Out {
		if id == 0 {
			continue
		}
		out := c.fresh(c.shapes[id], Spatial)
		copy(out, c.axes[n.In[0]][:min(2, len(out))])
		c.axes[id] = out
	}
}

// keepEqual is for reductions: reduced axes become 1 or vanish, the others stay.
func keepEqual(c *coupler, n *ir.Node, name string) {
	x := c.axes[n.In[0]]
	out := c.shapes[n.Out[0]]
	reduced := reducedAxes(c, n, len(x))
	var res []Var
	for i, v := range x {
		switch {
		case !reduced[i]:
			res = append(res, v)
		case n.Int("keepdims", 1) != 0:
			res = append(res, c.add(1, 0))
		}
	}
	if len(res) != len(out) {
		c.opaque(n, name)
		return
	}
	c.axes[n.Out[0]] = res
}

func reducedAxes(c *coupler, n *ir.Node, rank int) []bool {
	out := make([]bool, rank)
	list := c.ints(n, "axes", 1)
	for _, a := range list {
		if a < 0 {
			a += int64(rank)
		}
		if a >= 0 && a < int64(rank) {
			out[a] = true
		}
	}
	if len(list) == 0 && n.Int("noop_with_empty_axes", 0) == 0 {
		for i := range out {
			out[i] = true
		}
	}
	return out
}

// ints reads a list that is an attribute, or constant operand i in later opsets.
func (c *coupler) ints(n *ir.Node, attr string, i int) []int64 {
	if list := n.Ints(attr); list != nil {
		return list
	}
	if id := in(n, i); id != 0 && c.g.Values[id].Const != nil {
		list, err := c.g.Values[id].Const.Int64s()
		if err == nil {
			return list
		}
	}
	return nil
}

// reshape covers Reshape, Flatten, Squeeze and Unsqueeze: the elements stay in order.
func reshape(c *coupler, n *ir.Node, name string) {
	c.axes[n.Out[0]] = c.vars.reshape(c.axes[n.In[0]], c.shapes[n.Out[0]], name)
}

func transpose(c *coupler, n *ir.Node, _ string) {
	x := c.axes[n.In[0]]
	out := make([]Var, len(x))
	perm := n.Ints("perm")
	for i := range out {
		k := len(x) - 1 - i
		if perm != nil {
			k = int(perm[i])
		}
		out[i] = x[k]
	}
	c.axes[n.Out[0]] = out
}

// concat makes a sum of the joined axis and ties all others.
func concat(c *coupler, n *ir.Node, name string) {
	axis := int(n.Int("axis", 0))
	out := append([]Var{}, c.axes[n.In[0]]...)
	if axis < 0 {
		axis += len(out)
	}
	var terms []Var
	for _, id := range n.In {
		for i, v := range c.axes[id] {
			if i == axis {
				terms = append(terms, v)
			} else {
				c.unify(out[i], v, name)
			}
		}
	}
	if c.pieces(terms) > maxPieces {
		why := tooMany(n, name)
		for _, t := range terms {
			c.freeze(t, why)
		}
		out[axis] = c.anew(c.shapes[n.Out[0]][axis], terms[0], why)
	} else {
		out[axis] = c.sumOf(terms)
	}
	c.axes[n.Out[0]] = out
}

func tooMany(n *ir.Node, name string) Reason {
	return Reason{Node: name, Why: fmt.Sprintf("has more than %d parts (%s)", maxPieces, n.Op)}
}

// split cuts an axis into a sum.
func split(c *coupler, n *ir.Node, name string) {
	x := c.axes[n.In[0]]
	axis := int(n.Int("axis", 0))
	if axis < 0 {
		axis += len(x)
	}
	sizes := make([]int, len(n.Out))
	for i, id := range n.Out {
		sizes[i] = c.shapes[id][axis]
	}
	why := Reason{Node: name, Why: "is taken apart where its parts do not end (Split)"}
	var cuts []Var
	ok := len(sizes) <= maxPieces
	if ok {
		cuts, ok = c.cut(x[axis], sizes)
	} else {
		why = tooMany(n, name)
	}
	if !ok && !c.Is(x[axis], Spatial) {
		c.freeze(x[axis], why)
	}
	for i, id := range n.Out {
		out := append([]Var{}, x...)
		if ok {
			out[axis] = cuts[i]
		} else {
			out[axis] = c.anew(sizes[i], x[axis], why)
		}
		c.axes[id] = out
	}
}

// batchNorm ties the parameters [C] with axis 1.
func batchNorm(c *coupler, n *ir.Node, name string) {
	for i := range n.In[1:] {
		c.tie(n.In[0], 1, n.In[i+1], 0, name)
	}
	c.axes[n.Out[0]] = c.axes[n.In[0]]
}

// groupNorm takes the channels apart into groups, whose number is an attribute, and channels of each group, which can vary.
func groupNorm(c *coupler, n *ir.Node, name string) {
	x := c.axes[n.In[0]]
	groups := int(n.Int("num_groups", 1))
	group, each := c.add(groups, Group), c.add(c.Size(x[1])/groups, 0)
	c.freeze(group, Reason{Node: name, Why: "normalises groups of channels, whose number is an attribute"})
	c.unify(c.productOf([]Var{group, each}), x[1], name)
	for i, id := range n.In[1:] {
		if v := c.axes[id][0]; c.Size(v) == c.Size(x[1]) {
			c.tie(n.In[0], 1, n.In[i+1], 0, name)
		} else {
			c.unify(v, group, name)
		}
	}
	c.axes[n.Out[0]] = x
}

// layerNorm ties scale and bias with the normalised axes.
func layerNorm(c *coupler, n *ir.Node, name string) {
	for _, id := range n.In[1:] {
		c.broadcastOnto(id, c.axes[n.In[0]], name)
	}
	c.axes[n.Out[0]] = c.axes[n.In[0]]
}

// shapeOnly is for operators that read extents, not elements.
func shapeOnly(c *coupler, n *ir.Node, _ string) {
	c.axes[n.Out[0]] = c.fresh(c.shapes[n.Out[0]], 0)
}
