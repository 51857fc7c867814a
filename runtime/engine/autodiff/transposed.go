package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

// makeConvTranspose is the transpose of a convolution: its result is computed as that convolution's gradient with respect to the operand.
func makeConvTranspose(p *plan, n Node) error {
	xs, ys, ws, groups := p.Shape(n.In[0]), p.Shape(n.Out[0]), p.Shape(n.In[1]), n.Integer("group", 1)
	if len(ws) != len(xs) || groups < 1 || ws[0] != xs[1] || ys[1] != ws[1]*groups || xs[1]%groups != 0 {
		return fmt.Errorf("weights %v do not fit an operand of shape %v and a result of shape %v", ws, xs, ys)
	}
	g, ok, err := kernel.TransposedWindowOf(n.Node, xs, ys, ws[2:])
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("an operand of shape %v and a result of shape %v, whose padding is as large as the stride, cannot be trained", xs, ys)
	}
	order := ChannelsLast(len(xs))
	x, err := p.want(n.In[0], order)
	if err != nil {
		return err
	}
	w, err := p.want(n.In[1], Plain(len(ws)))
	if err != nil {
		return err
	}
	in := []*variable{x, w}
	if n.Has(2) {
		bias, err := p.want(n.In[2], Plain(1))
		if err != nil {
			return err
		}
		in = append(in, bias)
	}
	y := p.produce(n.Out[0], order, in...)
	params := kernel.ConvWeights(g, ys[1], xs[1], groups)
	params.Windows = &p.memory.windows
	c, batch := p.ISA.NewTrainable(g, params, p.memory.floats), xs[0]
	sum, _ := kernel.BinaryOf("Add")
	add := p.ISA.NewBroadcast(sum, y.shape, []int{ys[1]}, kernel.NoLimits())
	p.emit(in, []*variable{y}, func(t *kernel.Team) {
		c.SetWeights(t, w.data, nil)
		c.Operand(t, x.data, y.data, batch)
		if len(in) > 2 {
			add.Run(t, y.data, y.data, in[2].data)
		}
	}, func(t *kernel.Team) {
		p.receive(t, w, func(g []float32) {
			clear(g)
			c.Weights(t, y.grad, x.data, g, batch)
		})
		if len(in) > 2 {
			p.receive(t, in[2], func(g []float32) { p.ISA.ColumnSums(t, g, y.grad) })
		}
		p.receive(t, x, func(g []float32) { c.Forward(t, y.grad, g, batch) })
	})
	return nil
}
