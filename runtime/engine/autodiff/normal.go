package autodiff

import (
	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

// makeNormal normalises rows of elements that are neighbours; scale and bias follow as steps of their own.
func makeNormal(p *plan, n node) error {
	xs := p.shape(n.In[0])
	m, err := kernel.NormalOf(n.Node, xs, p.shape(n.In[1]))
	if err != nil {
		return err
	}
	x, err := p.want(n.In[0], plain(len(xs)))
	if err != nil {
		return err
	}
	z, row := p.variable(xs, x.wants), m.View[m.Axis:].Count()
	each := func(t *kernel.Team, do func(lo, hi int)) {
		t.Split(len(x.data)/max(1, row), 8*len(x.data), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				do(i*row, (i+1)*row)
			}
		})
	}
	normal := z
	p.emit([]*variable{x}, []*variable{normal},
		func(t *kernel.Team) {
			each(t, func(lo, hi int) { m.Of.Value(normal.data[lo:hi], x.data[lo:hi]) })
		},
		func(t *kernel.Team) {
			p.receive(t, x, func(g []float32) {
				each(t, func(lo, hi int) { m.Of.Slope(g[lo:hi], normal.grad[lo:hi], x.data[lo:hi], normal.data[lo:hi]) })
			})
		})
	for k, name := range []string{"Mul", "Add"} {
		if !n.has(k + 1) {
			break
		}
		by, err := p.want(n.In[k+1], plain(len(p.shape(n.In[k+1]))))
		if err != nil {
			return err
		}
		next := p.variable(xs, false)
		p.combine(name, z, m.View, by, m.Scale, next)
		z = next
	}
	p.alias(n.Out[0], z, plain(len(xs)))
	return nil
}
