package embedded

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

func lowerCast(c *compiler, n node) error {
	name, err := engine.Cast(c.typ(n.In[0]), c.typ(n.Out[0]))
	if err != nil {
		return err
	}
	if name == "" {
		return lowerRename(c, n)
	}
	f, ok := c.isa.Unary(name)
	if !ok {
		return fmt.Errorf("internal error: no kernel %s", name)
	}
	return c.unary(n, f, 0, 0)
}

// lowerWhere takes elements of the second or third operand.
func lowerWhere(c *compiler, n node) error {
	y := c.shape(n.Out[0])
	var in []int
	for _, v := range n.In {
		b, err := c.spread(n, v, y)
		if err != nil {
			return err
		}
		in = append(in, b)
	}
	c.emit(n, in, []int{c.produce(n.Out[0], plain(len(y)))}, func(int) kernelFunc {
		return func(t *kernel.Team, in, out [][]float32) {
			t.Split(len(out[0]), len(out[0]), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					if out[0][i] = in[2][i]; in[0][i] != 0 {
						out[0][i] = in[1][i]
					}
				}
			})
		}
	})
	return nil
}

// spread repeats v to the shape y and returns the buffer, in plain order.
func (c *compiler) spread(n node, v nn.Value, y nn.Shape) (int, error) {
	x := c.shape(v)
	in, err := c.want(v, plain(len(x)))
	if err != nil {
		return 0, err
	}
	out := c.scratch(y)
	c.emit(n, []int{in}, []int{out}, func(b int) kernelFunc {
		copier := kernel.NewCopier(kernel.Dense(at(y, b)), kernel.Repeat(at(x, b), at(y, b)))
		return func(t *kernel.Team, in, out [][]float32) { copier.Run(t, out[0], in[0]) }
	})
	return out, nil
}
