package embedded

import (
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// picked lowers an operator whose result is made of elements of its first operand: from says which, for the shapes of a batch. apart tells that
// images of a batch stay apart.
func (c *compiler) picked(n node, apart bool, from func(x, y nn.Shape) kernel.Source) error {
	c.whole = c.whole || !apart
	x, y := c.shape(n.In[0]), c.shape(n.Out[0])
	return c.plainly(n, n.In[:1], func(b int) kernelFunc {
		xb, yb := at(x, b), at(y, b)
		index := kernel.Indices(xb, yb, from(xb, yb))
		return func(t *kernel.Team, in, out [][]float32) {
			t.Split(len(index), len(index), func(lo, hi int) {
				for i := lo; i < hi; i++ {
					if k := index[i]; k >= 0 {
						out[0][i] = in[0][k]
					} else {
						out[0][i] = 0
					}
				}
			})
		}
	})
}

func lowerTile(c *compiler, n node) error {
	return c.picked(n, c.shape(n.In[0])[0] == c.shape(n.Out[0])[0], func(x, _ nn.Shape) kernel.Source { return kernel.Tile(x) })
}

func lowerDepthToSpace(c *compiler, n node) error {
	return c.picked(n, true, func(_, y nn.Shape) kernel.Source { return kernel.DepthToSpace(n.Node, y) })
}

func lowerSpaceToDepth(c *compiler, n node) error {
	return c.picked(n, true, func(x, _ nn.Shape) kernel.Source { return kernel.SpaceToDepth(n.Node, x) })
}

func lowerTrilu(c *compiler, n node) error {
	k, err := c.integers(n, "", 1)
	if err != nil {
		return err
	}
	diagonal := 0
	if len(k) > 0 {
		diagonal = k[0]
	}
	return c.picked(n, len(c.shape(n.In[0])) > 2, func(nn.Shape, nn.Shape) kernel.Source { return kernel.Triangle(n.Node, diagonal) })
}

// lowerMirror is a Pad that repeats elements.
func lowerMirror(c *compiler, n node, pads []int, mode string) error {
	if _, err := kernel.Mirror(nil, pads, mode); err != nil {
		return err
	}
	return c.picked(n, true, func(x, _ nn.Shape) kernel.Source {
		from, _ := kernel.Mirror(x, pads, mode)
		return from
	})
}

// lowerInstanceNorm normalises each channel of each image.
func lowerInstanceNorm(c *compiler, n node) error {
	x := c.shape(n.In[0])
	scale, _, err := c.floats(n.In[1])
	if err != nil {
		return err
	}
	bias, _, err := c.floats(n.In[2])
	if err != nil {
		return err
	}
	eps := n.Float("epsilon", 1e-5)
	return c.plainly(n, n.In[:1], func(b int) kernelFunc {
		row := size(at(x, b)[2:])
		return func(t *kernel.Team, in, out [][]float32) {
			c.isa.LayerNorm(t, out[0], in[0], ones(row), nil, row, eps)
			for i := range out[0] {
				k := i / row % len(scale)
				out[0][i] = out[0][i]*scale[k] + bias[k]
			}
		}
	})
}

func ones(n int) []float32 {
	to := make([]float32, n)
	for i := range to {
		to[i] = 1
	}
	return to
}
