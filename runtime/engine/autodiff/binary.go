package autodiff

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

// makeAdd is a sum. That of two tensors of the same shape may have a normalisation before it and a Relu or Clip after it in the same step.
func makeAdd(p *plan, n Node) error {
	if len(n.In) != 2 {
		return p.Binary(n, n.Out[0], kernel.NoLimits())
	}
	x, y, xs, ys, order, err := p.Operands(n)
	if err != nil {
		return err
	}
	if !slices.Equal(xs, ys) {
		return p.Binary(n, n.Out[0], kernel.NoLimits())
	}
	op, _ := kernel.BinaryOf("Add")
	p.sum(n, op, p.tensors[x], p.tensors[y], order)
	return nil
}

// sum emits a sum of tensors of the same shape; a Relu or Clip that follows runs in the same step.
func (p *plan) sum(n Node, op kernel.Binary, x, y *variable, order []int) {
	out, lim := p.Limited(n.Out[0])
	z := p.virtual(out, order, x, y)
	if z.terms = []*variable{x, y}; out != n.Out[0] {
		z.inside = &lim
	}
	var there func(t *kernel.Team)
	switch {
	case x.added:
		there = z.addNormalised(x, y, lim)
	case y.added:
		there = z.addNormalised(y, x, lim)
	default:
		size := z.shape.Count()
		z.data = p.memory.floats(size)[:size]
		b := p.ISA.NewBroadcast(op, z.shape, z.shape, lim)
		there = func(t *kernel.Team) { b.Run(t, z.data, x.data, y.data) }
	}
	p.emit([]*variable{x, y}, []*variable{z}, there,
		func(t *kernel.Team) {
			if z.inside != nil && !z.gated {
				p.ISA.Gate(t, z.grad, z.grad, z.data, lim)
			}
			z.gated = false
			first, last := x, y
			if x.wants && &x.grad[0] == &z.grad[0] {
				first, last = y, x // what is in place may be added to when all have read it
			}
			p.pass(t, first, z.grad)
			p.pass(t, last, z.grad)
		})
	p.steps[len(p.steps)-1].inPlace = 2
}

// addNormalised returns what computes a sum z of results x of a normalisation, which are never in memory, and y, which may be of that kind, too. z has
// the memory of x.
func (z *variable) addNormalised(x, y *variable, lim kernel.Limits) func(t *kernel.Team) {
	z.data, x.data = x.data, nil
	z.adds = true
	if y.added {
		y.data = nil
	}
	return func(t *kernel.Team) {
		other := y.operand()
		sum := x.norm.Add(z.data, x.from.data, other.X, other.Norm, lim)
		if z.left {
			z.sum = sum
			return
		}
		sum.Run(t)
	}
}
