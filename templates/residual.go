package templates

import "github.com/autotailor/autotailor/ir/supernet"

// seResidual matches two added branches of which the longer has two convolutions that narrow and widen again.
func seResidual(f *supernet.Flow, i int) (supernet.Match, bool) {
	long, _, ok := f.Branches(f.Items[i])
	if !ok {
		return supernet.Match{}, false
	}
	cs := mainConvs(f, long)
	if len(cs) != 2 || cs[0].in != cs[1].out || cs[0].in == cs[0].out || cs[0].kernel != 1 || cs[1].kernel != 1 {
		return supernet.Match{}, false
	}
	return supernet.Match{
		Items: 1, GoName: "SEResidual", Doc: "is a residual of two 1x1 convolutions, narrow in the middle",
		Roles: map[int]string{cs[0].node: "squeeze", cs[1].node: "excite"}, Inner: []int{cs[0].node},
	}, true
}

// convResidual matches two added branches with at least one convolution: ResNet's basic block among others.
func convResidual(f *supernet.Flow, i int) (supernet.Match, bool) {
	long, short, ok := f.Branches(f.Items[i])
	if !ok {
		return supernet.Match{}, false
	}
	cs := mainConvs(f, long)
	if len(cs) == 0 {
		return supernet.Match{}, false
	}
	m := supernet.Match{
		Items: 1, GoName: "ConvResidual", Doc: "is a residual branch of convolutions",
		Roles: map[int]string{}, Kernels: windows(cs),
	}
	for k, c := range cs {
		m.Roles[c.node] = "conv" + string(rune('1'+min(k, 8)))
		if k < len(cs)-1 && !cs[k+1].depthwise {
			m.Inner = append(m.Inner, c.node)
		}
	}
	if len(cs) == 2 && cs[0].depthwise {
		m.GoName, m.Doc = "DepthwiseResidual", "is a depthwise separable convolution with a skip connection"
		m.Roles = map[int]string{cs[0].node: "depthwise", cs[1].node: "project"}
		m.Inner = nil
	} else if len(cs) == 2 && cs[0].kernel > 1 && cs[1].kernel > 1 {
		m.GoName, m.Doc = "BasicBlock", "is two kxk convolutions with a skip connection (ResNet, He et al. 2016)"
	}
	if cs := convs(f, short); len(cs) == 1 {
		m.Roles[cs[0].node] = "shortcut"
	}
	return m, true
}

// residual matches any two added branches. Only its presence can vary.
func residual(f *supernet.Flow, i int) (supernet.Match, bool) {
	if _, _, ok := f.Branches(f.Items[i]); !ok {
		return supernet.Match{}, false
	}
	return supernet.Match{Items: 1, GoName: "Residual", Doc: "is a residual branch", Roles: map[int]string{}}, true
}
