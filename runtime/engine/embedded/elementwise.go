package embedded

import (
	"fmt"
	"math"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

func lowerUnary(c *compiler, n node) error {
	name, constants := kernel.UnaryOf(n.Node)
	f, ok := c.isa.Unary(name)
	if !ok {
		return fmt.Errorf("internal error: no kernel %s", name)
	}
	return c.unary(n, f, constants[0], constants[1])
}

func lowerClip(c *compiler, n node) error {
	lim, ok := c.limits(n)
	if !ok {
		return fmt.Errorf("its bounds must be constants")
	}
	f, _ := c.isa.Unary("Clip")
	return c.unary(n, f, lim.Lo, lim.Hi)
}

func (c *compiler) unary(n node, f kernel.Unary, a, b float32) error {
	from, err := c.first(n.In[0])
	if err != nil {
		return err
	}
	c.emit(n, []int{from.buffer}, []int{c.produce(n.Out[0], from.order)}, func(int) kernelFunc {
		return func(t *kernel.Team, in, out [][]float32) { f.Apply(t, out[0], in[0], a, b) }
	})
	return nil
}

// lowerAdd is lowerBinary with a fused Relu or Clip.
func lowerAdd(c *compiler, n node) error {
	op, _ := kernel.BinaryOf("Add")
	t := c.take(n)
	return c.binary(n, op, n.In, t.out, t.limits)
}

func lowerBinary(c *compiler, n node) error {
	name := kernel.BinaryName(n.Node, c.typ(n.In[0]))
	op, ok := kernel.BinaryOf(name)
	if !ok {
		return fmt.Errorf("internal error: no kernel %s", name)
	}
	if len(n.In) == 1 {
		return lowerRename(c, n)
	}
	return c.binary(n, op, n.In, n.Out[0], kernel.NoLimits())
}

// binary applies op to the first two operands, then to that result and the next, and so on.
func (c *compiler) binary(n node, op kernel.Binary, in []nn.Value, to nn.Value, lim kernel.Limits) error {
	order, err := c.commonOrder(in, c.shape(to))
	if err != nil {
		return err
	}
	left, shape, err := c.operand(in[0], order)
	if err != nil {
		return err
	}
	for i, v := range in[1:] {
		right, rshape, err := c.operand(v, order)
		if err != nil {
			return err
		}
		both, err := kernel.BroadcastShape(shape, rshape) // an open axis, -1, meets itself or 1 only
		if err != nil {
			return err
		}
		now, out := kernel.NoLimits(), 0
		if i == len(in)-2 {
			now, out = lim, c.produce(to, order)
		} else {
			out = c.scratch(both)
		}
		x, y := shape, rshape
		isa := c.isa
		c.emit(n, []int{left, right}, []int{out}, func(b int) kernelFunc {
			f := isa.NewBroadcast(op, at(x, b), at(y, b), now)
			return func(t *kernel.Team, in, out [][]float32) { f.Run(t, out[0], in[0], in[1]) }
		})
		left, shape = out, both
	}
	return nil
}

// commonOrder returns the order in which to compute an element-wise result: that of the first operand which is not
// spread over it, or the plain one when an operand of lower rank would have to be rearranged at run time.
func (c *compiler) commonOrder(in []nn.Value, out nn.Shape) ([]int, error) {
	var order []int
	for _, v := range in {
		rank := len(c.shape(v))
		if rank < len(out) {
			if rank > 0 && !c.isConstant(v) {
				return plain(len(out)), nil
			}
			continue
		}
		s, err := c.first(v)
		if err != nil {
			return nil, err
		}
		if order == nil && !c.isConstant(v) && size(c.shape(v)) == size(out) {
			order = s.order
		}
	}
	if order == nil {
		order = plain(len(out))
	}
	return order, nil
}

// operand returns a buffer with v in the given order of the result's axes, and its shape there.
func (c *compiler) operand(v nn.Value, order []int) (int, nn.Shape, error) {
	s := c.shape(v)
	if len(s) == len(order) {
		b, err := c.want(v, order)
		return b, arrange(s, order), err
	}
	full := make(nn.Shape, len(order))
	for i := range full {
		full[i] = 1
	}
	missing := len(order) - len(s)
	copy(full[missing:], s)
	var own []int // order of the operand's own axes
	for _, axis := range order {
		if axis >= missing {
			own = append(own, axis-missing)
		}
	}
	b, err := c.want(v, own)
	return b, arrange(full, order), err
}

func lowerBatchNorm(c *compiler, n node) error {
	if len(n.In) < 5 || n.integer("training_mode", 0) != 0 {
		return fmt.Errorf("only inference with stored statistics is supported")
	}
	x := c.shape(n.In[0])
	order := channelsLast(len(x))
	in, err := c.want(n.In[0], order)
	if err != nil {
		return err
	}
	t := c.activation(n)
	if c.stats != nil {
		return c.measuredNorm(n, t, in, order)
	}
	scale, shift, err := c.affine(n)
	if err != nil {
		return err
	}
	isa, limits := c.isa, t.limits
	c.emit(n, []int{in}, []int{c.produce(t.out, order)}, func(int) kernelFunc {
		return func(team *kernel.Team, in, out [][]float32) {
			isa.Scale(team, out[0], in[0], scale, shift, limits)
		}
	})
	return nil
}

// measuredNorm normalises by the batch's own statistics and records them.
func (c *compiler) measuredNorm(n node, t tail, in int, order []int) error {
	var scale, bias []float32
	var err error
	if scale, _, err = c.floats(n.In[1]); err != nil {
		return err
	}
	if bias, _, err = c.floats(n.In[2]); err != nil {
		return err
	}
	eps := float64(n.Float("epsilon", 1e-5))
	isa, rec, m := c.isa, c.stats.add(n), new(kernel.Moments)
	a, b := make([]float32, len(scale)), make([]float32, len(scale))
	c.emit(n, []int{in}, []int{c.produce(t.out, order)}, func(batch int) kernelFunc {
		return func(team *kernel.Team, in, out [][]float32) {
			isa.Moments(team, m, in[0], len(scale))
			rec.observe(m, batch)
			for i := range a {
				s := float64(scale[i]) / math.Sqrt(m.Variance[i]+eps)
				a[i], b[i] = float32(s), float32(float64(bias[i])-s*m.Mean[i])
			}
			isa.Scale(team, out[0], in[0], a, b, t.limits)
		}
	})
	return nil
}
