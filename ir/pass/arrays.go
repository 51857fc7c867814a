package pass

import (
	"slices"

	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/ir"
)

func concatArrays(n *ir.Node, in []array) ([]array, bool) {
	axis, ok := axisOf(n.Int("axis", 0), len(in[0].shape))
	if !ok {
		return nil, false
	}
	shape := slices.Clone(in[0].shape)
	shape[axis] = 0
	for _, a := range in {
		if len(a.shape) != len(shape) {
			return nil, false
		}
		shape[axis] += a.shape[axis]
	}
	return fill(in[0].kind, shape, func(p []int) int64 {
		q := slices.Clone(p)
		k := 0
		for q[axis] >= in[k].shape[axis] {
			q[axis] -= in[k].shape[axis]
			k++
		}
		return in[k].at(q)
	}), true
}

func reshapeArray(n *ir.Node, in []array) ([]array, bool) {
	if len(in) != 2 || n.Int("allowzero", 0) != 0 {
		return nil, false
	}
	shape, rest, open := make([]int, len(in[1].v)), len(in[0].v), -1
	for k, d := range in[1].v {
		switch {
		case d == 0 && k < len(in[0].shape):
			d = int64(in[0].shape[k])
		case d == -1 && open < 0:
			open, d = k, 1
		}
		if d < 1 || rest%int(d) != 0 {
			return nil, false
		}
		shape[k], rest = int(d), rest/int(d)
	}
	if open >= 0 {
		shape[open] = rest
	}
	return []array{{in[0].kind, shape, in[0].v}}, volume(shape) == len(in[0].v)
}

func squeezeArray(n *ir.Node, in []array) ([]array, bool) {
	axes := listOf(n, in, "axes", 1)
	gone := make([]bool, len(in[0].shape))
	for _, a := range axes {
		k, ok := axisOf(a, len(gone))
		if !ok || in[0].shape[k] != 1 {
			return nil, false
		}
		gone[k] = true
	}
	out := array{kind: in[0].kind, shape: []int{}, v: in[0].v}
	for k, d := range in[0].shape {
		if !gone[k] && (axes != nil || d != 1) {
			out.shape = append(out.shape, d)
		}
	}
	return []array{out}, true
}

func unsqueezeArray(n *ir.Node, in []array) ([]array, bool) {
	axes := listOf(n, in, "axes", 1)
	rank := len(in[0].shape) + len(axes)
	added := make([]bool, rank)
	for _, a := range axes {
		k, ok := axisOf(a, rank)
		if !ok || added[k] {
			return nil, false
		}
		added[k] = true
	}
	out, rest := array{kind: in[0].kind, v: in[0].v}, in[0].shape
	for k := range rank {
		d := 1
		if !added[k] {
			d, rest = rest[0], rest[1:]
		}
		out.shape = append(out.shape, d)
	}
	return []array{out}, true
}

func transposeArray(n *ir.Node, in []array) ([]array, bool) {
	rank := len(in[0].shape)
	perm := n.Ints("perm")
	if perm == nil {
		for k := range rank {
			perm = append(perm, int64(rank-1-k))
		}
	}
	if len(perm) != rank {
		return nil, false
	}
	shape := make([]int, rank)
	for k, from := range perm {
		if from < 0 || int(from) >= rank {
			return nil, false
		}
		shape[k] = in[0].shape[from]
	}
	return fill(in[0].kind, shape, func(p []int) int64 {
		q := make([]int, rank)
		for k, from := range perm {
			q[from] = p[k]
		}
		return in[0].at(q)
	}), true
}

func gatherArray(n *ir.Node, in []array) ([]array, bool) {
	if len(in) != 2 {
		return nil, false
	}
	x, index := in[0], in[1]
	axis, ok := axisOf(n.Int("axis", 0), len(x.shape))
	if !ok {
		return nil, false
	}
	list := make([]int, len(index.v))
	for k, i := range index.v {
		if list[k], ok = axisOf(i, x.shape[axis]); !ok {
			return nil, false
		}
	}
	shape := slices.Concat(x.shape[:axis], index.shape, x.shape[axis+1:])
	picks := array{ir.Int64, index.shape, nil}
	for _, i := range list {
		picks.v = append(picks.v, int64(i))
	}
	return fill(x.kind, shape, func(p []int) int64 {
		i := picks.at(p[axis : axis+len(index.shape)])
		return x.at(slices.Concat(p[:axis], []int{int(i)}, p[axis+len(index.shape):]))
	}), true
}

