package model

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/nn"
)

// whyNot says why the original with zeroed weights is no reference for a SubNet, "" if it is one. Reasons are that a cut axis is normalised or reduced, or that
// it is summed where values are not zero although their weights are. base is the original at the SubNet's resolution.
func whyNot(base, sub *nn.Graph) string {
	up := lifted(sub)
	for _, p := range align(base, sub) {
		if len(p.base.In) == 0 || len(p.sub.In) == 0 {
			continue
		}
		was, now := base.Values[p.base.In[0]].Shape, sub.Values[p.sub.In[0]].Shape
		if len(was) != len(now) {
			continue
		}
		for _, a := range mixes(p.sub, len(now)) {
			if was[a] != now[a] {
				return fmt.Sprintf("a cut axis is normalised or reduced (%s)", p.sub.Type)
			}
		}
		for _, a := range sums(sub, p.sub, up, len(now)) {
			if was[a] != now[a] {
				return fmt.Sprintf("a cut axis is summed over, and not zero where weights are (%s)", p.sub.Type)
			}
		}
	}
	return ""
}

// mixes lists the axes of a node's first operand over which it takes means, deviations or largest elements.
func mixes(n *nn.Node, rank int) []int {
	if o, _ := operators.Lookup(n.Domain, n.Type); o.Zeros == operators.ZeroAddsNothing {
		return nil
	}
	return mixed(n, rank)
}

// mixed lists the axes of a node's first operand whose positions the node mixes.
func mixed(n *nn.Node, rank int) []int {
	o, _ := operators.Lookup(n.Domain, n.Type)
	switch {
	case o.Norm != 0:
		return normalised(n, o.Norm, rank)
	case o.Class == operators.Window:
		return within(rank, from(2, rank)...)
	case n.Type == "LRN":
		return within(rank, 1)
	case o.Class == operators.Rows, o.Class == operators.Reduction && o.Has("axis"), n.Type == "TopK":
		return within(rank, n.Int("axis", o.Default("axis")))
	case o.Class == operators.Reduction:
		if axes := n.Ints("axes"); axes != nil {
			return within(rank, axes...)
		}
		return within(rank, from(0, rank)...)
	}
	return nil
}

// normalised lists the axes over which a kind of normalisation takes mean and deviation.
func normalised(n *nn.Node, kind operators.Norm, rank int) []int {
	switch kind {
	case operators.FromAxis:
		axis := n.Int("axis", -1)
		if axis < 0 {
			axis += int64(rank)
		}
		return within(rank, from(axis, rank)...)
	case operators.LastAxis:
		return within(rank, -1)
	case operators.OfGroups:
		return within(rank, 1)
	case operators.OfSpace:
		return within(rank, from(2, rank)...)
	case operators.OfAxes:
		if axes := n.Ints("axes"); axes != nil {
			return within(rank, axes...)
		}
		return within(rank, 0, 2, 3)
	}
	return nil // it uses stored statistics
}

// from lists all axes from the given one on.
func from(axis int64, rank int) []int64 {
	var out []int64
	for ; axis < int64(rank); axis++ {
		out = append(out, axis)
	}
	return out
}

// within lists those of the given axes that an operand has. Negative axes count from the end.
func within(rank int, axes ...int64) []int {
	var out []int
	for _, a := range axes {
		if a < 0 {
			a += int64(rank)
		}
		if a >= 0 && a < int64(rank) {
			out = append(out, int(a))
		}
	}
	return out
}

// zeroed has the weights of a file. Those that a SubNet lacks are zero.
type zeroed struct {
	nn.Weights
	kept   map[string][]nn.Param // the parts of each tensor that the SubNet keeps, one for each use
	stored map[string]bool       // tensors that the original's network uses
	codes  map[string]byte       // the byte that means zero in quantised weights
}

