package embedded

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

func lowerConv(c *compiler, n node) error {
	if len(c.Shape(n.In[0])) > flat || !c.Known(n.In[1]) {
		return c.defined(n, convolution)
	}
	weight, ws, err := c.floats(n.In[1])
	if err != nil {
		return err
	}
	x := c.Shape(n.In[0])
	if len(x) != len(ws) {
		return fmt.Errorf("input of rank %d and weight of rank %d", len(x), len(ws))
	}
	g, err := kernel.WindowOf(n.Node, x, ws[2:])
	if err != nil {
		return err
	}
	groups := n.Integer("group", 1)
	if groups < 1 || ws[0]%groups != 0 || x[1] != ws[1]*groups {
		return fmt.Errorf("%d input channels in %d groups do not fit weight %v", x[1], groups, ws)
	}
	bias, err := c.Optional(n, 2)
	if err != nil {
		return err
	}
	t := c.take(n)
	weight, bias, err = c.fold(t.norm, weight, bias, func(i int) int { return i / (len(weight) / ws[0]) })
	if err != nil {
		return err
	}
	order := autodiff.ChannelsLast(len(x))
	in, err := c.Want(n.In[0], order)
	if err != nil {
		return err
	}
	p := kernel.ConvParams{In: x[1], Out: ws[0], Groups: groups, Weight: weight, Bias: bias, Limits: t.limits, Windows: c.windows}
	if err := c.commonConv(n, t.norm, &p); err != nil {
		return err
	}
	conv, image := c.isa.NewConv(g, p), g.H*g.W*x[1]
	c.emit(n, []int{in}, []int{c.Produce(t.out, order)}, func(int) autodiff.Run {
		return func(t *kernel.Team, in, out [][]float32) { conv.Run(t, in[0], out[0], len(in[0])/image) }
	})
	return nil
}
