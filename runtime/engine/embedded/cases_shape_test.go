package embedded_test

import (
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// reshape splits the last axis, or joins axes, the batch's among them at times.
func reshape(d *draw) []nn.Value {
	s := d.shape(2, 4)
	last := s[len(s)-1]
	switch d.rng.IntN(3) {
	case 0:
		s[len(s)-1] = last * 3
		to := append(slices.Clone(s[:len(s)-1]), last, 3)
		return []nn.Value{d.b.Reshape(d.input(s), to)}
	case 1:
		d.mixes = true
		return []nn.Value{d.b.Reshape(d.input(s), append(nn.Shape{s[0] * s[1]}, s[2:]...))}
	}
	to := slices.Clone(s)
	slices.Reverse(to[1:])
	return []nn.Value{d.b.Reshape(d.input(s), to)}
}

func squeeze(d *draw) []nn.Value {
	s := d.shape(1, 3)
	at := 1 + d.rng.IntN(len(s))
	with := slices.Insert(slices.Clone(s), at, 1)
	return []nn.Value{d.op("Squeeze", []nn.Attr{ints("axes", int64(d.signed(at, len(with))))}, s, d.input(with))}
}

func unsqueeze(d *draw) []nn.Value {
	s := d.shape(1, 3)
	at := d.rng.IntN(len(s) + 1)
	d.mixes = at == 0
	with := slices.Insert(slices.Clone(s), at, 1)
	return []nn.Value{d.op("Unsqueeze", []nn.Attr{ints("axes", int64(d.signed(at, len(with))))}, with, d.input(s))}
}

func transpose(d *draw) []nn.Value {
	s := d.shape(1, 5)
	perm := d.rng.Perm(len(s))
	if at := slices.Index(perm, 0); at > 0 && d.rng.IntN(4) > 0 {
		perm[0], perm[at] = perm[at], perm[0]
	}
	d.mixes = perm[0] != 0
	return []nn.Value{d.b.Transpose(d.input(s), perm...)}
}

func concat(d *draw) []nn.Value {
	s := d.shape(1, 4)
	axis := d.axis(s)
	var xs []nn.Value
	for range 1 + d.rng.IntN(4) {
		part := slices.Clone(s)
		if axis > 0 {
			part[axis] = d.size()
		}
		xs = append(xs, d.input(part))
	}
	if d.rng.IntN(4) == 0 {
		xs = append(xs, xs[0])
	}
	if d.batch != nn.Batch && d.coin() {
		xs = append(xs, d.b.Param(d.tensor(s...)))
	}
	return []nn.Value{d.b.Concat(d.signed(axis, len(s)), xs...)}
}

func split(d *draw) []nn.Value {
	s := d.shape(2, 4)
	axis := 1 + d.rng.IntN(len(s)-1)
	var sizes []int
	s[axis] = 0
	for range 1 + d.rng.IntN(4) {
		n := d.size()
		sizes, s[axis] = append(sizes, n), s[axis]+n
	}
	ys := d.b.Split(d.input(s), d.signed(axis, len(s)), sizes...)
	if d.coin() {
		d.rng.Shuffle(len(ys), func(i, j int) { ys[i], ys[j] = ys[j], ys[i] })
		return ys[:1+d.rng.IntN(len(ys))] // some parts may have no reader
	}
	return ys
}

// slice draws the bounds of one or two axes, counted from the front or the end, or beyond it.
func slice(d *draw) []nn.Value {
	s := d.shape(2, 4)
	to := slices.Clone(s)
	var starts, ends, axes, steps []int64
	for _, a := range d.rng.Perm(len(s) - 1)[:1+d.rng.IntN(min(2, len(s)-1))] {
		a++
		n := s[a]
		from, step := d.rng.IntN(n), 1+d.rng.IntN(3)
		until := from + 1 + d.rng.IntN(n-from)
		to[a] = (until - from + step - 1) / step
		start, end := int64(from), int64(until)
		if d.coin() {
			start -= int64(n)
		}
		switch {
		case until == n && d.coin():
			end = math.MaxInt64
		case until < n && d.coin():
			end -= int64(n)
		}
		if d.rng.IntN(4) == 0 { // backwards, from the last of them to before the first
			start, end, step = int64(until-1), int64(from-1), -step
			if from == 0 {
				end = math.MinInt64 + 1
			}
		}
		starts, ends, axes, steps = append(starts, start), append(ends, end), append(axes, int64(d.signed(a, len(s)))), append(steps, int64(step))
	}
	return []nn.Value{d.op("Slice", nil, to, d.input(s), d.integers(starts...), d.integers(ends...), d.integers(axes...), d.integers(steps...))}
}

func gather(d *draw) []nn.Value {
	s := d.shape(2, 4)
	axis := 1 + d.rng.IntN(len(s)-1)
	index := func(n int) int64 { return int64(d.rng.IntN(2*n) - n) }
	attr := []nn.Attr{integer("axis", d.signed(axis, len(s)))}
	if d.rng.IntN(3) == 0 { // one position
		to := slices.Delete(slices.Clone(s), axis, axis+1)
		i := d.b.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_int", Kind: nn.AttrInt, Int: index(s[axis])}}})[0]
		return []nn.Value{d.op("Gather", attr, to, d.input(s), i)}
	}
	var list []int64
	for range 1 + d.rng.IntN(5) {
		list = append(list, index(s[axis]))
	}
	if d.rng.IntN(3) == 0 { // a constant's rows, added to something
		n := d.size()
		rows := d.op("Gather", nil, nn.Shape{len(list), n}, d.b.Param(d.tensor(s[axis], n)), d.integers(list...))
		return []nn.Value{d.b.Add(d.input(nn.Shape{d.batch, len(list), n}), rows)}
	}
	to := slices.Clone(s)
	to[axis] = len(list)
	return []nn.Value{d.op("Gather", attr, to, d.input(s), d.integers(list...))}
}

func pad(d *draw) []nn.Value {
	s := d.shape(2, 4)
	to := slices.Clone(s)
	pads, shift := make([]int64, 2*len(s)), d.rng.IntN(4) == 0
	for a := 1; a < len(s); a++ {
		before, after := d.rng.IntN(3), d.rng.IntN(3)
		if shift && before < s[a] {
			after = -before // as a shift along time
		}
		pads[a], pads[len(s)+a] = int64(before), int64(after)
		to[a] += before + after
	}
	attrs := []nn.Attr{ints("pads", pads...)}
	if !shift {
		attrs = append(maybe(d, "value", -1.5), attrs...)
	}
	if d.coin() {
		attrs = append(attrs, nn.Attr{Name: "mode", Kind: nn.AttrString, String: "constant"})
	}
	return []nn.Value{d.op("Pad", attrs, to, d.input(s))}
}

func expand(d *draw) []nn.Value {
	s := d.shape(2, 4)
	from, target := slices.Clone(s), make([]int64, len(s))
	for a := 1; a < len(s); a++ {
		if d.coin() {
			from[a] = 1
		}
		target[a] = int64(s[a])
	}
	if target[0] = 1; d.batch > 0 {
		target[0] = int64(d.batch)
	}
	if d.rng.IntN(4) == 0 { // a constant for every image of the batch
		token := slices.Clone(s)
		token[0] = 1
		target[0] = int64(s[0])
		tokens := d.op("Expand", nil, s, d.b.Param(d.tensor(token...)), d.integers(target...))
		return []nn.Value{d.b.Add(tokens, d.input(s))}
	}
	return []nn.Value{d.op("Expand", nil, s, d.input(from), d.integers(target...))}
}
