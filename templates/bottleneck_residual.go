package templates

import "github.com/autotailor/autotailor/ir/supernet"

// bottleneckResidual matches two branches that are added, one of them with exactly three convolutions of kernels
// 1, not 1, 1: ResNet's bottleneck and the inverted residual of the MobileNets, with or without squeeze-and-excitation.
func bottleneckResidual(f *supernet.Flow, i int) (supernet.Match, bool) {
	long, short, ok := f.Branches(f.Items[i])
	if !ok {
		return supernet.Match{}, false
	}
	for side, nodes := range [][]int{long, short} {
		cs := mainConvs(f, nodes)
		if !isBottleneck(cs) {
			continue
		}
		m := bottleneckMatch(cs)
		other := convs(f, [][]int{short, long}[side])
		if len(other) == 1 {
			m.Roles[other[0].node] = "shortcut"
		}
		return m, true
	}
	return supernet.Match{}, false
}

// mainConvs lists the convolutions of a branch that work on the feature map. Convolutions of a squeeze-and-excitation gate, whose input is pooled to one position, do
// not count.
func mainConvs(f *supernet.Flow, nodes []int) []convolution {
	pooled := map[int]bool{}
	var out []convolution
	for _, i := range nodes {
		n := f.Node(i)
		made, gated := 0, 0
		for _, id := range n.In {
			if p := f.Producer(id); p >= 0 {
				made++
				if pooled[p] {
					gated++
				}
			}
		}
		gate := n.Op == "GlobalAveragePool" || n.Op == "ReduceMean" || gated > 0 && (n.Op != "Mul" || gated == made) // a SiLU after the pooling belongs to the gate
		pooled[i] = gate
		if c, ok := convAt(f, i); ok && !gate {
			out = append(out, c)
		}
	}
	return out
}
