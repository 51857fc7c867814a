package autodiff

import (
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// moved emits an operator whose result is made of elements of its first operand. apart tells that each image of a batch is made of its own.
func (p *plan) moved(n node, apart bool, source kernel.Source) error {
	xs, ys, images := p.shape(n.In[0]), p.shape(n.Out[0]), 1
	x, err := p.want(n.In[0], plain(len(xs)))
	if err != nil {
		return err
	}
	z := p.produce(n.Out[0], plain(len(ys)), x)
	if apart {
		images = xs[0]
		xs, ys = slices.Concat(nn.Shape{1}, xs[1:]), slices.Concat(nn.Shape{1}, ys[1:])
	}
	p.picked(x, z, kernel.NewMover(kernel.Indices(xs, ys, source), images, xs.Count()))
	return nil
}

func makeTile(p *plan, n node) error {
	return p.moved(n, p.shape(n.In[0])[0] == p.shape(n.Out[0])[0], kernel.Tile(p.shape(n.In[0])))
}

func makeDepthToSpace(p *plan, n node) error {
	return p.moved(n, true, kernel.DepthToSpace(n.Node, p.shape(n.Out[0])))
}

func makeSpaceToDepth(p *plan, n node) error {
	return p.moved(n, true, kernel.SpaceToDepth(n.Node, p.shape(n.In[0])))
}

func makeTrilu(p *plan, n node) error {
	k, err := p.integers(n, "", 1)
	if err != nil {
		return err
	}
	diagonal := 0
	if len(k) > 0 {
		diagonal = k[0]
	}
	return p.moved(n, len(p.shape(n.In[0])) > 2, kernel.Triangle(n.Node, diagonal))
}

// makeResize interpolates along one axis after the other.
func makeResize(p *plan, n node) error {
	xs, ys := p.shape(n.In[0]), p.shape(n.Out[0])
	var scales []float32
	if n.has(2) {
		v, err := p.want(n.In[2], plain(1))
		if err != nil {
			return err
		}
		scales = p.values(v)
	}
	moving, err := nn.ResizeAxes(n.Node, xs, ys, scales)
	if err != nil {
		return err
	}
	x, err := p.want(n.In[0], plain(len(xs)))
	if err != nil {
		return err
	}
	now := append(nn.Shape(nil), xs...)
	for _, m := range moving {
		from, length, inner := x, now[m.Axis], now[m.Axis+1:].Count()
		now[m.Axis] = ys[m.Axis]
		z := p.variable(append(nn.Shape(nil), now...), from.wants)
		p.emit([]*variable{from}, []*variable{z},
			func(t *kernel.Team) { kernel.Interpolate(t, m.Taps, z.data, from.data, length, inner) },
			func(t *kernel.Team) {
				p.receive(t, from, func(g []float32) { kernel.InterpolateBack(t, m.Taps, g, z.grad, length, inner) })
			})
		x = z
	}
	p.alias(n.Out[0], x, plain(len(ys)))
	return nil
}

// gatherLive picks by indices that are computed or inputs: embeddings of tokens. An index outside of the axis gives NaN.
func (p *plan) gatherLive(n node, axis int) error {
	xs := p.shape(n.In[0])
	x, err := p.want(n.In[0], plain(len(xs)))
	if err != nil {
		return err
	}
	index, err := p.want(n.In[1], plain(len(p.shape(n.In[1]))))
	if err != nil {
		return err
	}
	z := p.produce(n.Out[0], plain(len(p.shape(n.Out[0]))), x)
	outer, length, inner := xs[:axis].Count(), xs[axis], xs[axis+1:].Count()
	each := func(do func(from, to int)) { // from is negative outside of the axis
		for r := range outer * len(index.data) {
			from, at := -1, wrap(int(index.data[r%len(index.data)]), length)
			if at >= 0 && at < length {
				from = (r/len(index.data)*length + at) * inner
			}
			do(from, r*inner)
		}
	}
	p.emit([]*variable{x, index}, []*variable{z}, func(*kernel.Team) {
		each(func(from, to int) {
			for i := range inner {
				if z.data[to+i] = nan; from >= 0 {
					z.data[to+i] = x.data[from+i]
				}
			}
		})
	}, func(t *kernel.Team) {
		p.receive(t, x, func(g []float32) {
			clear(g)
			each(func(from, to int) {
				for i := range inner {
					if from >= 0 {
						g[from+i] += z.grad[to+i]
					}
				}
			})
		})
	})
	return nil
}

var nan = float32(math.NaN())
