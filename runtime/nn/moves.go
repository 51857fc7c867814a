package nn

import (
	"cmp"
	"math"
	"slices"
)

// Int makes a whole number a value.
func (t *Tape) Int(v int64) Value { return t.constant("", FromInt64s(Shape{}, []int64{v})) }

// Ints makes a list of whole numbers a value.
func (t *Tape) Ints(v ...int64) Value { return t.constant("", FromInt64s(Shape{len(v)}, v)) }

// Float makes a number a value.
func (t *Tape) Float(v float32) Value { return t.constant("", FromFloat32s(Shape{}, []float32{v})) }

// Floats makes a list of numbers a value.
func (t *Tape) Floats(v ...float32) Value { return t.constant("", FromFloat32s(Shape{len(v)}, v)) }

// Slice records a Slice, whose bounds are operands.
func (t *Tape) Slice(x Value, ranges ...Range) Value {
	if !t.ok("Slice", x) {
		return None
	}
	s := slices.Clone(t.shape(x))
	var starts, ends, axes, steps []int64
	stepped := false
	for _, r := range ranges {
		a, ok := wrap(r.Axis, len(s))
		if !ok || s[a] < 0 {
			t.fail("Slice", "axis %d of %v cannot be cut", r.Axis, s)
			return None
		}
		s[a] = r.count(s[a])
		starts, ends, axes, steps = append(starts, r.From), append(ends, r.To), append(axes, int64(r.Axis)), append(steps, cmp.Or(r.Step, 1))
		stepped = stepped || r.Step != 0
	}
	in := []Value{x, t.Ints(starts...), t.Ints(ends...), t.Ints(axes...)}
	if stepped {
		in = append(in, t.Ints(steps...))
	}
	return t.add(Node{Type: "Slice", In: in}, s)
}

// count is the number of positions that r takes of n.
func (r Range) count(n int) int {
	low, high := int64(0), int64(n)
	if r.Step < 0 {
		low, high = -1, int64(n)-1
	}
	bound := func(v int64) int64 {
		if v < 0 {
			v += int64(n)
		}
		return min(max(v, low), high)
	}
	from, to, step := bound(r.From), bound(r.To), r.Step
	switch {
	case step < 0:
		from, to = to, from
		if step = -step; step < 0 { // the least number has no opposite
			step = math.MaxInt64
		}
	case step == 0:
		step = 1
	}
	if to <= from {
		return 0
	}
	return int((to-from-1)/step + 1)
}

// Gather records a Gather.
func (t *Tape) Gather(x, index Value, axis int) Value {
	if !t.ok("Gather", x, index) {
		return None
	}
	s := t.shape(x)
	a, ok := wrap(axis, len(s))
	if !ok {
		t.fail("Gather", "shape %v has no axis %d", s, axis)
		return None
	}
	var attrs []Attr
	if axis != 0 {
		attrs = append(attrs, intAttr("axis", axis))
	}
	return t.add(Node{Type: "Gather", Attrs: attrs, In: []Value{x, index}}, slices.Concat(s[:a], t.shape(index), s[a+1:]))
}

// Expand records an Expand, whose shape is an operand.
func (t *Tape) Expand(x Value, to Shape) Value {
	if !t.ok("Expand", x) {
		return None
	}
	s, ok := Broadcast(t.shape(x), to)
	if !ok {
		t.fail("Expand", "shapes %v and %v do not broadcast", t.shape(x), to)
		return None
	}
	extents := make([]int64, len(to))
	for k, n := range to {
		extents[k] = int64(n)
	}
	return t.add(Node{Type: "Expand", In: []Value{x, t.Ints(extents...)}}, s)
}

// Resize records a Resize by factors.
func (t *Tape) Resize(x Value, r Resize) Value {
	if !t.ok("Resize", x) {
		return None
	}
	s := slices.Clone(t.shape(x))
	if len(r.Scales) != len(s) {
		t.fail("Resize", "there are %d factors for the shape %v", len(r.Scales), s)
		return None
	}
	for a, f := range r.Scales {
		switch {
		case f == 1:
		case s[a] < 0:
			t.fail("Resize", "the batch of %v cannot be resized", s)
			return None
		default:
			s[a] = int(math.Floor(float64(s[a])*float64(f) + 1e-6))
		}
	}
	return t.add(Node{Type: "Resize", Attrs: r.attrs(), In: []Value{x, None, t.Floats(r.Scales...)}}, s)
}

func (r Resize) attrs() []Attr {
	var attrs []Attr
	for _, a := range []Attr{{Name: "coordinate_transformation_mode", String: r.Coordinates}, {Name: "mode", String: r.Mode}, {Name: "nearest_mode", String: r.Nearest}} {
		if a.String != "" {
			a.Kind = AttrString
			attrs = append(attrs, a)
		}
	}
	if r.CubicA != 0 {
		attrs = append(attrs, floatAttr("cubic_coeff_a", r.CubicA))
	}
	return attrs
}

// Cast records a Cast.
func (t *Tape) Cast(x Value, to DType) Value {
	if !t.ok("Cast", x) {
		return None
	}
	return t.addAs(Node{Type: "Cast", Attrs: []Attr{intAttr("to", int(to))}, In: []Value{x}}, t.shape(x), to)
}

// Pow records an element-wise power.
func (t *Tape) Pow(x, y Value) Value { return t.spread("Pow", 0, x, y) }

// Max records an element-wise maximum.
func (t *Tape) Max(xs ...Value) Value { return t.spread("Max", 0, xs...) }

// Min records an element-wise minimum.
func (t *Tape) Min(xs ...Value) Value { return t.spread("Min", 0, xs...) }

// Where records an element-wise choice.
func (t *Tape) Where(c, x, y Value) Value { return t.spread("Where", 1, c, x, y) }

// spread records an element-wise operator of any number of operands. The result has the type of one of them.
func (t *Tape) spread(op string, typed int, xs ...Value) Value {
	if len(xs) == 0 || !t.ok(op, xs...) {
		t.fail(op, "it has no operands")
		return None
	}
	s := t.shape(xs[0])
	for _, x := range xs[1:] {
		wide, ok := Broadcast(s, t.shape(x))
		if !ok {
			t.fail(op, "shapes %v and %v do not broadcast", s, t.shape(x))
			return None
		}
		s = wide
	}
	return t.addAs(Node{Type: op, In: slices.Clone(xs)}, s, t.g.Values[xs[typed]].Type)
}
