package embedded

import (
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
)

func lowerLayerNorm(c *compiler, n node) error {
	x := c.shape(n.In[0])
	axis := n.axis(-1, len(x))
	if len(n.Out) > 1 {
		return fmt.Errorf("mean and deviation as further outputs are not supported")
	}
	scale, _, err := c.floats(n.In[1])
	if err != nil {
		return err
	}
	bias, err := c.optional(n, 2)
	if err != nil {
		return err
	}
	c.whole = c.whole || axis == 0
	row := size(x[axis:])
	if len(scale) != row {
		return fmt.Errorf("a scale of %d elements for rows of %d", len(scale), row)
	}
	in, err := c.want(n.In[0], plain(len(x)))
	if err != nil {
		return err
	}
	scale = c.lasting(n.In[1], scale)
	if bias != nil {
		bias = c.lasting(n.In[2], bias)
	}
	eps := n.Float("epsilon", 1e-5)
	c.emit(n, []int{in}, []int{c.produce(n.Out[0], plain(len(x)))}, func(int) kernelFunc {
		return func(t *kernel.Team, in, out [][]float32) { c.isa.LayerNorm(t, out[0], in[0], scale, bias, row, eps) }
	})
	return nil
}

func lowerSoftmax(c *compiler, n node) error {
	from, err := c.first(n.In[0])
	if err != nil {
		return err
	}
	x := c.shape(n.In[0])
	axis := n.axis(-1, len(x))
	c.whole = c.whole || axis == 0
	p := slices.Index(from.order, axis)
	memory := arrange(x, from.order)
	c.emit(n, []int{from.buffer}, []int{c.produce(n.Out[0], from.order)}, func(b int) kernelFunc {
		s := at(memory, b)
		return func(t *kernel.Team, in, out [][]float32) {
			c.isa.Softmax(t, out[0], in[0], size(s[:p]), s[p], size(s[p+1:]))
		}
	})
	return nil
}

// lowerReduce is a sum, scaled by a function of the number of elements, or a maximum.
func lowerReduce(scale func(n int) float32, maximum bool) lowering {
	return func(c *compiler, n node) error {
		from, err := c.first(n.In[0])
		if err != nil {
			return err
		}
		x := c.shape(n.In[0])
		gone, err := c.reduced(n, len(x))
		if err != nil {
			return err
		}
		memory, where := arrange(x, from.order), make([]bool, len(x))
		var order []int
		for p, axis := range from.order {
			where[p] = gone[axis]
			switch {
			case n.integer("keepdims", 1) != 0:
				order = append(order, axis)
			case !gone[axis]:
				order = append(order, axis-count(gone[:axis]))
			}
		}
		c.whole = c.whole || gone[0]
		isa := c.isa
		c.emit(n, []int{from.buffer}, []int{c.produce(n.Out[0], order)}, func(b int) kernelFunc {
			s, elements := at(memory, b), 1
			for p, g := range where {
				if g {
					elements *= s[p]
				}
			}
			r := isa.NewReducer(s, where, scale(elements), maximum)
			return func(t *kernel.Team, in, out [][]float32) { r.Run(t, in[0], out[0]) }
		})
		return nil
	}
}

// reduced tells which axes a reduction removes.
func (c *compiler) reduced(n node, rank int) ([]bool, error) {
	axes, err := c.integers(n, "axes", 1)
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
