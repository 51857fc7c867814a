package kernel

import (
	"fmt"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Source sets from to the position of the operand's element that is at a position of the result, and tells whether there is one: otherwise the
// result is 0 there.
type Source func(at, from []int) bool

// Indices lists the element of x that each element of y is, -1 for none.
func Indices(x, y nn.Shape, source Source) []int32 {
	out := make([]int32, y.Count())
	to, from := make([]int, len(y)), make([]int, len(x))
	for i := range out {
		for k, rest := len(y)-1, i; k >= 0; k-- {
			to[k], rest = rest%y[k], rest/y[k]
		}
		if !source(to, from) {
			out[i] = -1
			continue
		}
		at := 0
		for k, p := range from {
			at = at*x[k] + p
		}
		out[i] = int32(at)
	}
	return out
}

// Tile repeats an operand of shape x.
func Tile(x nn.Shape) Source {
	return func(at, from []int) bool {
		for k, p := range at {
			from[k] = p % x[k]
		}
		return true
	}
}

// DepthToSpace makes blocks of positions of channels, which are blocks outermost (DCR) or innermost (CRD). y is the result's shape.
func DepthToSpace(n *nn.Node, y nn.Shape) Source {
	b, inner := int(n.Int("blocksize", 1)), n.Text("mode", "DCR") == "CRD"
	return func(at, from []int) bool {
		block := at[2]%b*b + at[3]%b
		from[0], from[1], from[2], from[3] = at[0], block*y[1]+at[1], at[2]/b, at[3]/b
		if inner {
			from[1] = at[1]*b*b + block
		}
		return true
	}
}

// SpaceToDepth makes channels of blocks of positions. x is the operand's shape.
func SpaceToDepth(n *nn.Node, x nn.Shape) Source {
	b := int(n.Int("blocksize", 1))
	return func(at, from []int) bool {
		block := at[1] / x[1]
		from[0], from[1], from[2], from[3] = at[0], at[1]%x[1], at[2]*b+block/b, at[3]*b+block%b
		return true
	}
}

// Triangle keeps the elements on one side of a diagonal of the last two axes, that of a Trilu.
func Triangle(n *nn.Node, diagonal int) Source {
	upper := n.Int("upper", 1) != 0
	return func(at, from []int) bool {
		copy(from, at)
		over := at[len(at)-1] - at[len(at)-2]
		return upper && over >= diagonal || !upper && over <= diagonal
	}
}

// Mirror is a Pad of an operand of shape x with what is at the edge, with reflections, or with what is at the other end.
func Mirror(x nn.Shape, pads []int, mode string) (Source, error) {
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
		return nil, fmt.Errorf("mode %s is not supported", mode)
	}
	return func(at, from []int) bool {
		for k, p := range at {
			from[k] = back(p-pads[k], x[k])
		}
		return true
	}, nil
}

// Rows is the order of a tensor's axes with those in last at the end.
func Rows(last []bool) (order []int) {
	for _, end := range []bool{false, true} {
		for axis, is := range last {
			if is == end {
				order = append(order, axis)
			}
		}
	}
	return order
}
