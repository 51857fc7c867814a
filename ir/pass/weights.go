package pass

import "github.com/autotailor/autotailor/ir"

// transposedWeights makes a constant of a constant matrix that is transposed: some exporters store the weights of linear layers as
// [out, in] and transpose them at run time.
func transposedWeights(g *ir.Graph) error {
	filter(g, func(n *ir.Node) bool {
		if n.Op != "Transpose" || n.Domain != "" || len(n.In) != 1 || isOutput(g, n.Out[0]) {
			return true
		}
		t := g.Values[n.In[0]].Const
		perm := n.Ints("perm")
		if t == nil || len(t.Shape) != 2 || len(perm) == 2 && (perm[0] != 1 || perm[1] != 0) {
			return true
		}
		c := *t
		c.Shape, c.Transposed = []int{t.Shape[1], t.Shape[0]}, !t.Transposed
		setConstant(g.Values[n.Out[0]], &c)
		return false
	})
	return nil
}
