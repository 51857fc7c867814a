package templates

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/ir/supernet"
)

// The explanations in this file decide nothing. Each follows the match of its template step by step, and names the first node at which a step fails.

// whyNoSum says why item i is not the sum of two branches. If it is, it returns the branches.
func whyNoSum(f *supernet.Flow, i int) (long, short []int, node int, why string) {
	it := f.Items[i]
	last := it.Nodes[len(it.Nodes)-1]
	if long, short, ok := f.Branches(it); ok {
		return long, short, -1, ""
	}
	add := f.Node(last)
	switch {
	case len(it.Nodes) < 2:
		return nil, nil, last, "stands alone: nothing leads around it to an Add"
	case add.Op != "Add" || add.Domain != "":
		return nil, nil, last, fmt.Sprintf("ends the region with %s, not with an Add of two branches", add.Op)
	}
	for _, k := range it.Nodes {
		n := f.Node(k)
		for _, id := range n.In {
			if len(it.In) > 0 && id != it.In[0] && slices.Contains(it.In, id) {
				return nil, nil, k, fmt.Sprintf("reads %q beside %q, by which the region begins", f.Graph.Values[id].Name, f.Graph.Values[it.In[0]].Name)
			}
		}
		for _, id := range n.Out {
			if id != it.Out[0] && slices.Contains(it.Out, id) {
				return nil, nil, k, fmt.Sprintf("makes %q, which is read outside of the region", f.Graph.Values[id].Name)
			}
		}
	}
	return nil, nil, last, "adds branches that have operators in common, or a constant"
}

// whyNoResidual is whyNoSum for branches of which one is the identity.
func whyNoResidual(f *supernet.Flow, i int) (long []int, node int, why string) {
	long, short, node, why := whyNoSum(f, i)
	if why == "" && len(short) > 0 {
		return nil, short[0], "stands in the shorter branch, which would have to be the identity"
	}
	return long, node, why
}

// whyNotBottleneck says why convolutions are not 1x1, kxk, 1x1. If one is missing, end is the node where it should be.
func whyNotBottleneck(cs []convolution, end int) (int, string) {
	want := []string{"a 1x1 convolution", "a kxk convolution, k above 1", "a 1x1 convolution"}
	for k, c := range cs {
		switch {
		case k >= len(want):
			return c.node, fmt.Sprintf("is convolution %d of the branch; there would have to be three", k+1)
		case (c.kernel == 1) != (k != 1):
			return c.node, fmt.Sprintf("is a %dx%d convolution, the place wants %s", c.kernel, c.kernel, want[k])
		}
	}
	if len(cs) < len(want) {
		return end, fmt.Sprintf("comes after %d convolutions, before %s", len(cs), want[len(cs)])
	}
	return -1, ""
}

func whyNotBottleneckResidual(f *supernet.Flow, i int) (int, string) {
	long, short, node, why := whyNoSum(f, i)
	if why != "" {
		return node, why
	}
	if isBottleneck(mainConvs(f, short)) {
		return -1, ""
	}
	return whyNotBottleneck(mainConvs(f, long), f.Items[i].Nodes[len(f.Items[i].Nodes)-1])
}

// whyNoChain names the node at which the straight flow from item i on fails to have n convolutions.
func whyNoChain(f *supernet.Flow, i, n int) (cs []convolution, node int, why string) {
	for _, it := range f.Items[i:] {
		k := it.Nodes[0]
		c, ok := convAt(f, k)
		switch {
		case len(it.Nodes) == 1 && ok:
			if cs = append(cs, c); len(cs) == n {
				return cs, -1, ""
			}
		case len(it.Nodes) == 1 && (!passive(f.Node(k)) || len(cs) == 0):
			return cs, k, fmt.Sprintf("is %s, no convolution, normalisation or activation; %d of %d convolutions stand before it", f.Node(k).Op, len(cs), n)
		case len(it.Nodes) > 1 && (len(cs) == 0 || !isGate(f, it)):
			return cs, k, fmt.Sprintf("begins a branch that is not a squeeze-and-excitation gate; %d of %d convolutions are before it", len(cs), n)
		}
	}
	last := f.Items[len(f.Items)-1].Nodes
	return cs, last[len(last)-1], fmt.Sprintf("ends the network after %d of %d convolutions", len(cs), n)
}

func whyNotBottleneckChain(f *supernet.Flow, i int) (int, string) {
	cs, node, why := whyNoChain(f, i, 3)
	if n, w := whyNotBottleneck(cs, node); w != "" && (why == "" || n != node) {
		return n, w
	}
	switch {
	case why != "":
		return node, why
	case cs[0].out <= cs[0].in:
		return cs[0].node, fmt.Sprintf("makes %d channels of %d; the first convolution would have to widen", cs[0].out, cs[0].in)
	}
	return -1, ""
}

