package embedded

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// lowerConvTranspose runs the derivative of a convolution by its operand, which is the same.
func lowerConvTranspose(c *compiler, n node) error {
	x, y := c.Shape(n.In[0]), c.Shape(n.Out[0])
	w, ws, err := c.floats(n.In[1])
	if err != nil {
		return err
	}
	bias, err := c.Optional(n, 2)
	if err != nil {
		return err
	}
	groups := n.Integer("group", 1)
	if len(ws) != len(x) || ws[0] != x[1] || y[1] != ws[1]*groups || groups < 1 || x[1]%groups != 0 {
		return fmt.Errorf("weights %v do not fit an operand of shape %v and a result of shape %v", ws, x, y)
	}
	if len(x) > 4 { // more than two spatial axes
		return c.linked(n, groups, w, bias)
	}
	g, ok, err := kernel.TransposedWindowOf(n.Node, x, y, ws[2:])
	if err != nil {
		return err
	}
	if !ok {
		return c.linked(n, groups, w, bias)
	}
	order := autodiff.ChannelsLast(len(x))
	in, err := c.Want(n.In[0], order)
	if err != nil {
		return err
	}
	conv, image := c.isa.NewTransposed(g, x[1], y[1], groups, w, bias), x[1:].Count()
	c.emit(n, []int{in}, []int{c.Produce(n.Out[0], order)}, func(int) autodiff.Run {
		return func(t *kernel.Team, in, out [][]float32) { conv.Run(t, in[0], out[0], len(in[0])/image) }
	})
	return nil
}

// linked adds each element of the operand, times the window's weights, to the result. It is plain and not fast.
func (c *compiler) linked(n node, groups int, w, bias []float32) error {
	x, y, ws := c.Shape(n.In[0]), c.Shape(n.Out[0]), c.Shape(n.In[1])
	links := links(n, x[2:], y[2:], ws[2:])
	each, window := ws[1], ws[2:].Count()
	inputs, from, to := x[1]/groups, x[2:].Count(), y[2:].Count()
	return c.plainly(n, n.In[:1], func(b int) autodiff.Run {
		planes := autodiff.At(y, b)[:2].Count()
		return func(t *kernel.Team, in, out [][]float32) {
			t.Split(planes, planes*inputs*len(links), func(lo, hi int) {
				for p := lo; p < hi; p++ {
					image, o := p/y[1], p%y[1]
					z := out[0][p*to : (p+1)*to]
					for i := range z {
						if z[i] = 0; bias != nil {
							z[i] = bias[o]
						}
					}
					for i := range inputs {
						channel := o/each*inputs + i
						v := in[0][(image*x[1]+channel)*from:][:from]
						k := w[(channel*each+o%each)*window:][:window]
						for _, l := range links {
							z[l.to] += v[l.from] * k[l.weight]
						}
					}
				}
			})
		}
	})
}

// link is an element of the operand, one of a window and one of the result that their product belongs to.
type link struct{ from, to, weight int32 }

// links lists all of them over the spatial axes.
func links(n node, x, y, window nn.Shape) []link {
	rank := len(x)
	strides, dilations, pads := n.List("strides", rank, 1), n.List("dilations", rank, 1), nn.TransposedPads(n.Node, x, y, window)
	all := []link{{}}
	for a := range rank {
		var next []link
		for _, l := range all {
			for i := range x[a] {
				for k := range window[a] {
					if p := i*strides[a] + k*dilations[a] - pads[a][0]; p >= 0 && p < y[a] {
						next = append(next, link{l.from*int32(x[a]) + int32(i), l.to*int32(y[a]) + int32(p), l.weight*int32(window[a]) + int32(k)})
					}
				}
			}
		}
		all = next
	}
	return all
}
