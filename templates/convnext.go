package templates

import "github.com/autotailor/autotailor/ir/supernet"

// convNeXt matches a residual of one depthwise convolution and two linear layers, wide in the middle.
func convNeXt(f *supernet.Flow, i int) (supernet.Match, bool) {
	long, short, ok := f.Branches(f.Items[i])
	if !ok || len(short) > 0 {
		return supernet.Match{}, false
	}
	cs := convs(f, long)
	var ls []linear
	for _, k := range long {
		if l, ok := linearAt(f, k); ok {
			ls = append(ls, l)
		} else if n := f.Node(k); n.Op == "MatMul" {
			return supernet.Match{}, false
		}
	}
	if len(cs) == 3 && len(ls) == 0 && cs[0].depthwise && cs[1].kernel == 1 && cs[2].kernel == 1 { // linear layers as 1x1 convolutions
		ls = []linear{{cs[1].node, cs[1].in, cs[1].out}, {cs[2].node, cs[2].in, cs[2].out}}
		cs = cs[:1]
	}
	if len(cs) != 1 || !cs[0].depthwise || len(ls) != 2 || ls[0].in != ls[1].out || ls[0].out != ls[1].in || ls[0].out <= ls[0].in {
		return supernet.Match{}, false
	}
	return supernet.Match{
		Items: 1, GoName: "ConvNeXt", Doc: "is a kxk depthwise convolution and two linear layers, wide in the middle (ConvNeXt, Liu et al. 2022)",
		Roles:   map[int]string{cs[0].node: "depthwise", ls[0].node: "expand", ls[1].node: "project"},
		Inner:   []int{ls[0].node},
		Widens:  true,
		Kernels: windows(cs),
	}, true
}
