package embedded

import (
	"fmt"
	"math"

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
	var perm []int
	for _, end := range []bool{false, true} {
		for axis, is := range last {
			if is == end {
				perm = append(perm, axis)
			}
		}
	}
	x := c.shape(v)
	out := c.scratch(arrange(x, perm))
	c.emit(n, []int{in}, []int{out}, func(b int) kernelFunc {
		view := kernel.Dense(at(x, b)).Permute(perm)
		copier := kernel.NewCopier(kernel.Dense(view.Dims), view)
		return func(t *kernel.Team, in, out [][]float32) { copier.Run(t, out[0], in[0]) }
	})
	return out, nil
}

// fold makes one number of a row.
type fold func(n node, row []float32) float32

// lowerFold is a reduction by f.
func lowerFold(f fold) lowering {
	return func(c *compiler, n node) error {
		gone, err := c.reduced(n, len(c.shape(n.In[0])))
		if err != nil {
			return err
		}
		return c.folded(n, gone, f)
	}
}

// lowerArg is the position along one axis that better prefers, of several the first unless select_last_index is set.
func lowerArg(better func(a, b float32) bool) lowering {
	return func(c *compiler, n node) error {
		gone := make([]bool, len(c.shape(n.In[0])))
		axis := n.axis(0, len(gone))
		if axis < 0 || axis >= len(gone) {
			return fmt.Errorf("axis %d of %d axes", axis, len(gone))
		}
		gone[axis] = true
		last := n.integer("select_last_index", 0) != 0
		return c.folded(n, gone, func(_ node, row []float32) float32 {
			best := 0
			for i, v := range row {
				if better(v, row[best]) || last && v == row[best] {
					best = i
				}
			}
			return float32(best)
		})
	}
}

func (c *compiler) folded(n node, gone []bool, f fold) error {
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
					out[0][i] = f(n, in[0][i*row:(i+1)*row])
				}
			})
		}
	})
	return nil
}

// sumOf folds a row to after of the sum of each of its elements, in float64.
func sumOf(each, after func(v float64) float64) fold {
	return func(_ node, row []float32) float32 {
		total := 0.0
		for _, v := range row {
			total += each(float64(v))
		}
		return float32(after(total))
	}
}

func itself(v float64) float64 { return v }

func square(v float64) float64 { return v * v }

func product(_ node, row []float32) float32 {
	p := 1.0
	for _, v := range row {
		p *= float64(v)
	}
	return float32(p)
}

func least(_ node, row []float32) float32 {
	m := float32(math.Inf(1))
	for _, v := range row {
		m = min(m, v)
	}
	return m
}

func logSumExp(_ node, row []float32) float32 {
	top, rest := split(row)
	return float32(top + rest)
}

// split returns the largest element and by how much the logarithm of the sum of exponentials is above it: so nothing overflows.
func split(row []float32) (top, rest float64) {
	top = math.Inf(-1)
	for _, v := range row {
		top = max(top, float64(v))
	}
	total := 0.0
	for _, v := range row {
		total += math.Exp(float64(v) - top)
	}
	return top, math.Log(total)
}

// lowerRows applies f to every row along one axis: to is the result's row.
func lowerRows(otherwise int, f func(n node, to, row []float32)) lowering {
	return func(c *compiler, n node) error {
		x := c.shape(n.In[0])
		return c.rows(n, n.axis(otherwise, len(x)), f)
	}
}

func (c *compiler) rows(n node, axis int, f func(n node, to, row []float32)) error {
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
	var order []int
	for a := range x {
		if a != axis {
			order = append(order, a)
		}
	}
	c.emit(n, []int{in}, []int{c.produce(n.Out[0], append(order, axis))}, func(b int) kernelFunc {
		row := at(x, b)[axis]
		return func(t *kernel.Team, in, out [][]float32) {
			t.Split(len(in[0])/max(1, row), 8*len(in[0]), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					f(n, out[0][i*row:(i+1)*row], in[0][i*row:(i+1)*row])
				}
			})
		}
	})
	return nil
}

func logSoftmax(_ node, to, row []float32) {
	top, rest := split(row)
	for i, v := range row {
		to[i] = float32(float64(v) - top - rest)
	}
}

func hardmax(_ node, to, row []float32) {
	best := 0
	for i, v := range row {
		to[i] = 0
		if v > row[best] {
			best = i
		}
	}
	to[best] = 1
}

// lowerCumSum has its axis as a constant operand.
func lowerCumSum(c *compiler, n node) error {
	axis, err := c.integers(n, "", 1)
	if err != nil || len(axis) != 1 {
		return fmt.Errorf("its axis must be a constant: %w", err)
	}
	reverse, exclusive := n.integer("reverse", 0) != 0, n.integer("exclusive", 0) != 0
	return c.rows(n, wrap(axis[0], len(c.shape(n.In[0]))), func(_ node, to, row []float32) {
		total := 0.0
		for i := range row {
			if reverse {
				i = len(row) - 1 - i
			}
			before := total
			if total += float64(row[i]); exclusive {
				to[i] = float32(before)
				continue
			}
			to[i] = float32(total)
		}
	})
}
