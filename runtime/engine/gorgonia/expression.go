//go:build !riscv64

package gorgonia

import (
	"fmt"
	"slices"

	g "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"

	"github.com/autotailor/autotailor/runtime/nn"
)

// expression is a network in Gorgonia's own operators, in double precision, so that Gorgonia can differentiate it. The first error stays in
// err, and everything after it is nil: nothing is computed before the whole network stands.
//
// Gorgonia's operators along axes are slow or wrong at some ranks (v0.9.18), so what moves or adds up elements is written as products with
// constant matrices of ones and zeros, whose derivatives are products again.
type expression struct {
	graph *g.ExprGraph
	err   error
	count int // of constants, which need names of their own
}

func newExpression() *expression { return &expression{graph: g.NewGraph()} }

// did takes a node and the error of making it.
func (e *expression) did(n *g.Node, err error) *g.Node {
	if err != nil && e.err == nil {
		e.err = err
	}
	if e.err != nil {
		return nil
	}
	return n
}

// leaf is a node whose value is set before the network runs.
func (e *expression) leaf(s nn.Shape, name string) *g.Node {
	if len(s) == 0 {
		s = nn.Shape{1}
	}
	return g.NewTensor(e.graph, tensor.Float64, len(s), g.WithShape(s...), g.WithName(name))
}

// constant is a tensor that does not change.
func (e *expression) constant(s nn.Shape, data []float64) *g.Node {
	e.count++
	if len(s) == 0 {
		s = nn.Shape{1}
	}
	value := tensor.New(tensor.WithShape(s...), tensor.WithBacking(data))
	return g.NewTensor(e.graph, tensor.Float64, len(s), g.WithShape(s...), g.WithName(fmt.Sprintf("constant %d", e.count)), g.WithValue(value))
}

// shapeOf is a node's shape.
func shapeOf(n *g.Node) nn.Shape { return nn.Shape(n.Shape().Clone()) }

// one applies an operator of one operand.
func (e *expression) one(f func(*g.Node) (*g.Node, error), x *g.Node) *g.Node {
	if e.err != nil {
		return nil
	}
	return e.did(f(x))
}

// two applies an operator of two operands of the same shape.
func (e *expression) two(f func(x, y *g.Node) (*g.Node, error), x, y *g.Node) *g.Node {
	if e.err != nil {
		return nil
	}
	return e.did(f(x, y))
}

func (e *expression) add(x, y *g.Node) *g.Node { return e.two(g.Add, x, y) }
func (e *expression) sub(x, y *g.Node) *g.Node { return e.two(g.Sub, x, y) }
func (e *expression) mul(x, y *g.Node) *g.Node { return e.two(g.HadamardProd, x, y) }

// scaled is x*factor + shift.
func (e *expression) scaled(x *g.Node, factor, shift float64) *g.Node {
	if factor != 1 {
		x = e.two(g.HadamardProd, x, g.NewConstant(factor))
	}
	if shift != 0 {
		x = e.two(g.Add, x, g.NewConstant(shift))
	}
	return x
}

func (e *expression) reshape(x *g.Node, s ...int) *g.Node {
	if e.err != nil || slices.Equal(shapeOf(x), s) {
		return x
	}
	return e.did(reshaped(x, tensor.Shape(s)))
}

func (e *expression) transpose(x *g.Node, perm ...int) *g.Node {
	if e.err != nil || slices.IsSorted(perm) {
		return x
	}
	return e.did(g.Transpose(x, perm...))
}

// product is the product of two matrices.
func (e *expression) product(x, y *g.Node) *g.Node { return e.two(g.Mul, x, y) }

// products are those of matrices, one after the other along the first axis.
func (e *expression) products(x, y *g.Node) *g.Node {
	if e.err != nil {
		return nil
	}
	s, t := shapeOf(x), shapeOf(y)
	if s[0] == 1 {
		z := e.product(e.reshape(x, s[1], s[2]), e.reshape(y, t[1], t[2]))
		return e.reshape(z, 1, s[1], t[2])
	}
	return e.two(func(x, y *g.Node) (*g.Node, error) { return g.BatchedMatMul(x, y) }, x, y)
}

