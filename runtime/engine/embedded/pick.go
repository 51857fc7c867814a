package embedded

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// source tells from which element of the operand, by its position, an element of the result comes; ok is false where it is 0.
type source func(at, from []int) (ok bool)

// picked lowers an operator whose result is made of elements of its first operand: from maps positions. batch tells that images of
// a batch stay apart.
func (c *compiler) picked(n node, apart bool, from func(x, y nn.Shape) source) error {
	c.whole = c.whole || !apart
	x, y := c.shape(n.In[0]), c.shape(n.Out[0])
	return c.plainly(n, n.In[:1], func(b int) kernelFunc {
		xb, yb := at(x, b), at(y, b)
		index := indices(xb, yb, from(xb, yb))
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

// indices lists the element of x that each element of y is, -1 for none.
func indices(x, y nn.Shape, from source) []int32 {
	out := make([]int32, size(y))
	to, pos := make([]int, len(y)), make([]int, len(x))
	for i := range out {
		for k, rest := len(y)-1, i; k >= 0; k-- {
			to[k], rest = rest%y[k], rest/y[k]
		}
		if !from(to, pos) {
			out[i] = -1
			continue
		}
		at := 0
		for k, p := range pos {
			at = at*x[k] + p
		}
		out[i] = int32(at)
	}
	return out
}

// lowerTile repeats a tensor.
func lowerTile(c *compiler, n node) error {
	return c.picked(n, c.shape(n.In[0])[0] == c.shape(n.Out[0])[0], func(x, _ nn.Shape) source {
		return func(at, from []int) bool {
			for k, p := range at {
				from[k] = p % x[k]
			}
			return true
		}
	})
}

// lowerDepthToSpace makes blocks of positions of channels, which are blocks outermost (DCR) or innermost (CRD).
func lowerDepthToSpace(c *compiler, n node) error {
	b, inner := n.integer("blocksize", 1), n.text("mode") == "CRD"
	return c.picked(n, true, func(_, y nn.Shape) source {
		return func(at, from []int) bool {
			block := at[2]%b*b + at[3]%b
			from[0], from[1], from[2], from[3] = at[0], block*y[1]+at[1], at[2]/b, at[3]/b
			if inner {
				from[1] = at[1]*b*b + block
			}
			return true
		}
	})
}

func lowerSpaceToDepth(c *compiler, n node) error {
	b := n.integer("blocksize", 1)
	return c.picked(n, true, func(x, _ nn.Shape) source {
		return func(at, from []int) bool {
			block := at[1] / x[1]
			from[0], from[1], from[2], from[3] = at[0], at[1]%x[1], at[2]*b+block/b, at[3]*b+block%b
			return true
		}
	})
}

// lowerTrilu keeps the elements on one side of a diagonal.
func lowerTrilu(c *compiler, n node) error {
	k, err := c.integers(n, "", 1)
	if err != nil {
		return err
	}
	upper, diagonal := n.integer("upper", 1) != 0, 0
	if len(k) > 0 {
		diagonal = k[0]
	}
	return c.picked(n, len(c.shape(n.In[0])) > 2, func(x, _ nn.Shape) source {
		return func(at, from []int) bool {
			copy(from, at)
			over := at[len(at)-1] - at[len(at)-2]
			return upper && over >= diagonal || !upper && over <= diagonal
		}
	})
}

// lowerMirror is a Pad with what is at the edge, or with reflections.
func lowerMirror(c *compiler, n node, pads []int, mode string) error {
	back, ok := map[string]func(p, n int) int{
		"edge": func(p, n int) int { return min(max(p, 0), n-1) },
		"reflect": func(p, n int) int {
			if period := 2*n - 2; period > 0 {
				p = ((p % period) + period) % period
				return min(p, period-p)
			}
			return 0
		},
		"wrap": func(p, n int) int { return ((p % n) + n) % n },
	}[mode]
	if !ok {
		return fmt.Errorf("mode %s is not supported", mode)
	}
	return c.picked(n, true, func(x, _ nn.Shape) source {
		return func(at, from []int) bool {
			for k, p := range at {
				from[k] = back(p-pads[k], x[k])
			}
			return true
		}
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
	eps := n.float("epsilon", 1e-5)
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
