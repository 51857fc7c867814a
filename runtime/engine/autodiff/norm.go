package autodiff

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// makeBatchNorm normalises by the batch's statistics; a Relu or Clip that follows runs in the same step.
func makeBatchNorm(p *plan, n Node) error {
	xs := p.Shape(n.In[0])
	order := ChannelsLast(len(xs))
	x, err := p.want(n.In[0], order)
	if err != nil {
		return err
	}
	scale, err := p.want(n.In[1], Plain(1))
	if err != nil {
		return err
	}
	bias, err := p.want(n.In[2], Plain(1))
	if err != nil {
		return err
	}
	out, lim := p.Limited(n.Out[0])
	produce := p.produce
	if p.takesNormalised(out) {
		produce = p.virtual
	}
	z := produce(out, order, x, scale, bias)
	c := p.ISA.NewBatchNorm(xs[1], n.Float("epsilon", 1e-5), lim)
	z.norm, z.from = c, x
	z.added = z.data != nil && out == n.Out[0] && p.Users[out] == 1 && p.Graph.Nodes[p.Reader[out]].Type == "Add"
	if x.columns == xs[1] {
		x.moments = new(kernel.Moments)
	}
	p.emit([]*variable{x, scale, bias}, []*variable{z},
		func(t *kernel.Team) {
			if z.data == nil {
				c.Prepare(t, x.data, scale.data, bias.data, x.moments)
				return
			}
			c.Forward(t, z.data, x.data, scale.data, bias.data, x.moments)
		},
		func(t *kernel.Team) {
			if !z.summed {
				c.Sums(t, x.data, z.grad)
			}
			z.summed = false
			p.receive(t, scale, c.Scale)
			p.receive(t, bias, c.Bias)
			if z.defers() {
				x.deferred, x.touched = c.Defer(x.data, z.grad, scale.data), true
				return
			}
			p.receive(t, x, func(g []float32) { c.Operand(t, g, x.data, z.grad, scale.data) })
		})
	p.steps[len(p.steps)-1].inPlace = 1
	return nil
}

// takesNormalised tells whether a value, the result of a normalisation, is read by a single convolution that normalises it where it uses
// it: one without bias, before another normalisation.
func (p *plan) takesNormalised(v nn.Value) bool {
	n, ok := p.Next(v, "Conv")
	if !ok || n.Has(2) {
		return false
	}
	if _, ok := p.Next(n.Out[0], "BatchNormalization"); !ok {
		return false
	}
	c, err := p.convolution(n)
	return err == nil && p.ISA.Joins(c.g, c.params, c.batch)
}

// makeInstanceNorm normalises each channel of each image; scale and bias of channels follow as steps of their own.
func makeInstanceNorm(p *plan, n Node) error {
	xs := p.Shape(n.In[0])
	x, err := p.want(n.In[0], Plain(len(xs)))
	if err != nil {
		return err
	}
	row := xs[2:].Count()
	c := p.ISA.NewLayerNorm(row, xs[:2].Count(), n.Float("epsilon", 1e-5))
	ones := slices.Repeat([]float32{1}, row)
	normal := p.variable(xs, x.wants)
	p.emit([]*variable{x}, []*variable{normal},
		func(t *kernel.Team) { c.Forward(t, normal.data, x.data, ones, nil) },
		func(t *kernel.Team) {
			p.receive(t, x, func(g []float32) { c.Operand(t, g, x.data, normal.grad, ones) })
		})
	channels := nn.Shape(slices.Repeat([]int{1}, len(xs)))
	channels[1] = xs[1]
	z := p.number(normal)
	for k, name := range []string{"Mul", "Add"} {
		by, err := p.Want(n.In[1+k], Plain(1))
		if err != nil {
			return err
		}
		next := p.Scratch(xs)
		p.Combine(name, z, xs, by, channels, next, kernel.NoLimits())
		z = next
	}
	p.Alias(n.Out[0], z, Plain(len(xs)))
	return nil
}
