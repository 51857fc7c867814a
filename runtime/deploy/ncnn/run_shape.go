package ncnn

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

func runPooling(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x := in[0]
	if len(x.s) != 3 || l.int(7, 0) != 0 {
		return nil, fmt.Errorf("it cannot pool the shape %v, or is adaptive", x.s)
	}
	kw, sw, left := l.int(1, 0), l.int(2, 1), l.int(3, 0)
	w := window{kw, 1, sw, left, l.int(14, left)}
	h := window{l.int(11, kw), 1, l.int(12, sw), l.int(13, left), 0}
	h.after = l.int(15, h.before)
	whole := l.int(4, 0) != 0
	if whole {
		h, w = window{x.s[1], 1, 1, 0, 0}, window{x.s[2], 1, 1, 0, 0}
	} else if l.int(5, 0) != 1 {
		return nil, errors.New("only pad mode 1 is read")
	}
	if !h.ok() || !w.ok() {
		return nil, fmt.Errorf("windows %v and %v cannot be", h, w)
	}
	y, err := r.alloc(x.s[0], h.out(x.s[1]), w.out(x.s[2]))
	if err == nil {
		err = r.spend(len(y.v), h.size, w.size)
	}
	if err != nil {
		return nil, err
	}
	for i := range y.v {
		y.v[i] = pooled(x, h, w, l.int(0, 0) == 0, l.int(6, 0) != 0, i/(y.s[1]*y.s[2]), i/y.s[2]%y.s[1], i%y.s[2])
	}
	if whole {
		y.s = y.s[:1]
	}
	return []tensor{y}, nil
}

// pooled is one element of a pooling.
func pooled(x tensor, h, w window, largest, padding bool, c, i, j int) float32 {
	sum, top, n := 0.0, math.Inf(-1), 0
	for a := range h.size {
		for b := range w.size {
			row, col := i*h.stride-h.before+a, j*w.stride-w.before+b
			if row < 0 || col < 0 || row >= x.s[1] || col >= x.s[2] {
				continue
			}
			v := float64(x.v[(c*x.s[1]+row)*x.s[2]+col])
			sum, top, n = sum+v, max(top, v), n+1
		}
	}
	switch {
	case largest:
		return float32(top)
	case padding:
		n = h.size * w.size
	}
	return float32(sum / float64(n))
}

// reductions has what Reduction starts with and how it joins, by number.
var reductions = map[int]struct {
	first float64
	join  func(a, b float64) float64
}{
	0: {0, func(a, b float64) float64 { return a + b }},
	3: {0, func(a, b float64) float64 { return a + b }},
	4: {math.Inf(-1), math.Max},
	5: {math.Inf(1), math.Min},
}

func runReduction(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x, axes := in[0], l.ints(3)
	op, ok := reductions[l.int(0, 0)]
	if !ok || l.int(1, 1) != 0 || l.int(5, 0) != 1 || l.int(4, 0) != 0 || l.float(2, 1) != 1 {
		return nil, errors.New("only sums, means and extremes over axes that vanish are read")
	}
	small, kept := slices.Clone(x.s), []int{}
	for axis, n := range x.s {
		if slices.Contains(axes, axis) {
			small[axis] = 1
		} else {
			kept = append(kept, n)
		}
	}
	if len(kept) == 0 {
		kept = []int{1}
	}
	sums := make([]float64, count(small))
	for i := range sums {
		sums[i] = op.first
	}
	index := make([]int, len(x.s))
	for _, v := range x.v {
		p := spread(small, index)
		sums[p] = op.join(sums[p], float64(v))
		advance(index, x.s)
	}
	y, err := r.alloc(kept...)
	if err != nil {
		return nil, err
	}
	n := 1.0
	if l.int(0, 0) == 3 {
		n = float64(len(x.v) / len(sums))
	}
	for i, v := range sums {
		y.v[i] = float32(v / n)
	}
	return []tensor{y}, nil
}

func runReshape(_ *runner, l *Layer, in []tensor) ([]tensor, error) {
	s := l.dims(-233)
	n := 1
	for _, e := range s {
		if e < 1 || n > maxExtent/e {
			return nil, fmt.Errorf("the shape %v cannot be", s)
		}
		n *= e
	}
	if n != len(in[0].v) {
		return nil, fmt.Errorf("the shape %v has other than the %d elements of its operand", s, len(in[0].v))
	}
	return []tensor{{s, in[0].v}}, nil
}

