package embedded

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// plainly lowers an operator to a function of the operands in, whose elements and result are in the order of their axes.
func (c *compiler) plainly(n node, in []nn.Value, bind func(batch int) kernelFunc) error {
	buffers := make([]int, len(in))
	for i, v := range in {
		var err error
		if buffers[i], err = c.want(v, plain(len(c.shape(v)))); err != nil {
			return err
		}
	}
	c.emit(n, buffers, []int{c.produce(n.Out[0], plain(len(c.shape(n.Out[0]))))}, bind)
	return nil
}

// inRows copies v so that the axes in last come last, in their order, and returns the buffer with the others' order before.
func (c *compiler) inRows(n node, v nn.Value, last []bool) (int, error) {
	in, err := c.want(v, plain(len(c.shape(v))))
	if err != nil {
		return 0, err
	}
	perm := kernel.Rows(last)
	x := c.shape(v)
	out := c.scratch(arrange(x, perm))
	c.emit(n, []int{in}, []int{out}, func(b int) kernelFunc {
		view := kernel.Dense(at(x, b)).Permute(perm)
		copier := kernel.NewCopier(kernel.Dense(view.Dims), view)
		return func(t *kernel.Team, in, out [][]float32) { copier.Run(t, out[0], in[0]) }
	})
	return out, nil
}

// lowerFold is a reduction over some axes.
func lowerFold(c *compiler, n node) error {
	gone, err := c.reduced(n, len(c.shape(n.In[0])))
	if err != nil {
		return err
	}
	return c.folded(n, gone)
}

// lowerArg is a position along one axis.
func lowerArg(c *compiler, n node) error {
	gone := make([]bool, len(c.shape(n.In[0])))
	axis := n.axis(0, len(gone))
	if axis < 0 || axis >= len(gone) {
		return fmt.Errorf("axis %d of %d axes", axis, len(gone))
	}
	gone[axis] = true
	return c.folded(n, gone)
}

func (c *compiler) folded(n node, gone []bool) error {
	f, ok := kernel.FoldOf(n.Type, n.integer("select_last_index", 0) != 0)
	if !ok {
		return fmt.Errorf("internal error: no kernel %s", n.Type)
	}
	c.whole = c.whole || len(gone) == 0 || gone[0]
	in, err := c.inRows(n, n.In[0], gone)
	if err != nil {
		return err
	}
	x := c.shape(n.In[0])
	c.emit(n, []int{in}, []int{c.produce(n.Out[0], plain(len(c.shape(n.Out[0]))))}, func(b int) kernelFunc {
		row := 1
		for axis, e := range at(x, b) {
			if gone[axis] {
				row *= e
			}
		}
		return func(t *kernel.Team, in, out [][]float32) {
			t.Split(len(out[0]), len(in[0]), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					out[0][i] = f.Value(in[0][i*row : (i+1)*row])
				}
			})
		}
	})
	return nil
}

func lowerRows(c *compiler, n node) error {
	return c.rows(n, n.axis(-1, len(c.shape(n.In[0]))), kernel.RowFuncOf(n.Node))
}

func lowerLRN(c *compiler, n node) error { return c.rows(n, 1, kernel.LocalResponseOf(n.Node)) }

// lowerCumSum has its axis as a constant operand.
func lowerCumSum(c *compiler, n node) error {
	axis, err := c.integers(n, "", 1)
	if err != nil || len(axis) != 1 {
		return fmt.Errorf("its axis must be a constant: %w", err)
	}
	return c.rows(n, wrap(axis[0], len(c.shape(n.In[0]))), kernel.CumSumOf(n.Node))
}

// rows applies f to every row along one axis.
func (c *compiler) rows(n node, axis int, f kernel.RowFunc) error {
	x := c.shape(n.In[0])
	if axis < 0 || axis >= len(x) {
		return fmt.Errorf("axis %d of %d axes", axis, len(x))
	}
	c.whole = c.whole || axis == 0
	last := make([]bool, len(x))
	last[axis] = true
	in, err := c.inRows(n, n.In[0], last)
	if err != nil {
		return err
	}
	c.emit(n, []int{in}, []int{c.produce(n.Out[0], kernel.Rows(last))}, func(b int) kernelFunc {
		row := at(x, b)[axis]
		return func(t *kernel.Team, in, out [][]float32) {
			t.Split(len(in[0])/max(1, row), 8*len(in[0]), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					f.Value(out[0][i*row:(i+1)*row], in[0][i*row:(i+1)*row])
				}
			})
		}
	})
	return nil
}
