package embedded

import (
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// lowerResize scales axes one after the other.
func lowerResize(c *compiler, n node) error {
	x, y := c.shape(n.In[0]), c.shape(n.Out[0])
	scales, err := c.optional(n, 2)
	if err != nil {
		return err
	}
	moving, err := nn.ResizeAxes(n.Node, x, y, scales)
	if err != nil {
		return err
	}
	if len(moving) == 0 {
		return lowerRename(c, n)
	}
	in, err := c.want(n.In[0], plain(len(x)))
	if err != nil {
		return err
	}
	now := append(x[:0:0], x...)
	for i, m := range moving {
		before := append(now[:0:0], now...)
		now[m.Axis] = y[m.Axis]
		out := 0
		if i == len(moving)-1 {
			out = c.produce(n.Out[0], plain(len(y)))
		} else {
			out = c.scratch(append(now[:0:0], now...))
		}
		c.emit(n, []int{in}, []int{out}, func(b int) kernelFunc {
			s := at(before, b)
			inner, length := size(s[m.Axis+1:]), s[m.Axis]
			return func(t *kernel.Team, in, out [][]float32) { kernel.Interpolate(t, m.Taps, out[0], in[0], length, inner) }
		})
		in = out
	}
	return nil
}
