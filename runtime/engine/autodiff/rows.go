package autodiff

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// fold is a reduction over some axes to one number of each row.
func fold(p *Plan, n Node) error {
	gone, err := p.Reduced(n)
	if err != nil {
		return err
	}
	return p.folded(n, gone)
}

// arg is a position along one axis.
func arg(p *Plan, n Node) error {
	gone := make([]bool, len(p.Shape(n.In[0])))
	axis, err := n.Axis(0, len(gone))
	if err != nil {
		return err
	}
	gone[axis] = true
	return p.folded(n, gone)
}

func (p *Plan) folded(n Node, gone []bool) error {
	f, ok := kernel.FoldOf(n.Type, n.Integer("select_last_index", 0) != 0)
	if !ok {
		return fmt.Errorf("internal error: no kernel %s", n.Type)
	}
	p.mix(len(gone) == 0 || gone[0])
	x, err := p.Want(n.In[0], kernel.Rows(gone))
	if err != nil {
		return err
	}
	xs := p.Shape(n.In[0])
	row := func(b int) int {
		count := 1
		for axis, e := range At(xs, b) {
			if gone[axis] {
				count *= e
			}
		}
		return count
	}
	step := Step{In: []int{x}, Out: []int{p.ProducePlain(n.Out[0])}, Bind: func(b int) Run {
		row := row(b)
		return func(t *kernel.Team, in, out [][]float32) {
			t.Split(len(out[0]), len(in[0]), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					out[0][i] = f.Value(in[0][i*row : (i+1)*row])
				}
			})
		}
	}}
	if f.Slope != nil {
		step.Back = func(b int) []Gradient { return []Gradient{foldBack(f, row(b))} }
	}
	p.Engine.Emit(step)
	return nil
}

func foldBack(f kernel.Fold, row int) Gradient {
	return func(t *kernel.Team, g []float32, s *State) {
		z, dz, x := s.Out[0], s.Grad[0], s.In[0]
		t.Split(len(z), len(x), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				f.Slope(g[i*row:(i+1)*row], x[i*row:(i+1)*row], z[i], dz[i])
			}
		})
	}
}

func rows(p *Plan, n Node) error { return p.rows(n, n.Integer("axis", -1), kernel.RowFuncOf(n.Node)) }

func lrn(p *Plan, n Node) error { return p.rows(n, 1, kernel.LocalResponseOf(n.Node)) }

// cumSum has its axis as a constant operand.
func cumSum(p *Plan, n Node) error {
	axis, err := p.Integers(n, "", 1)
	if err != nil || len(axis) != 1 {
		return fmt.Errorf("its axis must be a constant: %w", err)
	}
	return p.rows(n, axis[0], kernel.CumSumOf(n.Node))
}

// rows emits f of every row along one axis.
func (p *Plan) rows(n Node, axis int, f kernel.RowFunc) error {
	xs := p.Shape(n.In[0])
	axis, err := within(axis, len(xs))
	if err != nil {
		return err
	}
	p.mix(axis == 0)
	last := make([]bool, len(xs))
	last[axis] = true
	order := kernel.Rows(last)
	x, err := p.Want(n.In[0], order)
	if err != nil {
		return err
	}
	p.eachRow(x, p.Produce(n.Out[0], order), func(b int) int { return At(xs, b)[axis] }, f)
	return nil
}

// eachRow emits f of every row of x; row is its length at a batch size.
func (p *Plan) eachRow(x, z int, row func(batch int) int, f kernel.RowFunc) {
	each := func(t *kernel.Team, row, size int, do func(lo, hi int)) {
		t.Split(size/max(1, row), 8*size, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				do(i*row, (i+1)*row)
			}
		})
	}
	step := Step{In: []int{x}, Out: []int{z}, Bind: func(b int) Run {
		row := row(b)
		return func(t *kernel.Team, in, out [][]float32) {
			each(t, row, len(in[0]), func(lo, hi int) { f.Value(out[0][lo:hi], in[0][lo:hi]) })
		}
	}}
	if f.Slope != nil {
		step.Back = func(b int) []Gradient {
			row := row(b)
			return []Gradient{func(t *kernel.Team, g []float32, s *State) {
				x, z, dz := s.In[0], s.Out[0], s.Grad[0]
				each(t, row, len(x), func(lo, hi int) { f.Slope(g[lo:hi], dz[lo:hi], x[lo:hi], z[lo:hi]) })
			}}
		}
	}
	p.Engine.Emit(step)
}

// normal normalises rows of elements that are neighbours; scale and bias follow as steps of their own.
func normal(p *Plan, n Node) error {
	if len(n.In) < 2 {
		return fmt.Errorf("it has no scale")
	}
	xs, scale := p.Shape(n.In[0]), p.Shape(n.In[1])
	of := func(b int) (kernel.Normal, error) { return kernel.NormalOf(n.Node, At(xs, b), At(scale, b)) }
	m, err := of(1)
	if err != nil {
		return err
	}
	p.mix(m.Axis == 0)
	x, err := p.Plainly(n.In[0])
	if err != nil {
		return err
	}
	z := p.Scratch(xs)
	p.eachRow(x, z, func(b int) int {
		m, _ := of(b)
		return m.View[m.Axis:].Count()
	}, m.Of)
	steps := []string{"Mul", "Add"}
	if !n.Has(2) {
		steps = steps[:1]
	}
	for k, name := range steps {
		by, err := p.Plainly(n.In[k+1])
		if err != nil {
			return err
		}
		next := 0
		if k == len(steps)-1 {
			next = p.ProducePlain(n.Out[0])
		} else {
			next = p.Scratch(xs)
		}
		p.combined(name, z, by, next, kernel.NoLimits(), func(b int) (view, under nn.Shape) {
			m, _ := of(b)
			return m.View, m.Scale
		})
		z = next
	}
	return nil
}

// softmax runs in the order in which its operand is in memory.
func softmax(p *Plan, n Node) error {
	from, err := p.First(n.In[0])
	if err != nil {
		return err
	}
	xs := p.Shape(n.In[0])
	axis, err := n.Axis(-1, len(xs))
	if err != nil {
		return err
	}
	p.mix(axis == 0)
	isa, at, memory := p.ISA, slices.Index(from.Order, axis), Arrange(xs, from.Order)
	extents := func(b int) (outer, row, inner int) {
		s := At(memory, b)
		return s[:at].Count(), s[at], s[at+1:].Count()
	}
	p.Engine.Emit(Step{In: []int{from.Tensor}, Out: []int{p.Produce(n.Out[0], from.Order)}, Bind: func(b int) Run {
		outer, row, inner := extents(b)
		return func(t *kernel.Team, in, out [][]float32) { isa.Softmax(t, out[0], in[0], outer, row, inner) }
	}, Back: func(b int) []Gradient {
		outer, row, inner := extents(b)
		return []Gradient{func(t *kernel.Team, g []float32, s *State) {
			kernel.SoftmaxBack(t, g, s.Out[0], s.Grad[0], outer, row, inner)
		}}
	}})
	return nil
}
