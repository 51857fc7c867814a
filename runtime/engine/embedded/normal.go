package embedded

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// lowerNormal normalises rows of elements that are neighbours, then scales and shifts them.
func lowerNormal(c *compiler, n node) error {
	if len(n.In) < 2 {
		return fmt.Errorf("it has no scale")
	}
	x := c.shape(n.In[0])
	of := func(b int) (kernel.Normal, error) { return kernel.NormalOf(n.Node, at(x, b), at(c.shape(n.In[1]), b)) }
	m, err := of(1)
	if err != nil {
		return err
	}
	c.whole = c.whole || m.Axis == 0
	now, err := c.want(n.In[0], plain(len(x)))
	if err != nil {
		return err
	}
	normal := c.scratch(x)
	c.emit(n, []int{now}, []int{normal}, func(b int) kernelFunc {
		m, _ := of(b)
		row := size(m.View[m.Axis:])
		return func(t *kernel.Team, in, out [][]float32) {
			t.Split(len(in[0])/max(1, row), 8*len(in[0]), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					m.Of.Value(out[0][i*row:(i+1)*row], in[0][i*row:(i+1)*row])
				}
			})
		}
	})
	now = normal
	steps := []string{"Mul", "Add"}
	if len(n.In) < 3 || n.In[2] == nn.None {
		steps = steps[:1]
	}
	for k, name := range steps {
		by, err := c.want(n.In[k+1], plain(len(c.shape(n.In[k+1]))))
		if err != nil {
			return err
		}
		op, _ := kernel.BinaryOf(name)
		out := c.scratch(x)
		if k == len(steps)-1 {
			out = c.produce(n.Out[0], plain(len(x)))
		}
		c.emit(n, []int{now, by}, []int{out}, func(b int) kernelFunc {
			m, _ := of(b)
			f := c.isa.NewBroadcast(op, m.View, m.Scale, kernel.NoLimits())
			return func(t *kernel.Team, in, out [][]float32) { f.Run(t, out[0], in[0], in[1]) }
		})
		now = out
	}
	return nil
}
