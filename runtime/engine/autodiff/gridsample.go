package autodiff

import (
	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

func makeGridSample(p *plan, n node) error {
	xs, gs := p.shape(n.In[0]), p.shape(n.In[1])
	s, err := kernel.NewSampler(n.Node, xs, gs)
	if err != nil {
		return err
	}
	x, err := p.want(n.In[0], plain(len(xs)))
	if err != nil {
		return err
	}
	grid, err := p.want(n.In[1], plain(len(gs)))
	if err != nil {
		return err
	}
	z := p.produce(n.Out[0], plain(len(xs)), x, grid)
	p.emit([]*variable{x, grid}, []*variable{z},
		func(t *kernel.Team) { s.Sample(t, z.data, x.data, grid.data) },
		func(t *kernel.Team) {
			p.receive(t, x, func(g []float32) { s.Image(g, z.grad, grid.data) })
			p.receive(t, grid, func(g []float32) { s.Grid(t, g, z.grad, x.data, grid.data) })
		})
	return nil
}
