package autodiff

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

// makeFold is a reduction over some axes.
func makeFold(p *plan, n node) error {
	gone, err := p.reduced(n, len(p.shape(n.In[0])))
	if err != nil {
		return err
	}
	return p.folded(n, gone)
}

// makeArg is a position along one axis.
func makeArg(p *plan, n node) error {
	gone := make([]bool, len(p.shape(n.In[0])))
	axis, err := n.axis(0, len(gone))
	if err != nil {
		return err
	}
	gone[axis] = true
	return p.folded(n, gone)
}

func (p *plan) folded(n node, gone []bool) error {
	f, ok := kernel.FoldOf(n.Type, n.integer("select_last_index", 0) != 0)
	if !ok {
		return fmt.Errorf("internal error: no kernel %s", n.Type)
	}
	x, err := p.want(n.In[0], kernel.Rows(gone))
	if err != nil {
		return err
	}
	z := p.produce(n.Out[0], plain(len(p.shape(n.Out[0]))), x)
	z.wants = z.wants && f.Slope != nil
	rows, row := len(z.data), len(x.data)/max(1, len(z.data))
	p.emit([]*variable{x}, []*variable{z}, func(t *kernel.Team) {
		t.Split(rows, len(x.data), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				z.data[i] = f.Value(x.data[i*row : (i+1)*row])
			}
		})
	}, func(t *kernel.Team) {
		p.receive(t, x, func(g []float32) {
			t.Split(rows, len(x.data), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					f.Slope(g[i*row:(i+1)*row], x.data[i*row:(i+1)*row], z.data[i], z.grad[i])
				}
			})
		})
	})
	return nil
}

func makeRows(p *plan, n node) error {
	return p.rowsOf(n, n.integer("axis", -1), kernel.RowFuncOf(n.Node))
}

func makeLRN(p *plan, n node) error { return p.rowsOf(n, 1, kernel.LocalResponseOf(n.Node)) }

// makeCumSum has its axis as a constant operand.
func makeCumSum(p *plan, n node) error {
	axis, err := p.integers(n, "", 1)
	if err != nil || len(axis) != 1 {
		return fmt.Errorf("its axis must be a constant: %w", err)
	}
	return p.rowsOf(n, axis[0], kernel.CumSumOf(n.Node))
}

// rowsOf emits f of every row along one axis.
func (p *plan) rowsOf(n node, axis int, f kernel.RowFunc) error {
	xs := p.shape(n.In[0])
	if axis = wrap(axis, len(xs)); axis < 0 || axis >= len(xs) {
		return fmt.Errorf("axis %d of %d axes", axis, len(xs))
	}
	last := make([]bool, len(xs))
	last[axis] = true
	order := kernel.Rows(last)
	x, err := p.want(n.In[0], order)
	if err != nil {
		return err
	}
	z := p.produce(n.Out[0], order, x)
	z.wants = z.wants && f.Slope != nil
	row := xs[axis]
	each := func(t *kernel.Team, do func(lo, hi int)) {
		t.Split(len(x.data)/max(1, row), 8*len(x.data), func(lo, hi int) {
			for i := lo; i < hi; i++ {
				do(i*row, (i+1)*row)
			}
		})
	}
	p.emit([]*variable{x}, []*variable{z},
		func(t *kernel.Team) {
			each(t, func(lo, hi int) { f.Value(z.data[lo:hi], x.data[lo:hi]) })
		},
		func(t *kernel.Team) {
			p.receive(t, x, func(g []float32) {
				each(t, func(lo, hi int) { f.Slope(g[lo:hi], z.grad[lo:hi], x.data[lo:hi], z.data[lo:hi]) })
			})
		})
	return nil
}