func whereArray(_ *ir.Node, in []array) ([]array, bool) {
	shape, ok := broadcastTo(in...)
	if !ok || len(in) != 3 {
		return nil, false
	}
	return fill(in[1].kind, shape, func(p []int) int64 {
		if in[0].at(p) != 0 {
			return in[1].at(p)
		}
		return in[2].at(p)
	}), true
}

func expandArray(_ *ir.Node, in []array) ([]array, bool) {
	if len(in) != 2 || !evaluable(in[1].v) {
		return nil, false
	}
	to := array{shape: make([]int, len(in[1].v))}
	for k, d := range in[1].v {
		to.shape[k] = int(d)
	}
	shape, ok := broadcastTo(in[0], to)
	return fill(in[0].kind, shape, func(p []int) int64 { return in[0].at(p) }), ok
}

// filledArray repeats one value, which is the float32 0 where none is given.
func filledArray(n *ir.Node, in []array) ([]array, bool) {
	value, ok := array{kind: ir.Float32, v: []int64{0}}, true
	if a, given := n.Attr("value"); given {
		var t onnx.Tensor
		if t, ok = a.Tensor(); ok {
			value, ok = arrayOf(&ir.Value{Const: &ir.Tensor{Tensor: t}}, 1)
		}
	}
	if !ok || len(value.v) != 1 || len(in[0].shape) != 1 || !evaluable(in[0].v) {
		return nil, false
	}
	shape := make([]int, len(in[0].v))
	for k, d := range in[0].v {
		shape[k] = int(d)
	}
	return fill(value.kind, shape, func([]int) int64 { return value.v[0] }), true
}

// evaluable tells whether a list can be the shape of an array that is evaluated.
func evaluable(list []int64) bool {
	return !slices.ContainsFunc(list, func(d int64) bool { return d < 0 || d > maxEvaluated })
}

// scatterArray replaces elements of the first operand, or whole slices of it: exporters make it of x[2:4, :3] = y.
func scatterArray(n *ir.Node, in []array) ([]array, bool) {
	reduction, reduces := n.Attr("reduction")
	if len(in) != 3 || reduces && reduction.String != "none" || len(in[1].shape) == 0 || in[0].kind != in[2].kind {
		return nil, false
	}
	x, index, by := in[0], in[1], in[2]
	depth := index.shape[len(index.shape)-1]
	if depth > len(x.shape) {
		return nil, false
	}
	size := volume(x.shape[depth:])
	if depth < 1 || volume(index.shape)/depth*size != len(by.v) {
		return nil, false
	}
	out := array{x.kind, x.shape, slices.Clone(x.v)}
	for k := range len(index.v) / depth {
		at := 0
		for a, i := range index.v[k*depth : (k+1)*depth] {
			position, ok := axisOf(i, x.shape[a])
			if !ok {
				return nil, false
			}
			at = at*x.shape[a] + position
		}
		copy(out.v[at*size:(at+1)*size], by.v[k*size:])
	}
	return []array{out}, true
}

// sliceArray follows ONNX's clamping: an end beyond the axis is its end, and before it when the step is negative.
func sliceArray(n *ir.Node, in []array) ([]array, bool) {
	starts, ends := listOf(n, in, "starts", 1), listOf(n, in, "ends", 2)
	axes, steps := listOf(n, in, "axes", 3), listOf(n, in, "steps", 4)
	shape := slices.Clone(in[0].shape)
	first, step := make([]int, len(shape)), slices.Repeat([]int{1}, len(shape))
	for k := range starts {
		axis, by := k, int64(1)
		if k < len(axes) {
			var ok bool
			if axis, ok = axisOf(axes[k], len(shape)); !ok {
				return nil, false
			}
		}
		if k < len(steps) {
			by = steps[k]
		}
		if axis >= len(shape) || k >= len(ends) || by == 0 || max(by, -by) > maxEvaluated {
			return nil, false
		}
		size := int64(in[0].shape[axis])
		low, high := int64(0), size
		if by < 0 {
			low, high = -1, size-1
		}
		bound := func(v int64) int64 {
			if v < 0 {
				v += size
			}
			return min(max(v, low), high)
		}
		from, to := bound(starts[k]), bound(ends[k])
		length := max(0, (to-from+by-1)/by)
		if by < 0 {
			length = max(0, (from-to-by-1)/-by)
		}
		first[axis], step[axis], shape[axis] = int(max(from, 0)), int(by), int(length)
	}
	return fill(in[0].kind, shape, func(p []int) int64 {
		q := make([]int, len(p))
		for k := range p {
			q[k] = first[k] + p[k]*step[k]
		}
		return in[0].at(q)
	}), true
}