func whyNotDepthwiseSeparable(f *supernet.Flow, i int) (int, string) {
	cs, node, why := whyNoChain(f, i, 2)
	if why != "" {
		return node, why
	}
	switch first, second := cs[0], cs[1]; {
	case !first.depthwise || first.kernel == 1:
		return first.node, "is not a depthwise convolution with a window"
	case second.kernel != 1 || second.depthwise:
		return second.node, "is not a 1x1 convolution of all channels"
	}
	return -1, ""
}

func whyNotSEResidual(f *supernet.Flow, i int) (int, string) {
	long, _, node, why := whyNoSum(f, i)
	if why != "" {
		return node, why
	}
	cs := mainConvs(f, long)
	end := f.Items[i].Nodes[len(f.Items[i].Nodes)-1]
	if len(cs) != 2 {
		return end, fmt.Sprintf("comes after %d convolutions of the map; there would have to be two", len(cs))
	}
	for _, c := range cs {
		if c.kernel != 1 {
			return c.node, fmt.Sprintf("is a %dx%d convolution; both would have to be 1x1", c.kernel, c.kernel)
		}
	}
	if cs[0].in != cs[1].out || cs[0].in == cs[0].out {
		return cs[0].node, fmt.Sprintf("makes %d channels of %d, and the other %d of %d: not narrow in the middle", cs[0].out, cs[0].in, cs[1].out, cs[1].in)
	}
	return -1, ""
}

func whyNotConvResidual(f *supernet.Flow, i int) (int, string) {
	long, _, node, why := whyNoSum(f, i)
	if why == "" && len(mainConvs(f, long)) == 0 {
		return f.Items[i].Nodes[len(f.Items[i].Nodes)-1], "adds branches without a convolution with constant weights"
	}
	return node, why
}

func whyNotAnyResidual(f *supernet.Flow, i int) (int, string) {
	_, _, node, why := whyNoSum(f, i)
	return node, why
}

func whyNotConvNeXt(f *supernet.Flow, i int) (int, string) {
	long, node, why := whyNoResidual(f, i)
	if why != "" {
		return node, why
	}
	for _, k := range long {
		if _, ok := linearAt(f, k); !ok && f.Node(k).Op == "MatMul" {
			return k, "multiplies two activations"
		}
	}
	cs := convs(f, long)
	if len(cs) == 0 {
		return f.Items[i].Nodes[len(f.Items[i].Nodes)-1], "comes after no convolution; the first layer would have to be a depthwise one"
	}
	if !cs[0].depthwise {
		return cs[0].node, "is not a depthwise convolution"
	}
	return f.Items[i].Nodes[len(f.Items[i].Nodes)-1], "does not come after one depthwise convolution and two linear layers, wide in the middle"
}

func whyNotFFN(f *supernet.Flow, i int) (int, string) {
	long, node, why := whyNoResidual(f, i)
	if why != "" {
		return node, why
	}
	b, _ := residualBranch(f, i)
	for _, k := range long {
		if _, ok := convAt(f, k); ok {
			return k, "is a convolution; the layers would have to be linear, as Gemm or MatMul"
		}
	}
	if len(b.products) > 0 {
		return b.products[0], "multiplies two activations"
	}
	end := f.Items[i].Nodes[len(f.Items[i].Nodes)-1]
	switch n := len(b.linears); {
	case n == 2:
		return b.linears[1].node, fmt.Sprintf("makes %d channels of %d, after %d of %d: the second layer would have to undo the first", b.linears[1].out, b.linears[1].in, b.linears[0].out, b.linears[0].in)
	case n == 3:
		return b.linears[2].node, "is the third linear layer; that would have to follow two of one width, of which one has an activation, and their product"
	default:
		return end, fmt.Sprintf("comes after %d linear layers; there would have to be two, or three with a gate", n)
	}
}

func whyNotAttention(f *supernet.Flow, i int) (int, string) {
	_, node, why := whyNoResidual(f, i)
	if why != "" {
		return node, why
	}
	b, _ := residualBranch(f, i)
	end := f.Items[i].Nodes[len(f.Items[i].Nodes)-1]
	switch {
	case !b.softmax:
		return end, "comes after no Softmax"
	case len(b.products) < 2:
		return end, fmt.Sprintf("comes after %d products of two activations; attention has two, as MatMul", len(b.products))
	}
	return end, fmt.Sprintf("comes after %d linear layers with constant weights; attention has at least two", len(b.linears))
}

func whyNotTransformer(f *supernet.Flow, i int) (int, string) {
	if _, ok := attention(f, i); !ok {
		return whyNotAttention(f, i)
	}
	if i+1 == len(f.Items) {
		nodes := f.Items[i].Nodes
		return nodes[len(nodes)-1], "ends the network; a feed-forward network would have to follow"
	}
	if _, ok := ffn(f, i+1); !ok {
		return whyNotFFN(f, i+1)
	}
	return f.Items[i+1].Nodes[0], "begins a feed-forward network that does not follow the attention alone: what that makes is read elsewhere, too"
}
