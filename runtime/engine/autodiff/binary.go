package autodiff

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// makeBinary is a function of elements of two operands, or of more, from the left.
func makeBinary(p *plan, n node) error {
	name := kernel.BinaryName(n.Node, p.typ(n.In[0]))
	op, ok := kernel.BinaryOf(name)
	if !ok {
		return fmt.Errorf("internal error: no kernel %s", name)
	}
	if len(n.In) == 1 {
		return makeRename(p, n)
	}
	order, err := p.commonOrder(n.In, p.shape(n.Out[0]))
	if err != nil {
		return err
	}
	x, xs, err := p.operand(n.In[0], order)
	if err != nil {
		return err
	}
	for i, v := range n.In[1:] {
		y, ys, err := p.operand(v, order)
		if err != nil {
			return err
		}
		if name == "Add" && len(n.In) == 2 && slices.Equal(xs, ys) {
			p.sum(n, op, x, y, order)
			return nil
		}
		both, err := kernel.BroadcastShape(xs, ys)
		if err != nil {
			return err
		}
		var z *variable
		if i == len(n.In)-2 {
			z = p.produce(n.Out[0], order)
		} else {
			z = p.variable(both, false)
		}
		p.combine(name, x, xs, y, ys, z)
		x, xs = z, both
	}
	return nil
}

// combine emits a function z of elements of x and y, of the given shapes. Where it has no slopes, a comparison say, nothing depends on derivatives by z.
func (p *plan) combine(name string, x *variable, xs nn.Shape, y *variable, ys nn.Shape, z *variable) {
	op, _ := kernel.BinaryOf(name)
	there := p.isa.NewBroadcast(op, xs, ys, kernel.NoLimits())
	back, ok := p.isa.NewSlopes(name, xs, ys)
	z.wants = ok && (x.wants || y.wants)
	p.emit([]*variable{x, y}, []*variable{z},
		func(t *kernel.Team) { there.Run(t, z.data, x.data, y.data) },
		func(t *kernel.Team) {
			p.receive(t, x, func(g []float32) { back.Left(t, g, z.grad, x.data, y.data) })
			p.receive(t, y, func(g []float32) { back.Right(t, g, z.grad, x.data, y.data) })
		})
}

// makeWhere takes elements of the second or third operand.
func makeWhere(p *plan, n node) error {
	ys := p.shape(n.Out[0])
	var in []*variable
	for _, v := range n.In {
		x, err := p.spread(v, ys)
		if err != nil {
			return err
		}
		in = append(in, x)
	}
	which, terms := in[0], in[1:]
	z := p.produce(n.Out[0], plain(len(ys)), terms...)
	p.emit(in, []*variable{z}, func(t *kernel.Team) {
		t.Split(len(z.data), len(z.data), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				if z.data[i] = terms[1].data[i]; which.data[i] != 0 {
					z.data[i] = terms[0].data[i]
				}
			}
		})
	}, func(t *kernel.Team) {
		for k, x := range terms {
			p.receive(t, x, func(g []float32) {
				for i, d := range z.grad {
					if g[i] = 0; (which.data[i] != 0) == (k == 0) {
						g[i] = d
					}
				}
			})
		}
	})
	return nil
}

// sum emits a sum of tensors of the same shape; a Relu or Clip that follows runs in the same step.
func (p *plan) sum(n node, op kernel.Binary, x, y *variable, order []int) {
	out, lim := p.limited(n.Out[0])
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
		b := p.isa.NewBroadcast(op, z.shape, z.shape, lim)
		there = func(t *kernel.Team) { b.Run(t, z.data, x.data, y.data) }
	}
	p.emit([]*variable{x, y}, []*variable{z}, there,
		func(t *kernel.Team) {
			if z.inside != nil && !z.gated {
				p.isa.Gate(t, z.grad, z.grad, z.data, lim)
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

// limited returns what becomes of v and within which limits: those of a Relu or Clip that is its only reader, which is then fused.
func (p *plan) limited(v nn.Value) (nn.Value, kernel.Limits) {
	if next, ok := p.next(v, "Relu", "Clip"); ok {
		if lim, err := p.limits(next); err == nil {
			p.fused[next.index] = true
			return next.Out[0], lim
		}
	}
	return v, kernel.NoLimits()
}

// commonOrder returns the order in which to compute an element-wise result: that of the first operand which is not
// spread over it, or the plain one when an operand of lower rank would have to be rearranged every time.
func (p *plan) commonOrder(in []nn.Value, out nn.Shape) ([]int, error) {
	var order []int
	for _, v := range in {
		s, known := p.shape(v), p.graph.Values[v].Known()
		if len(s) < len(out) {
			if len(s) > 0 && !known {
				return plain(len(out)), nil
			}
			continue
		}
		from, err := p.first(v)
		if err != nil {
			return nil, err
		}
		if order == nil && !known && s.Count() == out.Count() {
			order = from.order
		}
	}
	if order == nil {
		order = plain(len(out))
	}
	return order, nil
}

// operand returns v in the given order of the result's axes, and its shape there.
func (p *plan) operand(v nn.Value, order []int) (*variable, nn.Shape, error) {
	s := p.shape(v)
	missing := len(order) - len(s)
	full := make(nn.Shape, len(order))
	for i := range full {
		if full[i] = 1; i >= missing {
			full[i] = s[i-missing]
		}
	}
	var own []int // order of the operand's own axes
	for _, axis := range order {
		if axis >= missing {
			own = append(own, axis-missing)
		}
	}
	x, err := p.want(v, own)
	return x, arrange(full, order), err
}
