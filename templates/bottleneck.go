package templates

import "github.com/autotailor/autotailor/ir/supernet"

// bottleneck matches three consecutive convolutions of the straight flow: a widening 1x1, a kxk and a 1x1. Between them there may be normalisations, activations and
// squeeze-and-excitation gates. This is an inverted residual that changes width or resolution.
func bottleneck(f *supernet.Flow, i int) (supernet.Match, bool) {
	cs, items := chain(f, i, 3)
	if !isBottleneck(cs) || cs[0].out <= cs[0].in {
		return supernet.Match{}, false
	}
	m := bottleneckMatch(cs)
	m.Items = items
	return m, true
}

// chain collects n convolutions of the straight flow from item i on, with the operators that may be between them and the normalisation after the last one. It returns nil
// if another operator is between them.
func chain(f *supernet.Flow, i, n int) (cs []convolution, items int) {
	for k := i; k < len(f.Items); k++ {
		it := f.Items[k]
		if len(it.Nodes) == 1 {
			c, ok := convAt(f, it.Nodes[0])
			switch {
			case ok && len(cs) < n:
				cs = append(cs, c)
			case ok, !passive(f.Node(it.Nodes[0])):
				return complete(cs, n), k - i
			case len(cs) == 0:
				return nil, 0
			}
			continue
		}
		if len(cs) == 0 || len(cs) == n || !isGate(f, it) {
			return complete(cs, n), k - i
		}
	}
	return complete(cs, n), len(f.Items) - i
}

func complete(cs []convolution, n int) []convolution {
	if len(cs) != n {
		return nil
	}
	return cs
}

// isGate tells whether an item scales its input by a function of the pooled input (squeeze-and-excitation, Hu et al. 2018).
func isGate(f *supernet.Flow, it supernet.Item) bool {
	last := f.Node(it.Nodes[len(it.Nodes)-1])
	if last.Op != "Mul" || len(mainConvs(f, it.Nodes)) != 0 {
		return false
	}
	return last.In[0] == it.In[0] || last.In[1] == it.In[0]
}
