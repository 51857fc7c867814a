package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

func makePool(average bool) maker {
	return func(p *plan, n node) error {
		xs := p.shape(n.In[0])
		g, err := kernel.WindowOf(n.Node, xs, n.List("kernel_shape", max(len(xs)-2, 0), 0))
		if err != nil {
			return err
		}
		if len(n.Out) > 1 {
			return fmt.Errorf("the indices of a pooling cannot be trained")
		}
		order := channelsLast(len(xs))
		x, err := p.want(n.In[0], order)
		if err != nil {
			return err
		}
		z := p.produce(n.Out[0], order, x)
		pool := p.isa.NewPool(g, xs[1], average, n.integer("count_include_pad", 0) != 0)
		p.emit([]*variable{x}, []*variable{z},
			func(t *kernel.Team) { pool.Run(t, x.data, z.data, xs[0]) },
			func(t *kernel.Team) {
				p.receive(t, x, func(g []float32) { pool.Back(t, g, z.grad, x.data, z.data, xs[0]) })
			})
		return nil
	}
}

func makeGlobalPool(average bool) maker {
	return func(p *plan, n node) error {
		xs := p.shape(n.In[0])
		order := channelsLast(len(xs))
		x, err := p.want(n.In[0], order)
		if err != nil {
			return err
		}
		z := p.produce(n.Out[0], order, x)
		pixels := xs[2:].Count()
		p.emit([]*variable{x}, []*variable{z},
			func(t *kernel.Team) { p.isa.GlobalPool(t, x.data, z.data, xs[0], pixels, xs[1], average) },
			func(t *kernel.Team) {
				p.receive(t, x, func(g []float32) {
					kernel.GlobalPoolBack(t, g, z.grad, x.data, z.data, xs[0], pixels, xs[1], average)
				})
			})
		return nil
	}
}

// makeReduce is a sum over axes, or a mean.
func makeReduce(mean bool) maker {
	return func(p *plan, n node) error {
		from, err := p.first(n.In[0])
		if err != nil {
			return err
		}
		xs, x := p.shape(n.In[0]), from.v
		gone, err := p.reduced(n, len(xs))
		if err != nil {
			return err
		}
		where, elements := make([]bool, len(xs)), 1
		var order []int
		for at, axis := range from.order {
			if where[at] = gone[axis]; gone[axis] {
				elements *= xs[axis]
			}
			switch {
			case n.integer("keepdims", 1) != 0:
				order = append(order, axis)
			case !gone[axis]:
				order = append(order, axis-count(gone[:axis]))
			}
		}
		scale := float32(1)
		if mean {
			scale = 1 / float32(elements)
		}
		z := p.produce(n.Out[0], order, x)
		memory := arrange(xs, from.order)
		r := p.isa.NewReducer(memory, where, scale, false)
		back := kernel.NewCopier(kernel.Dense(memory), kernel.Spread(memory, where))
		p.emit([]*variable{x}, []*variable{z},
			func(t *kernel.Team) { r.Run(t, x.data, z.data) },
			func(t *kernel.Team) {
				p.receive(t, x, func(g []float32) {
					back.Run(t, g, z.grad)
					kernel.ScaleBy(t, g, scale)
				})
			})
		return nil
	}
}

// reduced tells which axes a reduction removes.
func (p *plan) reduced(n node, rank int) ([]bool, error) {
	axes, err := p.integers(n, "axes", 1)
	if err != nil {
		return nil, err
	}
	gone := make([]bool, rank)
	if len(axes) == 0 {
		for i := range gone {
			gone[i] = n.integer("noop_with_empty_axes", 0) == 0
		}
	}
	for _, a := range axes {
		if a = wrap(a, rank); a < 0 || a >= rank {
			return nil, fmt.Errorf("axis %d of %d axes", a, rank)
		}
		gone[a] = true
	}
	return gone, nil
}

func count(b []bool) int {
	n := 0
	for _, v := range b {
		if v {
			n++
		}
	}
	return n
}
