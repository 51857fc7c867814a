package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Node is a node of the graph and its index.
type Node struct {
	*nn.Node
	Index int
}

// Integer returns an integer attribute.
func (n Node) Integer(name string, otherwise int) int {
	return nn.Nearest(n.Int(name, int64(otherwise)))
}

// Has tells whether operand i is given.
func (n Node) Has(i int) bool { return i < len(n.In) && n.In[i] != nn.None }

// Axis returns the axis attribute as a non-negative number.
func (n Node) Axis(otherwise, rank int) (int, error) {
	return within(n.Integer("axis", otherwise), rank)
}

// within counts an axis from the first one.
func within(axis, rank int) (int, error) {
	a := Wrap(axis, rank)
	if a < 0 || a >= rank {
		return 0, fmt.Errorf("axis %d of %d axes", axis, rank)
	}
	return a, nil
}

// Wrap counts a position from the start.
func Wrap(at, n int) int {
	if at < 0 {
		return at + n
	}
	return at
}

// Ints are integers of any size as ints, the nearest ones there are.
func Ints(s []int64) []int {
	to := make([]int, len(s))
	for i, v := range s {
		to[i] = nn.Nearest(v)
	}
	return to
}

// Integers returns an integer list that is an attribute in some opsets and a constant operand in others; nil where absent.
func (p *Plan) Integers(n Node, attr string, operand int) ([]int, error) {
	if a, ok := n.Attr(attr); ok {
		if a.Kind == nn.AttrInt {
			return []int{nn.Nearest(a.Int)}, nil
		}
		return Ints(a.Ints), nil
	}
	if !n.Has(operand) {
		return nil, nil
	}
	return p.Engine.IntegersOf(n.In[operand])
}

// Optional returns the elements of constant operand i, nil where it is absent.
func (p *Plan) Optional(n Node, i int) ([]float32, error) {
	if !n.Has(i) {
		return nil, nil
	}
	return p.Engine.FloatsOf(n.In[i])
}

// Limits returns the bounds of a Relu or Clip.
func (p *Plan) Limits(n Node) (kernel.Limits, error) {
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
		v, err := p.Optional(n, i+1)
		if err != nil {
			return lim, fmt.Errorf("its bounds must be constants: %w", err)
		}
		if v == nil {
			continue
		}
		if len(v) != 1 {
			return lim, fmt.Errorf("its bounds must be single numbers, not %d", len(v))
		}
		*bound = v[0]
	}
	return lim, nil
}
