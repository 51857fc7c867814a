package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

func makeBinary(p *plan, n node) error {
	if len(n.In) != 2 {
		return fmt.Errorf("%d operands, two can be trained", len(n.In))
	}
	op, ok := kernel.BinaryOf(n.Type)
	if !ok {
		return fmt.Errorf("internal error: no kernel %s", n.Type)
	}
	order, err := p.commonOrder(n.In, p.shape(n.Out[0]))
	if err != nil {
		return err
	}
	x, xs, err := p.operand(n.In[0], order)
	if err != nil {
		return err
	}
	y, ys, err := p.operand(n.In[1], order)
	if err != nil {
		return err
	}
	z := p.produce(n.Out[0], order, x, y)
	there := p.isa.NewBroadcast(op, xs, ys, kernel.NoLimits())
	back := p.isa.NewSlopes(n.Type, xs, ys)
	p.emit([]*variable{x, y}, []*variable{z},
		func(t *kernel.Team) { there.Run(t, z.data, x.data, y.data) },
		func(t *kernel.Team) {
			p.receive(t, x, func(g []float32) { back.Left(t, g, z.grad, x.data, y.data) })
			p.receive(t, y, func(g []float32) { back.Right(t, g, z.grad, x.data, y.data) })
		})
	return nil
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
