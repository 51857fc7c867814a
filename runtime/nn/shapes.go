package nn

import "slices"

// window is the sliding window of a convolution or pooling.
type window struct {
	kernel, strides, pads, dilations []int
	autoPad                          string
	ceil                             bool
}

func (w window) attrs(attrs []Attr) []Attr {
	attrs = append(attrs, intsAttr("kernel_shape", w.kernel))
	attrs = unless(attrs, "strides", w.strides, 1)
	attrs = unless(attrs, "pads", w.pads, 0)
	attrs = unless(attrs, "dilations", w.dilations, 1)
	if w.autoPad != "" {
		attrs = append(attrs, Attr{Name: "auto_pad", Kind: AttrString, String: w.autoPad})
	}
	return attrs
}

func at(list []int, i, def int) int {
	if i < len(list) {
		return list[i]
	}
	return def
}

// slide returns the extents of the result for spatial extents x.
func (w window) slide(x Shape) Shape {
	out := make(Shape, len(x))
	for a, n := range x {
		stride := at(w.strides, a, 1)
		reach := (at(w.kernel, a, 1)-1)*at(w.dilations, a, 1) + 1
		begin, end := at(w.pads, a, 0), at(w.pads, a+len(x), 0)
		if w.autoPad == "VALID" {
			begin, end = 0, 0
		}
		room := n + begin + end - reach
		switch {
		case n < 1 || stride < 1:
			out[a] = 0
		case w.autoPad == "SAME_UPPER" || w.autoPad == "SAME_LOWER":
			out[a] = (n + stride - 1) / stride
		case room < 0:
			out[a] = 0
		default:
			out[a] = room/stride + 1
			if w.ceil && room%stride != 0 && out[a]*stride < n+begin { // a window that would start in the padding does not count
				out[a]++
			}
		}
	}
	return out
}

// Broadcast returns the shape of an element-wise operator's result; ok is false when there is none.
func Broadcast(a, b Shape) (s Shape, ok bool) {
	if len(a) < len(b) {
		a, b = b, a
	}
	s = slices.Clone(a)
	for i, n := range b {
		k := len(a) - len(b) + i
		switch {
		case s[k] == 1:
			s[k] = n
		case n != 1 && n != s[k]:
			return nil, false
		}
	}
	return s, true
}

// spreads tells whether a broadcasts to exactly the shape b.
func spreads(a, b Shape) bool {
	s, ok := Broadcast(b, a)
	return ok && slices.Equal(s, b)
}

// wrap counts an axis from the front; ok is false when there is none.
func wrap(axis, rank int) (a int, ok bool) {
	if axis < 0 {
		axis += rank
	}
	return axis, axis >= 0 && axis < rank
}

func matMul(a, b Shape) (Shape, bool) {
	if len(a) < 2 || len(b) < 2 || a[len(a)-1] != b[len(b)-2] {
		return nil, false
	}
	lead, ok := Broadcast(a[:len(a)-2], b[:len(b)-2])
	return append(lead, a[len(a)-2], b[len(b)-1]), ok
}

func reduced(s Shape, keep bool, axes []int) Shape {
	var out Shape
	for a, n := range s {
		switch {
		case !slices.Contains(axes, a) && !slices.Contains(axes, a-len(s)):
			out = append(out, n)
		case keep:
			out = append(out, 1)
		}
	}
	return out
}

// times multiplies extents. The open batch counts as -1, so the product of a shape with it is negative. An empty product is 1.
func times(s Shape) int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}
