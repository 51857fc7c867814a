package autodiff

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// moved emits an operator whose result is made of elements of its first operand: from says which, for the shapes of a batch. apart tells that
// images of a batch stay apart.
func (p *Plan) moved(n Node, apart bool, from func(x, y nn.Shape) kernel.Source) error {
	p.mix(!apart)
	xs, ys := p.Shape(n.In[0]), p.Shape(n.Out[0])
	x, err := p.Plainly(n.In[0])
	if err != nil {
		return err
	}
	p.Engine.Emit(Step{In: []int{x}, Out: []int{p.ProducePlain(n.Out[0])}, Bind: func(b int) Run {
		xs, ys := At(xs, b), At(ys, b)
		index := kernel.Indices(xs, ys, from(xs, ys))
		return func(t *kernel.Team, in, out [][]float32) {
			t.Split(len(index), len(index), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					if k := index[i]; k >= 0 {
						out[0][i] = in[0][k]
					} else {
						out[0][i] = 0
					}
				}
			})
		}
	}, Back: func(b int) []Gradient {
		xs, ys, images := At(xs, b), At(ys, b), 1
		if apart {
			images = xs[0]
			xs, ys = slices.Concat(nn.Shape{1}, xs[1:]), slices.Concat(nn.Shape{1}, ys[1:])
		}
		mover := kernel.NewMover(kernel.Indices(xs, ys, from(xs, ys)), images, xs.Count())
		return []Gradient{func(t *kernel.Team, g []float32, s *State) { mover.Back(t, g, s.Grad[0]) }}
	}})
	return nil
}

func tile(p *Plan, n Node) error {
	return p.moved(n, p.Shape(n.In[0])[0] == p.Shape(n.Out[0])[0], func(x, _ nn.Shape) kernel.Source { return kernel.Tile(x) })
}

func depthToSpace(p *Plan, n Node) error {
	return p.moved(n, true, func(_, y nn.Shape) kernel.Source { return kernel.DepthToSpace(n.Node, y) })
}

func spaceToDepth(p *Plan, n Node) error {
	return p.moved(n, true, func(x, _ nn.Shape) kernel.Source { return kernel.SpaceToDepth(n.Node, x) })
}

func trilu(p *Plan, n Node) error {
	k, err := p.Integers(n, "", 1)
	if err != nil {
		return err
	}
	diagonal := 0
	if len(k) > 0 {
		diagonal = k[0]
	}
	return p.moved(n, len(p.Shape(n.In[0])) > 2, func(nn.Shape, nn.Shape) kernel.Source { return kernel.Triangle(n.Node, diagonal) })
}

// resize interpolates along one axis after the other.
func resize(p *Plan, n Node) error {
	xs, ys := p.Shape(n.In[0]), p.Shape(n.Out[0])
	scales, err := p.Optional(n, 2)
	if err != nil {
		return err
	}
	moving, err := nn.ResizeAxes(n.Node, xs, ys, scales)
	if err != nil {
		return err
	}
	if len(moving) == 0 {
		return rename(p, n)
	}
	x, err := p.Plainly(n.In[0])
	if err != nil {
		return err
	}
	now := slices.Clone(xs)
	for i, m := range moving {
		before := slices.Clone(now)
		now[m.Axis] = ys[m.Axis]
		z := 0
		if i == len(moving)-1 {
			z = p.ProducePlain(n.Out[0])
		} else {
			z = p.Scratch(slices.Clone(now))
		}
		p.Engine.Emit(Step{In: []int{x}, Out: []int{z}, Bind: func(b int) Run {
			s := At(before, b)
			length, inner := s[m.Axis], s[m.Axis+1:].Count()
			return func(t *kernel.Team, in, out [][]float32) { kernel.Interpolate(t, m.Taps, out[0], in[0], length, inner) }
		}, Back: func(b int) []Gradient {
			s := At(before, b)
			length, inner := s[m.Axis], s[m.Axis+1:].Count()
			return []Gradient{func(t *kernel.Team, g []float32, s *State) {
				kernel.InterpolateBack(t, m.Taps, g, s.Grad[0], length, inner)
			}}
		}})
		x = z
	}
	return nil
}