// zeroing prepares the weights of the original for a SubNet.
func zeroing(w nn.Weights, sub *nn.Graph, stored map[string]bool) *zeroed {
	z := &zeroed{w, map[string][]nn.Param{}, stored, zeroCodes(w, sub)}
	for _, v := range sub.Values {
		if v.Param != nil {
			z.kept[v.Param.Source()] = append(z.kept[v.Param.Source()], *v.Param)
		}
	}
	return z
}

// quantisedWeights are the operands of products that have quantised weights and their zero point.
var quantisedWeights = map[string][2]int{"MatMulInteger": {1, 3}, "ConvInteger": {1, 3}, "QLinearConv": {3, 5}, "QLinearMatMul": {3, 5}, "DequantizeLinear": {0, 2}}

// zeroCodes finds the byte that means zero in each tensor of quantised weights, if it is the same for all its elements.
func zeroCodes(w nn.Weights, g *nn.Graph) map[string]byte {
	codes := map[string]byte{}
	for _, n := range g.Nodes {
		at, ok := quantisedWeights[n.Type]
		if !ok || at[0] >= len(n.In) || g.Values[n.In[at[0]]].Param == nil {
			continue
		}
		p := g.Values[n.In[at[0]]].Param
		if p.Type.Bytes() != 1 {
			continue
		}
		zero := []byte{0}
		if at[1] < len(n.In) && n.In[at[1]] != nn.None {
			t, err := known(w, g.Values[n.In[at[1]]])
			if zero = t.Raw; err != nil || len(zero) == 0 || slices.ContainsFunc(zero, func(b byte) bool { return b != zero[0] }) {
				continue
			}
		}
		codes[p.Source()] = zero[0]
	}
	return codes
}

// known is the tensor of a parameter or constant.
func known(w nn.Weights, i nn.Info) (nn.Tensor, error) {
	switch {
	case i.Const != nil:
		return *i.Const, nil
	case i.Param != nil:
		return nn.Fetch(w, *i.Param)
	}
	return nn.Tensor{}, fmt.Errorf("value %q is not known", i.Name)
}

// FewestWeights is the least number of elements of weights. A smaller tensor is a setting of an operator.
const FewestWeights = 4

// Tensor returns a tensor of the file with the elements that the SubNet lacks set to zero.
func (z *zeroed) Tensor(name string) (nn.Tensor, error) {
	t, err := z.Weights.Tensor(name)
	uses := z.kept[name]
	code, quantised := z.codes[name]
	if err != nil || !z.stored[name] || !t.Type.Fractional() && !quantised {
		return t, err
	}
	if len(uses) == 0 {
		if t.Shape.Count() >= FewestWeights {
			t.Raw = bytes.Repeat([]byte{code}, len(t.Raw))
		}
		return t, nil
	}
	if slices.ContainsFunc(uses, whole) {
		return t, nil
	}
	raw := bytes.Repeat([]byte{code}, len(t.Raw))
	for _, p := range uses {
		stored, kept := p.Stored(), make([][]int, len(t.Shape))
		for a := range t.Shape {
			kept[a] = stored.Kept(a)
		}
		copyKept(raw, t.Raw, t.Shape, kept, t.Type.Bytes())
	}
	t.Raw = raw
	return t, nil
}

// whole tells whether all of a tensor is kept.
func whole(p nn.Param) bool {
	if len(p.Grids) > 0 { // the resolution moves it
		return true
	}
	for a := range p.Shape {
		if len(p.Kept(a)) != p.Shape[a] {
			return false
		}
	}
	return true
}

// copyKept copies the elements at the product of kept.
func copyKept(dst, src []byte, s nn.Shape, kept [][]int, size int) {
	if len(s) == 0 {
		copy(dst[:size], src)
		return
	}
	stride := size * s[1:].Count()
	for _, i := range kept[0] {
		copyKept(dst[i*stride:(i+1)*stride], src[i*stride:(i+1)*stride], s[1:], kept[1:], size)
	}
}