// orders has the orders of Permute by number of axes: for each, the axes of the operand that the result's w, h, (d,) c are.
var orders = [...][]string{
	2: {"wh", "hw"},
	3: {"whc", "hwc", "wch", "cwh", "hcw", "chw"},
	4: {
		"whdc", "hwdc", "wdhc", "dwhc", "hdwc", "dhwc", "whcd", "hwcd", "wchd", "cwhd", "hcwd", "chwd",
		"wdch", "dwch", "wcdh", "cwdh", "dcwh", "cdwh", "hdcw", "dhcw", "hcdw", "chdw", "dchw", "cdhw",
	},
}

// letters names the axes of a blob, outermost first.
var letters = [...]string{1: "w", 2: "hw", 3: "chw", 4: "cdhw"}

func runPermute(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	x, order := in[0], l.int(0, 0)
	n := len(x.s)
	if n < 2 || order < 0 || order >= len(orders[n]) {
		return nil, fmt.Errorf("there is no order %d of %d axes", order, n)
	}
	perm := make([]int, n)
	for i, letter := range orders[n][order] {
		perm[n-1-i] = strings.IndexRune(letters[n], letter)
	}
	if err := r.spend(len(x.v)); err != nil {
		return nil, err
	}
	return []tensor{turn(x, perm)}, nil
}

// turn permutes axes: axis i of the result is axis perm[i] of x.
func turn(x tensor, perm []int) tensor {
	s, steps := make([]int, len(perm)), make([]int, len(perm))
	for i, p := range perm {
		s[i], steps[i] = x.s[p], count(x.s[p+1:])
	}
	y := zeros(s...)
	index := make([]int, len(s))
	for i := range y.v {
		from := 0
		for axis, k := range index {
			from += k * steps[axis]
		}
		y.v[i] = x.v[from]
		advance(index, s)
	}
	return y
}

// cut copies n positions of an axis.
func cut(r *runner, x tensor, axis, from, n int) (tensor, error) {
	if axis < 0 || axis >= len(x.s) || from < 0 || n < 1 || n > x.s[axis]-from {
		return tensor{}, fmt.Errorf("axis %d of the shape %v has no %d positions from %d on", axis, x.s, n, from)
	}
	s := slices.Clone(x.s)
	s[axis] = n
	y, err := r.alloc(s...)
	if err != nil {
		return y, err
	}
	inner := count(x.s[axis+1:])
	for o := range count(x.s[:axis]) {
		copy(y.v[o*n*inner:(o+1)*n*inner], x.v[(o*x.s[axis]+from)*inner:])
	}
	return y, nil
}

func runSlice(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	var out []tensor
	from := 0
	for _, n := range l.ints(0) {
		y, err := cut(r, in[0], l.int(1, 0), from, n)
		if err != nil {
			return nil, err
		}
		out, from = append(out, y), from+n
	}
	return out, nil
}

func runCrop(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	starts, ends, axes := l.ints(9), l.ints(10), l.ints(11)
	if len(starts) == 0 || len(starts) != len(ends) || len(starts) != len(axes) {
		return nil, errors.New("it wants as many starts as ends and axes")
	}
	y := in[0]
	for k, axis := range axes {
		var err error
		if y, err = cut(r, y, axis, starts[k], ends[k]-starts[k]); err != nil {
			return nil, err
		}
	}
	return []tensor{y}, nil
}

func runConcat(r *runner, l *Layer, in []tensor) ([]tensor, error) {
	axis := l.int(0, 0)
	s := slices.Clone(in[0].s)
	if axis < 0 || axis >= len(s) {
		return nil, fmt.Errorf("the shape %v has no axis %d", s, axis)
	}
	for _, x := range in[1:] {
		if len(x.s) != len(s) || !slices.Equal(x.s[:axis], s[:axis]) || !slices.Equal(x.s[axis+1:], s[axis+1:]) {
			return nil, fmt.Errorf("the shapes %v and %v cannot be joined along axis %d", in[0].s, x.s, axis)
		}
		s[axis] += x.s[axis]
	}
	y, err := r.alloc(s...)
	if err != nil {
		return nil, err
	}
	inner, to := count(s[axis+1:]), 0
	for o := range count(s[:axis]) {
		for _, x := range in {
			n := x.s[axis] * inner
			copy(y.v[to:to+n], x.v[o*n:])
			to += n
		}
	}
	return []tensor{y}, nil
}

func runSplit(_ *runner, l *Layer, in []tensor) ([]tensor, error) {
	out := make([]tensor, len(l.Out))
	for i := range out {
		out[i] = in[0]
	}
	return out, nil
}
