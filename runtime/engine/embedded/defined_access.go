package embedded

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// along is how a tensor is seen along one axis: outer blocks of n positions of inner elements.
type along struct{ outer, n, inner int }

func alongAxis(s nn.Shape, axis int) along {
	return along{s[:axis].Count(), s[axis], s[axis+1:].Count()}
}

// at is the place of an element.
func (a along) at(outer, k, inner int) int { return (outer*a.n+k)*a.inner + inner }

// position turns an index into a place of n, counted from the end where it is negative; ok is false where there is none.
func position(index float32, n int) (at int, ok bool) {
	at = int(index)
	if at < 0 {
		at += n
	}
	return at, at >= 0 && at < n && float32(math.Trunc(float64(index))) == index
}

// topK sorts along an axis and keeps the first ones. Of equal elements the first one comes first.
func topK(n node, in, out []nn.Shape) (loop, error) {
	axis, err := n.Axis(-1, len(in[0]))
	if err != nil {
		return nil, err
	}
	first := slices.IndexFunc(out, func(s nn.Shape) bool { return s != nil })
	if first < 0 || len(out[first]) != len(in[0]) || out[first][axis] > in[0][axis] {
		return nil, fmt.Errorf("it cannot leave %v of %v", out, in[0])
	}
	x, y := alongAxis(in[0], axis), alongAxis(out[first], axis)
	if x.outer != y.outer || x.inner != y.inner {
		return nil, fmt.Errorf("it cannot leave %v of %v", out, in[0])
	}
	sign := 1
	if n.Integer("largest", 1) != 0 {
		sign = -1
	}
	order := make([]int, x.n)
	return func(in, out [][]float32) {
		for o := range x.outer {
			for i := range x.inner {
				for k := range order {
					order[k] = k
				}
				slices.SortStableFunc(order, func(a, b int) int { return sign * cmp.Compare(in[0][x.at(o, a, i)], in[0][x.at(o, b, i)]) })
				for k := range y.n {
					if out[0] != nil {
						out[0][y.at(o, k, i)] = in[0][x.at(o, order[k], i)]
					}
					if len(out) > 1 && out[1] != nil {
						out[1][y.at(o, k, i)] = float32(order[k])
					}
				}
			}
		}
	}, nil
}

// oneHot has one value everywhere along a new axis, and another one at the place that an index says.
func oneHot(n node, in, out []nn.Shape) (loop, error) {
	axis, err := n.Axis(-1, len(out[0]))
	if err != nil {
		return nil, err
	}
	y := alongAxis(out[0], axis)
	if len(in) < 3 || y.outer*y.inner != in[0].Count() || in[2].Count() != 2 {
		return nil, fmt.Errorf("operands of shapes %v do not make %v", in, out[0])
	}
	return func(in, out [][]float32) {
		off, on := in[2][0], in[2][1]
		for i := range out[0] {
			out[0][i] = off
		}
		for o := range y.outer {
			for i := range y.inner {
				if at, ok := position(in[0][o*y.inner+i], y.n); ok {
					out[0][y.at(o, at, i)] = on
				}
			}
		}
	}, nil
}

// places calls f with the flat position of each element of a shape, and that of the element of a larger tensor at the same coordinates; along axis it
// is at the first one.
func places(s, large nn.Shape, axis int, f func(i, at int)) {
	strides := make([]int, len(s))
	step := 1
	for a := len(s) - 1; a >= 0; a-- {
		if strides[a] = step; a == axis {
			strides[a] = 0
		}
		step *= large[a]
	}
	for i := range s.Count() {
		at, rest := 0, i
		for a := len(s) - 1; a >= 0; a-- {
			at += rest % s[a] * strides[a]
			rest /= s[a]
		}
		f(i, at)
	}
}

// beside checks that indices address positions along an axis of a tensor.
func beside(n node, x, index nn.Shape) (axis, stride int, err error) {
	if axis, err = n.Axis(0, len(x)); err != nil {
		return 0, 0, err
	}
	ok := len(index) == len(x)
	for a := range x {
		ok = ok && (a == axis || index[a] <= x[a])
	}
	if !ok {
		return 0, 0, fmt.Errorf("indices of shape %v for elements of shape %v", index, x)
	}
	return axis, x[axis+1:].Count(), nil
}

// gatherElements picks along one axis, for each position along the others.
func gatherElements(n node, in, _ []nn.Shape) (loop, error) {
	axis, stride, err := beside(n, in[0], in[1])
	if err != nil {
		return nil, err
	}
	return func(data, out [][]float32) {
		places(in[1], in[0], axis, func(i, at int) {
			if k, ok := position(data[1][i], in[0][axis]); ok {
				out[0][i] = data[0][at+k*stride]
			} else {
				notNumbers(out[0][i : i+1])
			}
		})
	}, nil
}

// joins are what a Scatter does with an element that is there.
var joins = map[string]func(old, v float32) float32{
	"none": func(_, v float32) float32 { return v },
	"add":  func(old, v float32) float32 { return old + v },
	"mul":  func(old, v float32) float32 { return old * v },
	"max":  func(old, v float32) float32 { return max(old, v) },
	"min":  func(old, v float32) float32 { return min(old, v) },
}

