package templates

import "github.com/autotailor/autotailor/ir/supernet"

// depthwiseSeparable matches a depthwise convolution followed by a 1x1 convolution in the straight flow.
func depthwiseSeparable(f *supernet.Flow, i int) (supernet.Match, bool) {
	cs, items := chain(f, i, 2)
	if len(cs) != 2 || !cs[0].depthwise || cs[0].kernel == 1 || cs[1].kernel != 1 || cs[1].depthwise {
		return supernet.Match{}, false
	}
	return supernet.Match{
		Items:  items,
		GoName: "DepthwiseSeparable",
		Doc:    "is a kxk depthwise convolution and a 1x1 convolution (MobileNet, Howard et al. 2017)",
		Roles:  map[int]string{cs[0].node: "depthwise", cs[1].node: "project"}, Kernels: windows(cs[:1]),
	}, true
}
