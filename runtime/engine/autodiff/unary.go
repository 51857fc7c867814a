package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

func makeUnary(p *plan, n node) error {
	name, arg := kernel.UnaryOf(n.Node)
	if name == "Relu" {
		lim, err := p.limits(n)
		if err != nil {
			return err
		}
		name, arg = "Clip", [2]float32{lim.Lo, lim.Hi}
	}
	return p.unary(n, name, arg[0], arg[1])
}

func makeClip(p *plan, n node) error {
	lim, err := p.limits(n)
	if err != nil {
		return err
	}
	return p.unary(n, "Clip", lim.Lo, lim.Hi)
}

func makeCast(p *plan, n node) error {
	name, err := engine.Cast(p.typ(n.In[0]), p.typ(n.Out[0]))
	if err != nil {
		return err
	}
	if name == "" {
		return makeRename(p, n)
	}
	return p.unary(n, name, 0, 0)
}

// unary emits a function of each element. Where there is no slope, results do not change when operands do so a little: rounding, say.
func (p *plan) unary(n node, name string, a, b float32) error {
	f, ok := p.isa.Unary(name)
	if !ok {
		return fmt.Errorf("internal error: no kernel %s", name)
	}
	from, err := p.first(n.In[0])
	if err != nil {
		return err
	}
	x := from.v
	back, has := p.isa.Slope(name)
	if !has {
		z := p.produce(n.Out[0], from.order)
		p.emit([]*variable{x}, []*variable{z}, func(t *kernel.Team) { f.Apply(t, z.data, x.data, a, b) }, nil)
		return nil
	}
	z := p.produce(n.Out[0], from.order, x)
	p.emit([]*variable{x}, []*variable{z},
		func(t *kernel.Team) { f.Apply(t, z.data, x.data, a, b) },
		func(t *kernel.Team) {
			p.receive(t, x, func(g []float32) {
				if name == "Clip" {
					p.isa.Gate(t, g, z.grad, z.data, kernel.Limits{Lo: a, Hi: b})
					return
				}
				back.Apply(t, g, z.grad, x.data, z.data, a, b)
			})
		})
	p.steps[len(p.steps)-1].inPlace = 1
	return nil
}

// limits returns the bounds of a Relu or Clip.
func (p *plan) limits(n node) (kernel.Limits, error) {
	lim := kernel.NoLimits()
	if n.Type == "Relu" {
		lim.Lo = 0
		return lim, nil
	}
	for i, bound := range []*float32{&lim.Lo, &lim.Hi} {
		if a, ok := n.Attr([]string{"min", "max"}[i]); ok {
			*bound = a.Float
			continue
		}
		if !n.has(i + 1) {
			continue
		}
		if !p.graph.Values[n.In[i+1]].Known() {
			return lim, fmt.Errorf("its bounds must be constants")
		}
		v, err := p.known(n.In[i+1])
		if err != nil || len(v.data) != 1 {
			return lim, fmt.Errorf("its bounds must be single numbers: %w", err)
		}
		*bound = p.values(v)[0]
	}
	return lim, nil
}