// scatterElements writes along one axis, for each position along the others.
func scatterElements(n node, in, _ []nn.Shape) (loop, error) {
	axis, stride, err := beside(n, in[0], in[1])
	join := joins[n.Text("reduction", "none")]
	if err == nil && (join == nil || len(in) < 3 || !slices.Equal(in[1], in[2])) {
		err = fmt.Errorf("indices of shape %v, updates of shapes %v, reduction %q", in[1], in[2:], n.Text("reduction", "none"))
	}
	if err != nil {
		return nil, err
	}
	return func(data, out [][]float32) {
		y := out[0]
		copy(y, data[0])
		places(in[1], in[0], axis, func(i, at int) {
			if k, ok := position(data[1][i], in[0][axis]); ok {
				y[at+k*stride] = join(y[at+k*stride], data[2][i])
			} else {
				notNumbers(y)
			}
		})
	}, nil
}

// tuples are indices whose last axis has coordinates of the first axes of a tensor, after batch axes that both have.
type tuples struct {
	x                  nn.Shape // of the axes that have coordinates
	batch, each, width int      // batches, tuples of each, and coordinates of each tuple
	block              int      // elements that a tuple stands for
}

func tuplesOf(x, index nn.Shape, batchDims int) (t tuples, err error) {
	bad := fmt.Errorf("indices of shape %v for elements of shape %v", index, x)
	if len(index) < 1 || batchDims < 0 || batchDims >= len(index) || batchDims > len(x) || !slices.Equal(x[:batchDims], index[:batchDims]) {
		return t, bad
	}
	t.width = index[len(index)-1]
	if batchDims+t.width > len(x) || t.width < 1 {
		return t, bad
	}
	t.x = x[batchDims : batchDims+t.width]
	t.batch, t.each, t.block = x[:batchDims].Count(), index[batchDims:len(index)-1].Count(), x[batchDims+t.width:].Count()
	return t, nil
}

// at is the first element that tuple i of indices stands for.
func (t tuples) at(index []float32, i int) (int, bool) {
	at := i / max(1, t.each)
	for k, n := range t.x {
		p, ok := position(index[i*t.width+k], n)
		if !ok {
			return 0, false
		}
		at = at*n + p
	}
	return at * t.block, true
}

// gatherND picks the blocks that tuples of coordinates say.
func gatherND(n node, in, out []nn.Shape) (loop, error) {
	t, err := tuplesOf(in[0], in[1], n.Integer("batch_dims", 0))
	if err == nil && t.batch*t.each*t.block != out[0].Count() {
		err = fmt.Errorf("operands of shapes %v do not make %v", in, out[0])
	}
	if err != nil {
		return nil, err
	}
	return func(in, out [][]float32) {
		for i := range t.batch * t.each {
			to := out[0][i*t.block : (i+1)*t.block]
			if at, ok := t.at(in[1], i); ok {
				copy(to, in[0][at:])
			} else {
				notNumbers(to)
			}
		}
	}, nil
}

// scatterND writes the blocks that tuples of coordinates say.
func scatterND(n node, in, _ []nn.Shape) (loop, error) {
	join := joins[n.Text("reduction", "none")]
	t, err := tuplesOf(in[0], in[1], 0)
	if err == nil && (join == nil || len(in) < 3 || t.each*t.block != in[2].Count()) {
		err = fmt.Errorf("operands of shapes %v, reduction %q", in, n.Text("reduction", "none"))
	}
	if err != nil {
		return nil, err
	}
	return func(in, out [][]float32) {
		y := out[0]
		copy(y, in[0])
		for i := range t.each {
			at, ok := t.at(in[1], i)
			if !ok {
				notNumbers(y)
				return
			}
			for k, v := range in[2][i*t.block : (i+1)*t.block] {
				y[at+k] = join(y[at+k], v)
			}
		}
	}, nil
}

// reverseSequence reverses the first positions along one axis, as many as the second operand says for each position along another.
func reverseSequence(n node, in, _ []nn.Shape) (loop, error) {
	x, batch, time := in[0], n.Int("batch_axis", 1), n.Int("time_axis", 0)
	if batch < 0 || time < 0 || batch > 1 || time > 1 || batch == time || len(x) < 2 || len(in) < 2 || !slices.Equal(in[1], nn.Shape{x[batch]}) {
		return nil, fmt.Errorf("batch_axis %d, time_axis %d, operands of shapes %v; want axes 0 and 1, and one length for each sequence", batch, time, in)
	}
	inner, strides := x[2:].Count(), [2]int{x[1:].Count(), x[2:].Count()}
	return func(data, out [][]float32) {
		for b := range x[batch] {
			length := int(data[1][b])
			known := float32(length) == data[1][b] && length >= 0 && length <= x[time]
			for t := range x[time] {
				to, from := b*strides[batch]+t*strides[time], t
				if !known {
					notNumbers(out[0][to : to+inner])
					continue
				}
				if t < length {
					from = length - 1 - t
				}
				copy(out[0][to:to+inner], data[0][b*strides[batch]+from*strides[time]:])
			}
		}
	}, nil
}