// along multiplies a matrix with x along an axis: row i of m says how position i of the result adds up from the positions of x.
func (e *expression) along(x *g.Node, axis, rows int, m func(row, column int) float64) *g.Node {
	if e.err != nil {
		return nil
	}
	s := shapeOf(x)
	outer, n, inner := s[:axis].Count(), s[axis], s[axis+1:].Count()
	to := slices.Clone(s)
	to[axis] = rows
	if inner == 1 { // x is [outer, n]
		flipped := e.matrix(n, rows, func(k, i int) float64 { return m(i, k) })
		return e.reshape(e.product(e.reshape(x, outer, n), flipped), to...)
	}
	by := e.matrix(rows, n, m)
	if outer == 1 {
		return e.reshape(e.product(by, e.reshape(x, n, inner)), to...)
	}
	y := e.reshape(e.transpose(e.reshape(x, outer, n, inner), 1, 0, 2), n, outer*inner)
	y = e.transpose(e.reshape(e.product(by, y), rows, outer, inner), 1, 0, 2)
	return e.reshape(y, to...)
}

// matrix is a constant.
func (e *expression) matrix(rows, columns int, at func(i, k int) float64) *g.Node {
	data := make([]float64, 0, rows*columns)
	for i := range rows {
		for k := range columns {
			data = append(data, at(i, k))
		}
	}
	return e.constant(nn.Shape{rows, columns}, data)
}

func ones(int, int) float64 { return 1 }

// sum adds up along axes, which stay with one position.
func (e *expression) sum(x *g.Node, axes ...int) *g.Node {
	if e.err != nil {
		return nil
	}
	s := shapeOf(x)
	x = e.merged(x, axes, func(x *g.Node, axis int) *g.Node { return e.along(x, axis, 1, ones) })
	for _, a := range axes {
		s[a] = 1
	}
	return e.reshape(x, s...)
}

// mean is the mean along axes.
func (e *expression) mean(x *g.Node, axes ...int) *g.Node {
	if e.err != nil {
		return nil
	}
	n := 1
	for _, a := range axes {
		n *= shapeOf(x)[a]
	}
	return e.scaled(e.sum(x, axes...), 1/float64(n), 0)
}

// merged calls f for each run of neighbouring axes, which are one axis then.
func (e *expression) merged(x *g.Node, axes []int, f func(x *g.Node, axis int) *g.Node) *g.Node {
	axes = slices.Sorted(slices.Values(axes))
	for len(axes) > 0 && e.err == nil {
		last := len(axes) - 1
		first := last
		for first > 0 && axes[first-1] == axes[first]-1 {
			first--
		}
		s := shapeOf(x)
		from, to := axes[first], axes[last]+1
		flat := slices.Concat(s[:from], nn.Shape{s[from:to].Count()}, s[to:])
		x = f(e.reshape(x, flat...), from)
		axes = axes[:first]
	}
	return x
}

// broadcast repeats x to a shape, as ONNX does.
func (e *expression) broadcast(x *g.Node, to nn.Shape) *g.Node {
	if e.err != nil {
		return nil
	}
	s := shapeOf(x)
	for len(s) < len(to) {
		s = append(nn.Shape{1}, s...)
	}
	x = e.reshape(x, s...)
	for axis := len(to) - 1; axis >= 0 && e.err == nil; axis-- {
		if s[axis] != 1 || to[axis] == 1 {
			continue
		}
		n, last := 1, axis
		for ; axis >= 0 && s[axis] == 1; axis-- { // a run of neighbours is repeated at once
			n *= to[axis]
		}
		axis++
		now := shapeOf(x)
		flat := slices.Concat(now[:axis], nn.Shape{1}, now[last+1:])
		x = e.along(e.reshape(x, flat...), axis, n, ones)
		if e.err == nil {
			x = e.reshape(x, slices.Concat(now[:axis], to[axis:last+1], now[last+1:])...)
		}
	}
	return x
}

// pair applies an element-wise operator, repeating its operands as ONNX does.
func (e *expression) pair(f func(x, y *g.Node) (*g.Node, error), x, y *g.Node, to nn.Shape) *g.Node {
	return e.two(f, e.broadcast(x, to), e.broadcast(y, to))
}

// take keeps positions of an axis.
func (e *expression) take(x *g.Node, axis int, positions []int) *g.Node {
	return e.along(x, axis, len(positions), func(i, k int) float64 { return unit(positions[i] == k) })
}

// put moves x to the positions from at on of an axis of a larger size; the others are zero.
func (e *expression) put(x *g.Node, axis, at, size int) *g.Node {
	return e.along(x, axis, size, func(i, k int) float64 { return unit(i == at+k) })
}

// clip is x between two bounds.
func (e *expression) clip(x *g.Node, low, high float64) *g.Node {
	y := e.scaled(e.one(g.Rectify, e.scaled(x, 1, -low)), 1, low)
	if e.err != nil {
		return nil
	}
	return e.sub(y, e.one(g.Rectify, e.scaled(x, 1, -high)))
}
