package embedded

import (
	"math"

	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Convolutions and poolings by their definition: over three axes, as video has, and with weights that the network computes, as StyleGAN 2 does. They
// are plain and not fast.

// flat is the rank of operands up to which windows have kernels of their own.
const flat = 4

// What is no element of a plane: padding, and what is behind it where a window was rounded up.
const (
	padding = -1
	behind  = -2
)

// taps lists for each position of a window with extents k where its elements are in a plane.
func taps(n node, x nn.Shape, k []int) ([][]int, error) {
	list := [][]int{{0}}
	for a := range k {
		g, err := kernel.AxisOf(n.Node, x, k, a)
		if err != nil {
			return nil, err
		}
		_, positions := g.Out()
		var next [][]int
		for _, outer := range list {
			for p := range positions {
				next = append(next, slidAlong(g, outer, p*g.StrideW-g.Left))
			}
		}
		list = next
	}
	return list, nil
}

// slidAlong is a window at a place of one more axis.
func slidAlong(g kernel.Window, outer []int, first int) []int {
	at := make([]int, 0, len(outer)*g.KW)
	for _, o := range outer {
		for j := range g.KW {
			r := first + j*g.DilationW
			switch {
			case o == behind || r >= g.W+g.Right:
				at = append(at, behind)
			case o == padding || r < 0 || r >= g.W:
				at = append(at, padding)
			default:
				at = append(at, o*g.W+r)
			}
		}
	}
	return at
}

// convolution sums, for each channel of the result, the products of a window's elements and its weights over the channels of its group.
func convolution(n node, in, out []nn.Shape) (loop, error) {
	x, w, y := in[0], in[1], out[0]
	windows, err := taps(n, x, w[2:])
	if err != nil {
		return nil, err
	}
	inputs, each, plane, size := w[1], w[0]/n.Integer("group", 1), x[2:].Count(), w[2:].Count()
	return func(in, out [][]float32) {
		for p := range y[:2].Count() {
			image, o := p/y[1], p%y[1]
			z := out[0][p*len(windows):][:len(windows)]
			clear(z)
			for i := range inputs {
				from := in[0][(image*x[1]+o/each*inputs+i)*plane:][:plane]
				weights := in[1][(o*inputs+i)*size:][:size]
				for at, window := range windows {
					for k, e := range window {
						if e >= 0 {
							z[at] += from[e] * weights[k]
						}
					}
				}
			}
			if len(in) > 2 && in[2] != nil {
				for at := range z {
					z[at] += in[2][o]
				}
			}
		}
	}, nil
}

// pooled makes one element of each window of each plane.
func pooled(of func(n node, plane []float32, window []int) float32) definition {
	return func(n node, in, _ []nn.Shape) (loop, error) {
		x := in[0]
		windows, err := taps(n, x, n.List("kernel_shape", len(x)-2, 0))
		if err != nil {
			return nil, err
		}
		plane := x[2:].Count()
		return func(in, out [][]float32) {
			for p := range len(in[0]) / max(1, plane) {
				for at, window := range windows {
					out[0][p*len(windows)+at] = of(n, in[0][p*plane:][:plane], window)
				}
			}
		}, nil
	}
}

func largest(_ node, plane []float32, window []int) float32 {
	v := float32(math.Inf(-1))
	for _, e := range window {
		if e >= 0 {
			v = max(v, plane[e])
		}
	}
	return v
}

// average is the mean of the elements, and of zeros for the padding where that counts.
func average(n node, plane []float32, window []int) float32 {
	sum, count, padded := float32(0), 0, n.Integer("count_include_pad", 0) != 0
	for _, e := range window {
		if e >= 0 {
			sum += plane[e]
		}
		if e >= 0 || padded && e == padding {
			count++
		}
	}
	return sum / float32(count)
}

func lowerAveragePool(c *compiler, n node) error {
	if len(c.Shape(n.In[0])) > flat {
		return c.defined(n, pooled(average))
	}
	return alike["AveragePool"](c, n)
}
