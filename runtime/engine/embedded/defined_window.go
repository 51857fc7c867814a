package embedded

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

// lowerMaxPool is a pooling of the largest element; where these come from is a second result, for MaxUnpool.
func lowerMaxPool(c *compiler, n node) error {
	if len(n.Out) > 1 && n.Out[1] != nn.None {
		return c.defined(n, maxPoolIndices)
	}
	if len(c.Shape(n.In[0])) > flat {
		return c.defined(n, pooled(largest))
	}
	return alike["MaxPool"](c, n)
}

// covered lists for each position of a window the elements of a plane that it covers.
func covered(n node, x nn.Shape) ([][]int, error) {
	list, err := taps(n, x, n.List("kernel_shape", len(x)-2, 0))
	for p := range list {
		list[p] = slices.DeleteFunc(list[p], func(at int) bool { return at < 0 })
	}
	return list, err
}

// maxPoolIndices finds the first of the largest elements of each window, and its place in the whole tensor.
func maxPoolIndices(n node, in, _ []nn.Shape) (loop, error) {
	x := in[0]
	windows, err := covered(n, x)
	if err != nil {
		return nil, err
	}
	if x.Count() > engine.MaxExact {
		return nil, fmt.Errorf("indices of %d elements, the embedded engine has integers of at most %d", x.Count(), engine.MaxExact)
	}
	plane, width := x[2:].Count(), x[len(x)-1]
	column := n.Integer("storage_order", 0) != 0 // indices count down the columns
	if column && len(x) > flat {
		return nil, errors.New("indices that count down the columns of more than two axes are not supported")
	}
	return func(in, out [][]float32) {
		for p := range len(in[0]) / plane {
			image := in[0][p*plane : (p+1)*plane]
			for k, window := range windows {
				largest, at := float32(math.Inf(-1)), 0
				for i, e := range window {
					if v := image[e]; i == 0 || v > largest {
						largest, at = v, e
					}
				}
				if column {
					at = at%width*(plane/width) + at/width
				}
				to := p*len(windows) + k
				if out[0] != nil {
					out[0][to] = largest
				}
				out[1][to] = float32(p*plane + at)
			}
		}
	}, nil
}

// maxUnpool puts elements where a pooling has found them, among zeros.
func maxUnpool(_ node, in, out []nn.Shape) (loop, error) {
	if in[0].Count() != in[1].Count() {
		return nil, fmt.Errorf("indices of shape %v for elements of shape %v", in[1], in[0])
	}
	if n := out[0].Count(); n > engine.MaxExact {
		return nil, fmt.Errorf("indices of %d elements, the embedded engine has integers of at most %d", n, engine.MaxExact)
	}
	return func(in, out [][]float32) {
		y := out[0]
		clear(y)
		for i, v := range in[0] {
			at := int(in[1][i])
			if at < 0 || at >= len(y) {
				notNumbers(y)
				return
			}
			y[at] = v
		}
	}, nil
}

// powers are pooled: the p-th root of the sum of p-th powers.
func lpPool(n node, in, _ []nn.Shape) (loop, error) {
	windows, err := covered(n, in[0])
	return powers(n, in[0][2:].Count(), windows), err
}

func globalLpPool(n node, in, _ []nn.Shape) (loop, error) {
	all := make([]int, in[0][2:].Count())
	for i := range all {
		all[i] = i
	}
	return powers(n, len(all), [][]int{all}), nil
}

// powers are the p-th roots of the sums of p-th powers over windows of each plane.
func powers(n node, plane int, windows [][]int) loop {
	order := float64(n.Integer("p", 2))
	return func(in, out [][]float32) {
		for p := range len(in[0]) / max(1, plane) {
			image := in[0][p*plane : (p+1)*plane]
			for k, window := range windows {
				sum := 0.0
				for _, e := range window {
					sum += math.Pow(math.Abs(float64(image[e])), order)
				}
				out[0][p*len(windows)+k] = float32(math.Pow(sum, 1/order))
			}
		}
	}
}
