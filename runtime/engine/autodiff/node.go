package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/nn"
)

// node is a node of the graph and its index.
type node struct {
	*nn.Node
	index int
}

// integer returns an integer attribute.
func (n node) integer(name string, otherwise int) int { return int(n.Int(name, int64(otherwise))) }

// has tells whether operand i is given.
func (n node) has(i int) bool { return i < len(n.In) && n.In[i] != nn.None }

// axis returns an axis attribute as a non-negative number.
func (n node) axis(otherwise, rank int) (int, error) {
	a := wrap(n.integer("axis", otherwise), rank)
	if a < 0 || a >= rank {
		return 0, fmt.Errorf("axis %d of %d axes", a, rank)
	}
	return a, nil
}

func wrap(axis, rank int) int {
	if axis < 0 {
		return axis + rank
	}
	return axis
}

// integers returns an integer list that is an attribute in some opsets and a constant operand in others; nil where absent.
func (p *plan) integers(n node, attr string, operand int) ([]int, error) {
	if a, ok := n.Attr(attr); ok {
		if a.Kind == nn.AttrInt {
			return []int{nn.Nearest(a.Int)}, nil
		}
		return ints(a.Ints), nil
	}
	if !n.has(operand) {
		return nil, nil
	}
	info := &p.graph.Values[n.In[operand]]
	if !info.Known() {
		return nil, fmt.Errorf("operand %q must be a constant", info.Name)
	}
	if info.Const != nil && info.Const.Type == nn.Int64 {
		return ints(info.Const.Int64s()), nil
	}
	v, err := p.known(n.In[operand])
	if err != nil {
		return nil, err
	}
	to := make([]int, len(v.data))
	for i, x := range p.values(v) {
		to[i] = int(x)
	}
	return to, nil
}

// values returns a known variable's elements now.
func (p *plan) values(v *variable) []float32 {
	for _, b := range p.bound {
		if b.v == v {
			b.read()
		}
	}
	return v.data
}

func ints(s []int64) []int {
	to := make([]int, len(s))
	for i, v := range s {
		to[i] = nn.Nearest(v)
	}
	return to
}
